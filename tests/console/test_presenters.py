"""What Verify, Journal and Admin say, and the pieces of markup, without Streamlit."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from roadworthy.client.record import JournalEntry, KeyInfo
from roadworthy.client.verdict import read_page, read_verdict
from roadworthy.console import admin, chart, journal, markup, pulse, verdict, words
from roadworthy.console.page import Listed, SmokeProgress, found
from roadworthy.console.settings import ConsoleSettings, cookie_name, served_hosts
from roadworthy.console.smoke import progress
from roadworthy.core.errors import SubjectError
from roadworthy.runtime.entry_point import Offer

HOSTILE = "<img src=x onerror=alert(1)>&\"'"


# -- markup


@pytest.mark.parametrize(
    "made",
    [
        markup.text(HOSTILE), markup.badge(HOSTILE, "bad"), markup.tile(HOSTILE, HOSTILE, HOSTILE),
        markup.note(HOSTILE, "bad", HOSTILE), markup.table([HOSTILE], [[HOSTILE]]), markup.table([], [], (), HOSTILE),
        markup.pairs([(HOSTILE, HOSTILE)]), markup.details(HOSTILE, HOSTILE), markup.heading(HOSTILE, HOSTILE),
        markup.prose(HOSTILE + "`" + HOSTILE + "`"), markup.code(HOSTILE), markup.paragraph(HOSTILE),
        chart.lines(HOSTILE, [HOSTILE], [chart.Line(HOSTILE, [1.0])], HOSTILE),
    ],
    ids=range(13),
)  # fmt: skip
def test_what_comes_in_as_text_leaves_escaped(made: str) -> None:
    drawn = re.sub(r"base64,([A-Za-z0-9+/=]+)", lambda match: base64.b64decode(match[1]).decode(), made)
    assert "<img src=x" not in drawn
    assert "&lt;img src=x" in drawn


def test_unknown_is_a_word_and_never_a_number() -> None:
    assert ">unknown<" in markup.tile("x", None)
    assert "0" not in markup.tile("x", None)
    assert [words.dollars(None), words.milliseconds(None), words.duration(None), words.ago(None, 1.0),
            words.clock(None), words.yes(None), words.count(None, "x")] == [None] * 7  # fmt: skip


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("run `a b` now", "run <code>a b</code> now"),
        ("one ` alone", "one ` alone"),
        ("`x`", "<code>x</code>"),
        ("", ""),
    ],
)
def test_names_between_backticks(text: str, made: str) -> None:
    assert markup.prose(text) == made


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (words.duration(0.2), "0 s"), (words.duration(59.4), "59 s"), (words.duration(61), "1 min"),
        (words.duration(3 * 3600 + 120), "3 h 2 min"), (words.duration(90_000), "1 d 1 h"),
        (words.duration(-5), "0 s"), (words.ago(9.5, 10.0), "now"), (words.ago(5.0, 10.0), "5 s ago"),
        (words.clock(0.0), "00:00:00 UTC"), (words.clock(0.0, -540), "09:00:00"),
        (words.clock(0.0, 0, day=True), "1970-01-01 00:00:00 UTC"), (words.milliseconds(0.04), "0.0 ms"),
        (words.milliseconds(35.2), "35 ms"), (words.milliseconds(2100), "2.1 s"),
        (words.milliseconds(185_000), "3 min 5 s"), (words.dollars(0), "$0"), (words.dollars(0.00042), "$0.00042"),
        (words.dollars(0.0123), "$0.012"), (words.dollars(1234.5), "$1,234.50"), (words.count(1, "key"), "1 key"),
        (words.count(2, "entry", "entries"), "2 entries"), (words.yes(False), "no"),
    ],
)  # fmt: skip
def test_words(made: str | None, said: str) -> None:
    assert made == said


@pytest.mark.parametrize(("most", "top"), [(0, 1), (0.3, 0.5), (1, 1), (1.01, 2), (7, 10), (50, 50), (51, 100)])
def test_the_scale_of_a_chart_is_round(most: float, top: float) -> None:
    assert chart.ceiling(most) == pytest.approx(top)


def test_a_chart_leaves_gaps_and_says_its_last_values() -> None:
    made = chart.lines(
        "Time", ["a", "b", "c"], [chart.Line("p95", [1.0, None, 2.0]), chart.Line("p50", [None] * 3)], " s"
    )
    assert 'alt="Time: p95 2 s; p50 unknown"' in made
    drawing = base64.b64decode(made.split("base64,")[1].split('"')[0]).decode()
    assert drawing.count("<polyline") == 2
    assert drawing.count("<circle") == 2


def test_the_pace_slows_while_nothing_changes_and_is_never_under_five_seconds() -> None:
    paces = [pulse.next_interval_s(quiet) for quiet in range(100)]
    assert paces == sorted(paces)
    assert (paces[0], paces[-1]) == (5.0, 30.0)


# -- Verify


def report(**change: Any) -> dict[str, Any]:
    def check(name: str, status: str, **more: Any) -> dict[str, Any]:
        return {"id": name, "title": f"title {name}", "category": "c", "weight": "H", "blocker": False,
                "status": status, "reason": f"because {status}", "remediation": "", "findings": [], **more}  # fmt: skip

    def finding(severity: str, line: int | None) -> dict[str, Any]:
        return {"severity": severity, "message": severity, "location": {"path": "a.py", "line": line}}

    return {
        "schema": "roadworthy.readiness/v1", "number": 2, "finished": "2026-11-22T02:34:22.536Z",
        "valid_until": "2026-12-22T02:34:22Z", "service": None, "subject": [{"name": "sample"}],
        "verdict": {"decision": "NO-GO", "reasons": ["a", 5], "blockers": ["X"]},
        "score": {"overall": 16, "coverage": 0.346},
        "checks": [
            check("A", "fail", findings=[finding("low", None), finding("critical", 3), finding("note", 1)]),
            check("B", "fail", blocker=True), check("C", "not_measured"), check("D", "not_measured", blocker=True),
            check("E", "error"), check("F", "pass"), check("G", "not_applicable"),
        ],
        "previous": {"decision": "INCOMPLETE", "overall": None, "number": 1, "deltas": [
            {"check": "F", "before": "fail", "after": "pass"}, {"check": "A", "before": "pass", "after": "fail"},
            {"check": "N", "before": "pass", "after": None},
        ]},
        **change,
    }  # fmt: skip


def written(folder: Path, told: object) -> Path:
    (folder / "report.json").write_text(told if isinstance(told, str) else json.dumps(told))
    return folder


def test_a_report_as_the_page_tells_it(tmp_path: Path) -> None:
    read = read_verdict(written(tmp_path, report()))
    assert read is not None
    assert (read.decision, read.reasons, read.overall, read.coverage) == ("NO-GO", ("a",), 16, 0.346)
    assert read.finished == pytest.approx(1795314862.536)
    assert read.previous == ("INCOMPLETE", None, 1)
    gaps = verdict.gaps(read)
    assert [(gap.reason, len(gap.checks), gap.blockers) for gap in gaps] == [
        ("because not_measured", 2, 1), ("because error", 1, 0),
    ]  # fmt: skip
    rows = verdict.failures(read)
    assert [(row.severity, row.check, row.place, row.tone) for row in rows] == [
        ("critical", "A", "a.py:3", "bad"), ("low", "A", "a.py", "warn"), ("unknown", "B", "", "mute"),
    ]  # fmt: skip
    assert [(row.check, row.before, row.after, row.tone) for row in verdict.changes(read)] == [
        ("A", "passed", "failed", "bad"), ("N", "passed", "not there", "bad"), ("F", "failed", "passed", "good"),
    ]  # fmt: skip
    assert verdict.counts(read)["not measured"] == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"schema": "roadworthy.readiness/v2"}', "5", "[" * 100_000, "null"]
)
def test_a_report_that_is_none_is_an_error_and_no_traceback(tmp_path: Path, content: str) -> None:
    with pytest.raises(SubjectError) as told:
        read_verdict(written(tmp_path, content))
    assert told.value.code == "subject_unreadable"


def test_a_report_of_nonsense_is_unknown_everywhere(tmp_path: Path) -> None:
    nonsense = dict.fromkeys(report(), "x") | {
        "schema": "roadworthy.readiness/v1",
        "checks": [{}, 5, {"findings": [1]}],
    }
    read = read_verdict(written(tmp_path, nonsense))
    assert read is not None
    assert (read.decision, read.overall, read.finished, read.previous) == ("unknown", None, None, None)
    assert len(read.checks) == 2
    assert verdict.failures(read) == ()


def test_no_report_is_none(tmp_path: Path) -> None:
    assert read_verdict(tmp_path) is None
    assert read_page(tmp_path / "nowhere") is None
    (tmp_path / "report.html").write_text("<p>x")
    assert read_page(tmp_path) == "<p>x"


# -- Journal


def finished(**change: Any) -> dict[str, Any]:
    return {
        "request_id": "req_1", "at": 5.0, "route": "chat", "code": "ok", "status": 200, "served_by": "b/m",
        "latency_ms": 100.0, "fallback": "timeout", "quality": "passed", "cache": "off", "stub_used": False,
        "attempts": [
            {"provider": "a", "model": "m", "reason": "timeout", "latency_ms": 40.0, "status": 504, "detail": "slow"},
            {"provider": "b", "model": "m", "reason": "served", "latency_ms": 60.0, "cost_usd": 0.000012},
        ],
        **change,
    }  # fmt: skip


def entry(kind: str, payload: dict[str, Any], seq: int = 1) -> JournalEntry:
    return JournalEntry(seq, kind, 9.0, payload)


def test_requests_newest_first_also_those_of_a_pack() -> None:
    last = finished(request_id="req_3", at=None)
    rows = journal.requests([
        entry("request.finished", finished()), entry("key.created", {}),
        entry("requests.finished", {"requests": [finished(request_id="req_2"), 5, last]}),
    ])  # fmt: skip
    assert [(row.request_id, row.at, row.tone) for row in rows] == [
        ("req_3", 9.0, "warn"), ("req_2", 5.0, "warn"), ("req_1", 5.0, "warn"),
    ]  # fmt: skip
    assert ("stub used", "no") in rows[0].facts


def test_attempts_are_drawn_on_the_requests_time() -> None:
    first, second = journal.requests([entry("request.finished", finished())])[0].bars
    assert (first.name, first.start, first.share, first.tone) == ("a/m", 0.0, 0.4, "bad")
    assert (second.start, second.share, second.tone) == (0.4, 0.6, "good")
    assert first.remark == "HTTP 504; slow"
    assert second.remark == "$0.000012"


def test_a_hedge_ran_beside_the_slow_one() -> None:
    attempts = [{"provider": "a", "model": "m", "reason": "hedged", "latency_ms": 100.0},
                {"provider": "b", "model": "m", "reason": "served", "latency_ms": 30.0, "hedge": True}]  # fmt: skip
    slow, hedge = journal.bars(attempts, 100.0)
    assert (slow.start, slow.share) == (0.0, 1.0)
    assert (hedge.start, hedge.share) == (pytest.approx(0.7), pytest.approx(0.3))


def test_attempts_of_unknown_length_are_no_division_by_zero() -> None:
    assert journal.bars([{}], None)[0].share == 0.0
    assert journal.requests([entry("request.finished", {})])[0].code == "unknown"


@pytest.mark.parametrize(
    ("outcome", "wanted", "ids"),
    [
        ("all", "", ["1", "2", "3"]), ("failed", "", ["2"]), ("fell back", "", ["1"]), ("from the cache", "", ["3"]),
        ("refused by the gate", "", ["2"]), ("all", "TIMEOUT b/m", ["1"]), ("all", "nothing such", []),
    ],
)  # fmt: skip
def test_filters(outcome: str, wanted: str, ids: list[str]) -> None:
    rows = journal.requests([
        entry("request.finished", finished(request_id="3", fallback="", cache="hit", attempts=[])),
        entry("request.finished", finished(request_id="2", code="runtime_quality_failed", fallback="", quality="failed",
                                           served_by="", attempts=[])),
        entry("request.finished", finished(request_id="1")),
    ])  # fmt: skip
    assert [row.request_id for row in journal.chosen(rows, outcome, wanted)] == ids


def test_other_entries_are_what_is_no_request() -> None:
    entries = [entry("request.finished", {}), entry("key.created", {}, 2), entry("breaker.reset", {}, 3)]
    assert [one.kind for one in journal.others(entries)] == ["breaker.reset", "key.created"]


# -- Admin


def test_keys_living_first_and_sessions_apart() -> None:
    keys = [KeyInfo("1", "old", ("use",), 1.0, state="revoked"), KeyInfo("2", "a", ("use",), 2.0, state="active"),
            KeyInfo("3", "b", ("use",), 3.0, state="active"), KeyInfo("4", "odd", (), None)]  # fmt: skip
    assert [row.id for row in admin.key_rows(keys)] == ["3", "2", "1", "4"]
    assert admin.is_session(KeyInfo("5", "console-1f", (), 1.0, 5.0))
    assert not admin.is_session(KeyInfo("6", "console-mine", (), 1.0))


# -- applications' pages


class Good:
    """A page of an application."""

    title = "My Page"
    order = 20

    def render(self, session: object) -> None:
        """Draw nothing."""


GOOD = Good()
TAKEN = type("Taken", (Good,), {"title": "now"})()


def point(name: str, value: str) -> Offer:
    module, _, attribute = value.partition(":")
    return Offer(name, module, attribute, "")


def test_pages_of_applications_take_their_place_and_broken_ones_break_alone() -> None:
    own = [Listed("Now", 10, GOOD.render), Listed("Admin", 90, GOOD.render)]
    here = __name__
    pages = found(own, [point("good", f"{here}:GOOD"), point("gone", "no.such.module:X"),
                        point("odd", f"{here}:HOSTILE"), point("taken", f"{here}:TAKEN")])  # fmt: skip
    assert [page.title for page in pages] == ["Now", "My Page", "gone", "odd", "Admin"]
    assert pages[1].path == "my-page"
    with pytest.raises(RuntimeError, match="ModuleNotFoundError"):
        pages[2].render(None)  # type: ignore[arg-type]


# -- settings


def test_names_that_are_served() -> None:
    settings = ConsoleSettings("0.0.0.0", 8082, "g", "a", ("console.example.com",))
    assert set(served_hosts(settings)) == {
        "127.0.0.1:8082", "localhost:8082", "[::1]:8082", "0.0.0.0:8082", "console.example.com",
    }  # fmt: skip
    assert cookie_name(8082) != cookie_name(9082)


@pytest.mark.parametrize(
    ("states", "over", "said"),
    [
        (["passed", "running"], False, ("It runs.", "rw-box-info", "1 passed")),
        (["passed", "passed"], True, ("Finished.", "rw-box-good", "2 passed")),
        (["passed", "failed"], True, ("Finished.", "rw-box-bad", "1 passed")),
        (["passed", "cancelled"], True, ("It was stopped.", "rw-box-warn", "1 passed")),
    ],
)
def test_how_a_smoke_run_ended(states: list[str], over: bool, said: tuple[str, ...]) -> None:
    shown = progress(SmokeProgress(2, 2, over, [("a", state, "") for state in states], None))
    assert all(one in shown for one in said), shown
    assert "Cost so far: unknown" in shown
