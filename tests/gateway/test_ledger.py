"""The ledger writes everything down, leaks nothing, and lets nothing stop the answering of requests."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.clock import ManualClock
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.ledger import FLUSH_RECORDS, Ledger
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.runtime.log import Level, Log
from roadworthy.runtime.metrics import Metrics

MASKER = TextMasker()
SERVED = Attempt("openai", "gpt-4.1-mini", Reason.SERVED, 412.34567, 200)
FAILED = Attempt("local", "mock-1", Reason.TIMEOUT, 2000.5, None, "no answer within 2 s")
AT = 1_760_000_000.25


def finished(number: int = 0, **changed: Any) -> Finished:
    values: dict[str, Any] = {
        "request_id": f"req_{number:024x}",
        "at": AT,
        "endpoint": "chat",
        "route": "chat",
        "key_id": "anonymous",
        "stream": False,
        "status": 200,
        "code": "ok",
        "served_by": "openai/gpt-4.1-mini",
        "attempts": (SERVED,),
        "latency_ms": 415.23456,
        "overhead_ms": 0.05432,
        "prompt_tokens": 12,
        "completion_tokens": 34,
    }
    return Finished(**(values | changed))


FELL_BACK = {"attempts": (FAILED, SERVED), "fallback": "timeout"}
STUB = "stub_in_production_forbidden"


class Away:
    """A journal whose disk can be away."""

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.kept: list[Entry] = []
        self.asked = 0

    def append(self, entries: Sequence[Entry]) -> None:
        self.asked += 1
        if self.problem:
            raise self.problem
        if any(entry.kind == "Malformed" for entry in entries):
            raise ValueError("kind")
        self.kept += entries


class Desk:
    """A ledger without its thread, and everything it writes to."""

    def __init__(self, level: Level = "info", **options: Any) -> None:
        self.stream = io.BytesIO()
        self.clock = ManualClock(AT)
        self.journal = Away()
        self.metrics = Metrics()
        log = Log(self.stream, MASKER, level, clock=self.clock, fields={"worker": 1})
        self.ledger = Ledger(self.journal, log, self.metrics, clock=self.clock, start=False, **options)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if not event or line["event"] == event]

    def value(self, name: str, *labels: str) -> Any:
        return {tuple(found): value for found, value in self.metrics.snapshot()[name]}.get(labels)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def requests_in(entries: Any) -> list[dict[str, Any]]:
    """Every request of the entries, packed or not, in order."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        payload = json.loads(entry.payload)
        found += payload.get("requests", [payload])
    return found


def test_a_request_becomes_one_log_line(desk: Desk) -> None:
    desk.ledger.add(finished())
    desk.ledger.flush()
    assert desk.lines() == [
        {
            "time": "2025-10-09T08:53:20.250Z",
            "level": "info",
            "event": "request",
            "worker": 1,
            "msg": "runtime stub_used=false quality_passed=null",
            "request_id": "req_" + "0" * 24,
            "at": AT,
            "endpoint": "chat",
            "route": "chat",
            "key_id": "anonymous",
            "stream": False,
            "status": 200,
            "code": "ok",
            "served_by": "openai/gpt-4.1-mini",
            "latency_ms": 415.235,
            "first_token_ms": None,
            "overhead_ms": 0.054,
            "prompt_tokens": 12,
            "completion_tokens": 34,
            "fallback": "",
            "quality": "not-gated",
            "stub_used": False,
            "cache": "off",
            "cache_age_s": None,
            "attempts": [
                {
                    "provider": "openai",
                    "model": "gpt-4.1-mini",
                    "reason": "served",
                    "latency_ms": 412.346,
                    "status": 200,
                }
            ],
            "cost_usd": None,
        }
    ]


@pytest.mark.parametrize(
    ("changed", "level", "message"),
    [
        ({"quality": "passed"}, "info", "runtime stub_used=false quality_passed=true"),
        (
            {"quality": "failed", "code": "runtime_quality_failed", "status": 422},
            "info",
            "runtime stub_used=false quality_passed=false",
        ),
        (
            {"code": "llm_chain_failed", "status": 502, "served_by": ""},
            "error",
            "runtime stub_used=false quality_passed=null",
        ),
        ({"code": STUB, "status": 503}, "critical", "runtime stub_used=false quality_passed=null"),
        ({"stub_used": True, "code": STUB}, "critical", "runtime stub_used=true quality_passed=null"),
        ({"code": "client_gone", "status": 499}, "info", "runtime stub_used=false quality_passed=null"),
    ],
)
def test_level_and_message_say_how_it_went(desk: Desk, changed: dict[str, Any], level: str, message: str) -> None:
    desk.ledger.add(finished(**changed))
    desk.ledger.flush()
    (line,) = desk.lines()
    assert (line["level"], line["msg"]) == (level, message)


def test_a_fallback_gets_its_own_line(desk: Desk) -> None:
    desk.ledger.add(finished(**FELL_BACK))
    desk.ledger.flush()
    request, fallback = desk.lines()
    assert [attempt["reason"] for attempt in request["attempts"]] == ["timeout", "served"]
    assert fallback == {
        "time": request["time"],
        "level": "warning",
        "event": "llm_fallback",
        "worker": 1,
        "msg": "llm_fallback provider=openai reason=timeout",
        "request_id": request["request_id"],
        "route": "chat",
        "served_by": "openai/gpt-4.1-mini",
        "failed": "local/mock-1",
        "reason": "timeout",
    }


@pytest.mark.parametrize(
    ("options", "events"), [({"log_requests": False}, []), ({"level": "warning"}, ["llm_fallback"])]
)
def test_request_lines_can_be_turned_off_and_nothing_else(options: dict[str, Any], events: list[str]) -> None:
    desk = Desk(**options)
    desk.ledger.add(finished(**FELL_BACK))
    desk.ledger.flush()
    assert [line["event"] for line in desk.lines()] == events
    assert len(desk.journal.kept) == 1
    assert desk.value("roadworthy_requests_total", "chat", "chat", "ok", "false") == 1


def test_a_request_becomes_one_journal_entry_with_its_attempts(desk: Desk) -> None:
    desk.ledger.add(finished(7, **FELL_BACK))
    desk.ledger.flush()
    (entry,) = desk.journal.kept
    assert (entry.kind, entry.at) == ("request.finished", AT)
    payload = json.loads(entry.payload)
    assert payload["request_id"] == "req_" + "0" * 23 + "7"
    assert payload["attempts"][0] == {
        "provider": "local",
        "model": "mock-1",
        "reason": "timeout",
        "latency_ms": 2000.5,
        "detail": "no answer within 2 s",
    }


def test_requests_are_folded_into_metrics(desk: Desk) -> None:
    over = Attempt("local", "mock-1", Reason.BREAKER_OPEN, 0.0)
    for number in range(300):
        desk.ledger.add(finished(number, first_token_ms=80.0, stream=True))
    desk.ledger.add(finished(**FELL_BACK))
    desk.ledger.add(finished(attempts=(over,), served_by="", code="llm_chain_failed", status=502, prompt_tokens=None))
    desk.ledger.flush()
    value = desk.value
    assert value("roadworthy_requests_total", "chat", "chat", "ok", "true") == 300
    assert value("roadworthy_requests_total", "chat", "chat", "llm_chain_failed", "false") == 1
    assert sum(value("http_request_duration_seconds", "chat", "200")["counts"]) == 301
    assert value("http_request_duration_seconds", "chat", "502")["sum"] == pytest.approx(0.41523456)
    assert value("roadworthy_attempts_total", "openai", "gpt-4.1-mini", "served") == 301
    assert value("roadworthy_attempts_total", "local", "mock-1", "timeout") == 1
    assert value("roadworthy_attempts_total", "local", "mock-1", "breaker_open") == 1
    assert sum(value("roadworthy_attempt_duration_seconds", "local", "mock-1")["counts"]) == 1
    assert value("roadworthy_fallbacks_total", "chat", "timeout") == 1
    assert value("gen_ai_client_token_usage", "input", "openai", "gpt-4.1-mini")["sum"] == 301 * 12
    assert value("gen_ai_client_token_usage", "output", "openai", "gpt-4.1-mini")["sum"] == 301 * 34
    assert sum(value("gen_ai_server_time_to_first_token", "openai", "gpt-4.1-mini")["counts"]) == 300
    assert value("roadworthy_overhead_seconds", "chat")["sum"] == pytest.approx(302 * 0.05432e-3)
    assert value("stub_served_total") == 0
    desk.ledger.add(finished(stub_used=True))
    desk.ledger.flush()
    assert value("stub_served_total") == 1


def test_an_event_is_logged_journalled_and_counted(desk: Desk) -> None:
    desk.ledger.event("breaker.open", level="warning", provider="openai", model="gpt", why="3 in a row", path=Path("x"))
    desk.ledger.event("edge.started", event="shadow", port=8080)
    desk.ledger.flush()
    assert desk.lines("breaker.open")[0]["why"] == "3 in a row"
    assert [entry.kind for entry in desk.journal.kept] == ["breaker.open", "edge.started"]
    assert json.loads(desk.journal.kept[0].payload) == {
        "level": "warning",
        "provider": "openai",
        "model": "gpt",
        "why": "3 in a row",
        "path": "x",
    }
    assert desk.value("roadworthy_breaker_transitions_total", "openai", "gpt", "open") == 1


def test_planted_keys_appear_neither_in_log_nor_in_journal(tmp_path: Path) -> None:
    canaries = [
        "sk-canary0123456789abcdef",
        "sk-ant-canary-0123456789",
        "pplx-canary0123456789",
        "rw_" + "canary" * 7,
        "ghp_canary0123456789abcdef",
        "AKIACANARY0123456789",
        "AIzacanary0123456789canary0123456789can",
        "eyJcanary0123.eyJcanary4567.canary",
        "xoxb-canary-0123456789",
    ]
    details = [
        *canaries,
        "authorization: Bearer canary.token",
        'body {"api_key": "canary"}',
        "x-api-key: canary",
        "connect postgres://app:canary@db/x",
        "write to canary@example.com\nand canary2@example.com",
        "-----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY-----",
    ]
    stream = io.BytesIO()
    path = tmp_path / "state.db"
    journal = SqliteJournal(path, MASKER)
    ledger = Ledger(journal, Log(stream, MASKER), Metrics(), start=False)
    for number, detail in enumerate(details):
        attempt = FAILED._replace(detail=detail)
        ledger.add(finished(number, attempts=(attempt, SERVED), fallback="timeout"))
        ledger.event("provider.unauthorized", level="error", detail=detail)
    ledger.close()
    entries = journal.read(limit=1000)
    assert len(entries) == 2 * len(details)
    assert journal.verify().first_bad_seq is None
    journal.close()
    everything = stream.getvalue() + b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"canary" not in everything.lower()
    assert [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_disk_that_refuses_loses_nothing_while_the_backlog_has_room(desk: Desk) -> None:
    desk.journal.problem = StorageError("The journal cannot be used.", "disk full")
    for number in range(700):
        desk.ledger.add(finished(number))
    desk.ledger.flush()
    assert desk.ledger.health() == {
        "ok": False,
        "lag_entries": 700,
        "dropped": 0,
        "log_lines_dropped": 0,
        "error": "store_unavailable",
    }
    assert desk.value("roadworthy_journal_lag_entries") == 700
    assert len(desk.lines("request")) == 700
    assert desk.lines("journal.refused")[0]["retry_in_s"] == 0.5
    desk.journal.problem = None
    desk.clock.advance(0.5)
    desk.ledger.flush()
    ids = [one["request_id"] for one in requests_in(desk.journal.kept)]
    assert ids == [f"req_{number:024x}" for number in range(700)]
    assert desk.ledger.health()["ok"] is True
    assert len(desk.lines("journal.recovered")) == 1


def test_tries_again_with_back_off(desk: Desk) -> None:
    desk.journal.problem = StorageError("away")
    desk.ledger.add(finished())
    waits = []
    for _ in range(9):
        asked = desk.journal.asked
        desk.ledger.flush()
        desk.ledger.flush()
        assert desk.journal.asked == asked + 1
        waits.append(desk.lines("journal.refused")[-1]["retry_in_s"])
        desk.clock.advance(waits[-1])
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_what_does_not_fit_is_counted_logged_and_noted_in_the_journal() -> None:
    desk = Desk(backlog=300)
    desk.journal.problem = StorageError("away")
    for number in range(200):
        desk.ledger.add(finished(number))
    desk.ledger.flush()
    for number in range(200, 450):
        desk.ledger.add(finished(number))
    desk.ledger.flush()
    assert desk.ledger.dropped_total == 150
    assert desk.value("roadworthy_journal_dropped_total") == 150
    assert desk.lines("journal.dropping")[0]["level"] == "critical"
    desk.journal.problem = None
    desk.clock.advance(60)
    desk.ledger.flush()
    assert [len(json.loads(entry.payload)["requests"]) for entry in desk.journal.kept[:-1]] == [256, 44]
    assert desk.journal.kept[-1].kind == "journal.gap"
    assert json.loads(desk.journal.kept[-1].payload) == {"dropped": 150}
    desk.ledger.flush()
    assert len(desk.journal.kept) == 3


def test_the_queue_before_the_thread_is_bounded_too() -> None:
    desk = Desk(backlog=10)
    for number in range(25):
        desk.ledger.add(finished(number))
    assert desk.ledger.dropped_total == 15
    desk.ledger.flush()
    assert [entry.kind for entry in desk.journal.kept] == ["request.finished"] * 10 + ["journal.gap"]


def test_one_malformed_entry_costs_only_itself(desk: Desk) -> None:
    desk.ledger.add(finished(1))
    desk.ledger.event("Malformed")
    desk.ledger.event("fine")
    desk.ledger.add(finished(2, route="lone \ud83d surrogate"))
    desk.ledger.add(finished(3))
    desk.ledger.flush()
    kinds = [entry.kind for entry in desk.journal.kept]
    assert kinds == ["fine", "request.finished", "request.finished", "journal.gap"]
    assert desk.lines("journal.entry_refused")[0]["kind"] == "Malformed"
    assert desk.lines("ledger.unwritable")[0]["request_id"].endswith("2")
    assert desk.ledger.dropped_total == 2


def test_an_event_that_json_cannot_hold_is_kept_escaped(desk: Desk) -> None:
    desk.ledger.event("odd", text="\ud83d", keys={(1,): 2})
    desk.ledger.flush()
    assert "ud83d" in json.loads(desk.journal.kept[0].payload)["fields"]


def test_close_writes_everything_and_tells_what_is_lost(desk: Desk) -> None:
    desk.journal.problem = StorageError("away")
    desk.ledger.add(finished())
    desk.ledger.flush()
    desk.ledger.add(finished(1))
    desk.ledger.close()
    assert desk.lines("journal.lost_at_close")[0]["dropped"] == 2
    assert desk.ledger.dropped_total == 2


# ---- with its thread


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_the_thread_writes_by_itself_and_close_flushes(tmp_path: Path) -> None:
    stream = io.BytesIO()
    journal = SqliteJournal(tmp_path / "state.db", MASKER)
    ledger = Ledger(journal, Log(stream, MASKER), Metrics())
    ledger.add(finished(0))
    assert eventually(lambda: journal.verify().entries == 1)
    for number in range(1, FLUSH_RECORDS + 500):
        ledger.add(finished(number))
    ledger.close()
    assert journal.verify().first_bad_seq is None
    assert len(requests_in(journal.read(limit=10_000))) == FLUSH_RECORDS + 500
    assert len(stream.getvalue().splitlines()) == FLUSH_RECORDS + 500
    assert "ledger" not in [thread.name for thread in threading.enumerate()]


def test_a_bug_does_not_end_the_thread() -> None:
    stream = io.BytesIO()
    journal = Away()
    journal.problem = ZeroDivisionError("secret sk-canary0123456789")
    ledger = Ledger(journal, Log(stream, MASKER), Metrics())
    ledger.add(finished(0))
    assert eventually(lambda: b"ledger.failed" in stream.getvalue())
    assert b"canary" not in stream.getvalue()
    journal.problem = None
    assert eventually(lambda: len(journal.kept) == 1)
    ledger.close()
    assert json.loads(stream.getvalue().splitlines()[-1])["event"] == "ledger.failed"
