"""`roadworthy gateway cache`: through the workers' sockets, or the admin API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doubles.scripted_server import Say, serving
from doubles.socket_server import workers
from roadworthy.cli.main import run
from roadworthy.core.errors import Exit

CACHE = {"enabled": True, "entries": 2, "bytes": 900, "max_bytes": 65_536, "evictions": 1, "ttl_s": 600.0, "load": 0.25}
INTERNAL = {
    "GET /internal/status": Say({"worker": 0, "cache": CACHE}),
    "POST /internal/cache/clear": Say({"cleared": 2}),
}

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "API_KEY", "ADMIN_KEY", "CONFIG"):
        monkeypatch.delenv(f"ROADWORTHY_{name}", raising=False)
    monkeypatch.delenv("APP_ENV", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_gateway_here_needs_no_key(tmp_path: Path, capsys: Shown) -> None:
    with workers(tmp_path / ".roadworthy", 2, INTERNAL) as (first, _):
        first.script["GET /internal/status"] = Say({"worker": 0, "cache": {"enabled": False}})
        assert run(["gateway", "cache", "status"]) == Exit.GOOD
        out = capsys.readouterr().out
        assert "0       off    -" in out
        assert out.split("\n")[2].split() == ["1", "on", "2", "900", "65536", "1", "600", "s", "0.25"]
        assert run(["gateway", "cache", "status", "--json"]) == Exit.GOOD
        told = json.loads(capsys.readouterr().out)["data"]["caches"]
        assert [one["enabled"] for one in told] == [False, True]
        assert told[0]["entries"] is None
        assert run(["key", "create", "any", "-q"]) == Exit.GOOD  # makes the journal
        capsys.readouterr()
        assert run(["gateway", "cache", "clear", "--json"]) == Exit.GOOD
        assert json.loads(capsys.readouterr().out)["data"] == {"cleared": 4}
    assert run(["gateway", "journal", "tail", "--json", "--kind", "cache."]) == Exit.GOOD
    (entry,) = json.loads(capsys.readouterr().out)["data"]["entries"]
    assert entry["payload"]["cleared"] == 4


def test_with_an_admin_key_the_admin_api_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("ROADWORTHY_ADMIN_KEY", "rw_admin")
    with serving() as control:
        control.script["GET /admin/cache"] = Say({"caches": [{"worker": 3, **CACHE}]})
        control.script["POST /admin/cache/clear"] = Say({"cleared": 1})
        assert run(["gateway", "cache", "status", "--control-url", control.url]) == Exit.GOOD
        assert capsys.readouterr().out.splitlines()[1].startswith("3 ")
        assert run(["gateway", "cache", "clear", "--control-url", control.url]) == Exit.GOOD
        assert "1 answer forgotten." in capsys.readouterr().out


def test_nobody_there_is_told(capsys: Shown) -> None:
    assert run(["gateway", "cache", "status"]) == Exit.COULD_NOT_FIND_OUT
    assert run(["gateway", "cache", "clear"]) == Exit.COULD_NOT_FIND_OUT
