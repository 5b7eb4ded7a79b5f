"""The `gateway` commands against real sockets: what goes to stdout, what to stderr, and the exit code."""

import contextlib
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from doubles.scripted_server import Say, ScriptedServer, events, serving
from doubles.socket_server import workers
from roadworthy.cli.main import run
from roadworthy.core.errors import Exit
from roadworthy.core.ports import Entry
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal

CHAT = "POST /v1/chat/completions"
TRIED = [
    {"provider": "a", "model": "m", "reason": "timeout", "latency_ms": 12.0, "status": None, "detail": "slow\x1b[2J"},
    {"provider": "b", "model": "n", "reason": "served", "latency_ms": 3.0, "status": 200, "detail": ""},
]
EXTRA = {"attempts": TRIED, "quality": "not-gated", "request_id": "req_1", "cache": "off", "stub_used": False}
SPENT = {"code": "llm_chain_failed", "message": "Spent. All.", "why": "All.", "mend": "Wait.", "attempts": TRIED[:1]}
BREAKER = {
    "provider": "a",
    "model": "m",
    "state": "open",
    "consecutive_failures": 3,
    "window_failures": 3,
    "window_size": 3,
    "retry_in_s": 4.5,
    "benched_s": 0.0,
}
INTERNAL = {
    "GET /internal/status": Say(
        {"worker": 0, "pid": 5, "uptime_s": 61.0, "requests_in_flight": 1, "connections": 2, "breakers": [BREAKER]}
    ),
    "POST /internal/breakers/reset": Say({"reset": 1}),
}

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "API_KEY", "ADMIN_KEY", "CONFIG"):
        monkeypatch.delenv(f"ROADWORTHY_{name}", raising=False)
    monkeypatch.delenv("APP_ENV", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with serving() as server:
        monkeypatch.setenv("ROADWORTHY_URL", server.url)
        listed = [{"id": "a/m", "owned_by": "a"}, {"id": "chat", "owned_by": "r"}]
        server.script["GET /v1/models"] = Say({"data": listed})
        yield server


def answer(text: str) -> Say:
    body = {"model": "n", "choices": [{"message": {"content": text}, "finish_reason": "length"}], "roadworthy": EXTRA}
    return Say(body, headers={"x-roadworthy-served-by": "b/n"})


def test_ask_prints_the_answer_and_tells_who_gave_it(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("ROADWORTHY_API_KEY", "rw_key")
    server.script[CHAT] = answer("Hi\x1b[31m there")
    assert run(["gateway", "ask", "Hello", "--system", "Be kind.", "--max-tokens", "9"]) == Exit.GOOD
    shown = capsys.readouterr()
    assert shown.out == "Hi there\n"
    assert "served by b/n, 2 attempts" in shown.err
    assert "first choice failed: timeout" in shown.err
    assert "cut at the token limit" in shown.err
    assert server.last.body["model"] == "chat"
    assert [one["role"] for one in server.last.body["messages"]] == ["system", "user"]
    assert server.last.headers["authorization"] == "Bearer rw_key"


def test_ask_reads_stdin_and_answers_in_json(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe"))
    server.script[CHAT] = answer("Hi")
    assert run(["gateway", "ask", "-", "--model", "x", "--json", "-q"]) == Exit.GOOD
    shown = capsys.readouterr()
    data = json.loads(shown.out)["data"]
    assert (data["text"], data["served"]["attempts"][0]["reason"], shown.err) == ("Hi", "timeout", "")
    assert server.last.body == {"model": "x", "messages": [{"role": "user", "content": "from a pipe"}]}


def test_ask_streams(server: ScriptedServer, capsys: Shown) -> None:
    pieces = [{"choices": [{"delta": {"content": text}}]} for text in ("One ", "\x1b[2Jtwo")]
    server.script[CHAT] = events(*pieces, {"choices": [], "roadworthy": EXTRA})
    assert run(["gateway", "ask", "x", "--stream", "-m", "chat"]) == Exit.GOOD
    assert capsys.readouterr().out == "One two\n"
    assert run(["gateway", "ask", "x", "--stream", "-m", "chat", "--json"]) == Exit.GOOD
    assert json.loads(capsys.readouterr().out)["data"]["text"] == "One \x1b[2Jtwo"
    server.script[CHAT] = events(*pieces, done=False)
    assert run(["gateway", "ask", "x", "--stream", "-m", "chat"]) == Exit.COULD_NOT_FIND_OUT
    assert "error[stream_incomplete]" in capsys.readouterr().err


def test_a_spent_chain_is_exit_4_with_its_attempts(server: ScriptedServer, capsys: Shown) -> None:
    server.script[CHAT] = Say({"error": SPENT}, 502)
    assert run(["gateway", "ask", "x", "-m", "chat"]) == Exit.COULD_NOT_FIND_OUT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "a         m      timeout  -       12  slow" in shown.err
    assert "\x1b" not in shown.err
    assert shown.err.endswith("error[llm_chain_failed]: Spent.\nwhy: All.\nmend: Wait.\n")
    assert run(["gateway", "ask", "x", "-m", "chat", "--json", "-q"]) == Exit.COULD_NOT_FIND_OUT
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["attempts"][0]["provider"] == "a"
    assert shown.err == ""


def test_nothing_to_ask_is_misuse(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(" \n"))
    for text in ("", "  ", "-"):
        assert run(["gateway", "ask", text]) == Exit.MISUSE
        assert "There is no question" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\x00")))
    assert run(["gateway", "ask", "-"]) == Exit.MISUSE
    assert "not UTF-8 at byte 0" in capsys.readouterr().err
    assert server.asked == []


@pytest.mark.parametrize("words", [("a\udcff",), ("x", "--model", "a\udcff"), ("x", "--system", "a\udcff")])
def test_bytes_that_are_no_text_are_misuse(server: ScriptedServer, words: tuple[str, ...], capsys: Shown) -> None:
    for more in ((), ("--stream",)):
        assert run(["gateway", "ask", "-m", "chat", *words, *more]) == Exit.MISUSE
        assert "not UTF-8" in capsys.readouterr().err
    assert server.asked == []


def test_no_gateway_is_exit_4_and_a_bad_address_exit_2(capsys: Shown) -> None:
    assert run(["gateway", "ask", "x", "--url", "http://127.0.0.1:1", "-m", "chat"]) == Exit.COULD_NOT_FIND_OUT
    assert "error[gateway_unreachable]" in capsys.readouterr().err
    assert run(["gateway", "ask", "x", "--url", "nonsense", "-m", "chat"]) == Exit.MISUSE
    assert run(["gateway", "status"]) == Exit.COULD_NOT_FIND_OUT
    assert run(["gateway", "breaker", "list"]) == Exit.COULD_NOT_FIND_OUT
    assert "roadworthy up" in capsys.readouterr().err


def test_the_configuration_names_address_and_route(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROADWORTHY_URL")
    port = server.url.rpartition(":")[2]
    Path("own.yaml").write_text(
        f"version: 1\ngateway:\n  port: {port}\n  default_route: main\n"
        "  routes:\n    other: {chain: [embedded/smollm2-135m-instruct]}\n"
        "    main: {chain: [embedded/smollm2-135m-instruct]}\n"
    )
    server.script[CHAT] = answer("Hi")
    assert run(["gateway", "ask", "x", "--config", "own.yaml", "-q"]) == Exit.GOOD
    assert server.last.body["model"] == "main"


def test_models(server: ScriptedServer, capsys: Shown) -> None:
    assert run(["gateway", "models"]) == Exit.GOOD
    assert capsys.readouterr().out == "model  owned by\na/m    a\nchat   r\n"


@pytest.mark.parametrize(
    ("say", "code", "word"),
    [
        (answer("Text."), Exit.GOOD, "good: english-marketing"),
        (answer(""), Exit.JUDGED_BAD, "bad: english-marketing"),
        (Say({"error": SPENT}, 502), Exit.COULD_NOT_FIND_OUT, "unknown: korean-marketing"),
    ],
)
def test_live_check_exits_by_its_verdict(
    server: ScriptedServer, capsys: Shown, say: Say, code: Exit, word: str
) -> None:
    server.script[CHAT] = say
    assert run(["gateway", "live-check"]) == code
    assert word in capsys.readouterr().out
    assert run(["gateway", "live-check", "--json", "--route", "other"]) == code
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["route"], data["verdict"]) == ("other", code.name.lower())


def test_status_and_breakers_of_the_gateway_here_need_no_key(tmp_path: Path, capsys: Shown) -> None:
    with workers(tmp_path / ".roadworthy", 1, INTERNAL) as (worker,):
        assert run(["gateway", "status"]) == Exit.GOOD
        assert "0       5    61 s  1         2            ok" in capsys.readouterr().out
        assert run(["gateway", "status", "--json"]) == Exit.GOOD
        data = json.loads(capsys.readouterr().out)["data"]
        assert (data["providers"][0]["state"], data["workers"][0]["pid"]) == ("open", 5)
        assert run(["gateway", "breaker", "list"]) == Exit.GOOD
        assert "0       a/m      open   3" in capsys.readouterr().out
        assert run(["key", "create", "any", "-q"]) == Exit.GOOD  # makes the journal
        assert run(["gateway", "breaker", "reset", "a/m"]) == Exit.GOOD
        assert worker.last.body == {"provider": "a", "model": "m"}
        worker.script["POST /internal/breakers/reset"] = Say({"reset": 0})
        assert run(["gateway", "breaker", "reset", "zzz"]) == Exit.MISUSE
        assert "There are a, a/m." in capsys.readouterr().err
    assert run(["gateway", "journal", "tail", "--json", "--kind", "breaker."]) == Exit.GOOD
    (entry,) = json.loads(capsys.readouterr().out)["data"]["entries"]
    assert entry["payload"]["provider"] == "a"


def test_with_an_admin_key_the_admin_api_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("ROADWORTHY_ADMIN_KEY", "rw_admin")
    with serving() as control:
        control.script["GET /admin/status"] = Say({"version": "9", "workers": [{"worker": 0}], "breakers": [BREAKER]})
        assert run(["gateway", "status", "--control-url", control.url, "--json"]) == Exit.GOOD
        data = json.loads(capsys.readouterr().out)["data"]
        assert (data["version"], data["workers"][0]["connections"]) == ("9", None)
        assert control.last.headers["authorization"] == "Bearer rw_admin"
        refused = {"code": "forbidden", "message": "No scope."}
        control.script["GET /admin/status"] = Say({"error": refused}, 403)
        assert run(["gateway", "status", "--control-url", control.url]) == Exit.STOPPED
    shown = capsys.readouterr()
    assert "error[forbidden]: No scope." in shown.err
    assert "rw_admin" not in shown.out + shown.err


def test_modes_are_shown_with_their_reasons(tmp_path: Path, capsys: Shown) -> None:
    mode = {
        "mode": "creative",
        "state": "down",
        "cause": "p95_over_limit",
        "why": "p95 of 9 calls is 7.10 s\x1b[2J",
        "p95_s": 7.1,
        "p95_limit_s": 6.0,
        "failures": 1,
        "window": 9,
        "share": 0.0,
        "in_flight": 2,
        "fallback": "balanced",
        "climb_in_s": 21.4,
    }
    status = {"worker": 0, "pid": 5, "modes": [mode, {"mode": "fast", "state": "up"}]}
    with workers(tmp_path / ".roadworthy", 1, {"GET /internal/status": Say(status)}):
        assert run(["gateway", "modes"]) == Exit.GOOD
        text = capsys.readouterr().out
        for part in ("creative", "down", "7.10 s of 6 s", "1 of 9", "0%", "balanced", "21 s", "p95_over_limit"):
            assert part in text
        assert "\x1b" not in text
        assert run(["gateway", "modes", "--json"]) == Exit.GOOD
        (first, second) = json.loads(capsys.readouterr().out)["data"]["modes"]
        assert (first["worker"], first["p95_s"], second["p95_s"]) == (0, 7.1, None)
    with workers(tmp_path / "other", 1, {"GET /internal/status": Say({"worker": 0})}):
        Path("own.yaml").write_text("gateway: {state_dir: other}")
        assert run(["gateway", "modes", "--config", "own.yaml"]) == Exit.GOOD
        assert "No modes are configured" in capsys.readouterr().out


def test_ask_tells_that_another_mode_served(server: ScriptedServer, capsys: Shown) -> None:
    told = {**EXTRA, "mode_requested": "creative", "mode_served": "fast", "mode_reason": "chain_failed"}
    body = {"model": "n", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "roadworthy": told}
    server.script[CHAT] = Say(body, headers={"x-roadworthy-served-by": "b/n"})
    assert run(["gateway", "ask", "Hello", "-m", "creative"]) == Exit.GOOD
    assert "mode fast, not creative: chain_failed" in capsys.readouterr().err


def test_the_journal_is_read_and_verified_and_not_made(tmp_path: Path, capsys: Shown) -> None:
    assert run(["gateway", "journal", "tail"]) == Exit.COULD_NOT_FIND_OUT
    assert "There is no journal" in capsys.readouterr().err
    assert not (tmp_path / ".roadworthy").exists()
    assert run(["key", "create", "one", "-q"]) == run(["key", "create", "two", "-q"]) == Exit.GOOD
    capsys.readouterr()
    assert run(["gateway", "journal", "tail", "-n", "1"]) == Exit.GOOD
    assert "key.created" in capsys.readouterr().out
    assert run(["gateway", "journal", "verify"]) == Exit.GOOD
    assert "2 entries" in capsys.readouterr().out
    tamper(tmp_path / ".roadworthy" / "state.db")
    assert run(["gateway", "journal", "verify"]) == Exit.JUDGED_BAD
    assert "Entry 1 is changed" in capsys.readouterr().err


def tamper(path: Path) -> None:
    import sqlite3

    db = sqlite3.connect(path)
    db.execute("DROP TRIGGER journal_entry_no_update")
    db.execute("UPDATE journal_entry SET payload = '{}' WHERE seq = 1")
    db.commit()
    db.close()


def test_costs_are_added_up_from_the_journal(capsys: Shown) -> None:
    assert run(["gateway", "cost"]) == Exit.COULD_NOT_FIND_OUT
    assert "There is no journal." in capsys.readouterr().err
    attempt = {"provider": "openai", "model": "m", "reason": "served", "latency_ms": 1.0, "cost_usd": 0.5, "tokens": 9}
    request = {"at": time.time(), "key_id": "key_a", "route": "chat", "attempts": [attempt]}
    with contextlib.closing(SqliteJournal(".roadworthy/state.db", TextMasker())) as journal:
        journal.append([Entry("request.finished", time.time(), json.dumps(request).encode())])
    assert run(["gateway", "cost", "--by", "key", "--days", "2"]) == Exit.GOOD
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split() == ["key_a", "1", "9", "0.500000", "0.000000", "0"]
    assert "Price table of 20" in shown[-1]
    assert run(["gateway", "cost", "--json"]) == Exit.GOOD
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["by"], data["rows"][0]["name"], data["total"]["cost_usd"]) == ("model", "openai/m", 0.5)
