"""`roadworthy console`: the owner of the state directory gets a link that works once."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from roadworthy.cli.main import run
from roadworthy.core.errors import AuthError, Exit
from roadworthy.gateway.console_session import SessionStore
from roadworthy.gateway.keys import KeyStore

STATE = Path(".roadworthy/state.db")

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APP_ENV", "ROADWORTHY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROADWORTHY_CONSOLE__PORT", "9")
    monkeypatch.chdir(tmp_path)


def test_a_link_that_works_once(capsys: Shown) -> None:
    assert run(["key", "create", "owner", "--scope", "admin"]) == Exit.GOOD
    capsys.readouterr()
    assert run(["console", "--json"]) == Exit.GOOD
    told = capsys.readouterr()
    data = json.loads(told.out)["data"]
    root, _, ticket = data["url"].partition("/sign-in?ticket=")
    assert (root, data["expires_s"]) == ("http://127.0.0.1:9", 600.0)
    assert "Nothing listens at http://127.0.0.1:9 yet" in told.err
    assert stat.S_IMODE(STATE.stat().st_mode) == 0o600
    assert ticket.encode() not in STATE.read_bytes()
    keys = KeyStore(STATE)
    sessions = SessionStore(STATE, keys)
    try:
        sessions.sign_in_by_ticket(ticket, "")
        with pytest.raises(AuthError):
            sessions.sign_in_by_ticket(ticket, "")
    finally:
        sessions.close()
        keys.close()


@pytest.mark.parametrize("before", [[], ["key", "create", "caller", "--scope", "use"]])
def test_without_an_admin_key_there_is_no_link(capsys: Shown, before: list[str]) -> None:
    if before:
        run(before)
    capsys.readouterr()
    assert run(["console"]) == Exit.STOPPED
    told = capsys.readouterr()
    assert told.out == ""
    assert "error[admin_disabled]" in told.err
    assert "roadworthy key create NAME --scope admin" in told.err
