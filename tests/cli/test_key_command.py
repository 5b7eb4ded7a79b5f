"""The `key` commands: the secret is shown once, stored nowhere, and running workers are told."""

import json
import re
from pathlib import Path

import pytest

from doubles.scripted_server import Say
from doubles.socket_server import workers
from roadworthy.cli.key import SCOPES as OFFERED
from roadworthy.cli.main import run
from roadworthy.core.errors import Exit
from roadworthy.gateway.keys import SCOPES, KeyStore, digest

STATE = Path(".roadworthy/state.db")

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APP_ENV", raising=False)
    monkeypatch.delenv("ROADWORTHY_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def found(secret: str) -> bool:
    store = KeyStore(STATE)
    try:
        return store.find(digest(secret)) is not None
    finally:
        store.close()


def test_the_command_offers_the_scopes_of_the_store() -> None:
    assert OFFERED == SCOPES


def test_a_key_lives_from_create_to_revoke(capsys: Shown) -> None:
    assert run(["key", "create", "app", "--scope", "use", "--scope", "operate"]) == Exit.GOOD
    shown = capsys.readouterr()
    secret = shown.out.strip()
    assert re.fullmatch(r"rw_[A-Za-z0-9_-]{43}", secret)
    assert secret not in shown.err
    assert found(secret)
    assert run(["key", "list"]) == Exit.GOOD
    listed = capsys.readouterr().out
    assert "use,operate" in listed
    assert secret not in listed
    assert run(["key", "rotate", "app", "--json"]) == Exit.GOOD
    fresh = json.loads(capsys.readouterr().out)["data"]["secret"]
    assert (found(secret), found(fresh)) == (False, True)
    assert run(["key", "revoke", "app"]) == Exit.GOOD
    assert not found(fresh)
    for file in STATE.parent.iterdir():
        assert not {secret.encode(), fresh.encode()} & set(re.findall(rb"rw_[A-Za-z0-9_-]{43}", file.read_bytes()))


def test_running_workers_are_told(tmp_path: Path, capsys: Shown) -> None:
    with workers(tmp_path / ".roadworthy", 2, {"POST /internal/keys/reload": Say({"keys": 1})}) as told:
        assert run(["key", "create", "app", "-v"]) == Exit.GOOD
    assert "2 workers have read the keys" in capsys.readouterr().err
    assert [server.last.path for server in told] == ["/internal/keys/reload"] * 2


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["create", "Bad Name"], Exit.MISUSE, "name of the key is not allowed"),
        (["create", "a", "--expires-days", "0"], Exit.MISUSE, "--expires-days"),
        (["create", "a", "--expires-days", "nan"], Exit.MISUSE, "life of the key"),
        (["revoke", "nobody"], Exit.MISUSE, "There is no such key"),
        (["rotate", "nobody"], Exit.MISUSE, "There is no such key"),
        (["list", "--config", "nowhere.yaml"], Exit.CONFIGURATION, "no configuration file"),
    ],
)
def test_bad_input_is_told(args: list[str], code: Exit, word: str, capsys: Shown) -> None:
    assert run(["key", *args]) == code
    shown = capsys.readouterr()
    assert word in shown.err
    assert shown.out == ""


def test_listing_makes_no_store(tmp_path: Path, capsys: Shown) -> None:
    assert run(["key", "list", "--json"]) == Exit.GOOD
    assert json.loads(capsys.readouterr().out)["data"] == {"keys": []}
    assert not (tmp_path / ".roadworthy").exists()


def test_a_damaged_store_is_told(capsys: Shown) -> None:
    STATE.parent.mkdir()
    STATE.write_bytes(b"not a database" * 100)
    assert run(["key", "list"]) == Exit.COULD_NOT_FIND_OUT
    assert "error[store_unavailable]" in capsys.readouterr().err
    assert run(["key", "create", "a"]) != Exit.GOOD
    assert STATE.read_bytes().startswith(b"not a database")


def test_an_expiring_key(capsys: Shown) -> None:
    assert run(["key", "create", "a", "--expires-days", "1.5", "--json", "-q"]) == Exit.GOOD
    key = json.loads(capsys.readouterr().out)["data"]["key"]
    assert key["expires_at"] - key["created_at"] == pytest.approx(1.5 * 86_400)


def test_limits_are_set_shown_and_taken_away(capsys: Shown) -> None:
    assert run(["key", "create", "app", "--usd-per-day", "2.5", "--requests-per-minute", "60", "-q"]) == Exit.GOOD
    assert run(["key", "list"]) == Exit.GOOD
    assert "usd_per_day 2.5, requests_per_minute 60" in capsys.readouterr().out
    assert run(["key", "set", "app", "--usd-per-day", "none", "--concurrent", "2", "--json"]) == Exit.GOOD
    limits = json.loads(capsys.readouterr().out)["data"]["key"]["limits"]
    assert {name: value for name, value in limits.items() if value is not None} == {
        "requests_per_minute": 60,
        "concurrent": 2,
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--usd-per-day", "-1"], "It must be a number from 0 to 1000000."),
        (["--requests-per-minute", "0"], "It must be a whole number from 1 to 10000000."),
        (["--tokens-per-day", "1.5"], "expected a whole number or `none`"),
        (["--concurrent", "many"], "expected a whole number or `none`"),
        ([], "No limit is given."),
    ],
)
def test_bad_limits_change_nothing(capsys: Shown, words: list[str], told: str) -> None:
    assert run(["key", "create", "app", "-q"]) == Exit.GOOD
    assert run(["key", "set", "app", *words]) == Exit.MISUSE
    assert told in capsys.readouterr().err
    assert run(["key", "list"]) == Exit.GOOD
    assert "no limits" in capsys.readouterr().out
