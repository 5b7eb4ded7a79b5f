"""What the page Now says, without Streamlit."""

from __future__ import annotations

import pytest

from roadworthy.client.console import TargetInfo
from roadworthy.client.mode_record import ModeStatus
from roadworthy.client.record import Breaker, LlmHealth, Status
from roadworthy.console import now
from roadworthy.console.now import HealthRow, Reading, grown, llm_mode, mode_rows, point, process_rows, quantile, totals

EMBEDDED = TargetInfo("embedded", "small", "embedded", True, ("chat",))
PAID = TargetInfo("openai", "gpt", "openai", True, ("chat",))
OWN = TargetInfo("own", "m", "compatible", False, ("chat",))


def status(profile: str, *breakers: tuple[str, str, str]) -> Status:
    told = tuple(Breaker(0, provider, model, state) for provider, model, state in breakers)
    return Status((), told, {"profile": profile})


@pytest.mark.parametrize(
    ("targets", "told", "word", "tone", "why"),
    [
        (None, status("production"), "unknown", "mute", "did not say what"),
        ((EMBEDDED,), status("production"), "DEV/LOCAL", "info", "Only the embedded model"),
        ((EMBEDDED,), None, "DEV/LOCAL", "info", "Only the embedded model"),
        ((), status("production"), "DEV/LOCAL", "info", "Only the embedded model"),
        ((PAID, EMBEDDED), None, "unknown", "mute", "which models can be asked"),
        ((PAID, EMBEDDED), status("development"), "DEV/LOCAL", "info", "the profile is development"),
        ((PAID, EMBEDDED), status("production"), "PRODUCTION", "good", "1 of 1 real model can be asked"),
        ((PAID, OWN), status("production", ("openai", "gpt", "open")), "PRODUCTION", "warn", "1 of 2 real models"),
        ((PAID,), status("production", ("openai", "gpt", "open")), "DEV/LOCAL", "bad", "none can be asked now"),
        ((PAID,), status("production", ("openai", "gpt", "half_open")), "DEV/LOCAL", "bad", "none can be asked"),
        ((PAID,), status("production", ("openai", "other", "open")), "PRODUCTION", "good", "1 of 1"),
    ],
)
def test_the_mode_is_the_honest_word(
    targets: tuple[TargetInfo, ...] | None, told: Status | None, word: str, tone: str, why: str
) -> None:
    mode = llm_mode(targets, told)
    assert (mode.word, mode.tone) == (word, tone)
    assert why in mode.why


def test_a_target_that_some_workers_leave_alone_can_be_asked() -> None:
    told = Status((), (Breaker(0, "openai", "gpt", "open"), Breaker(1, "openai", "gpt", "closed")), {})
    row = llm_mode((PAID,), told).rows[0]
    assert (row.askable, row.state, row.key) == (True, "left alone by 1 of 2 workers", "configured")
    assert llm_mode((PAID,), None).rows[0].askable is None


PAGE = """# HELP roadworthy_requests_total x
# TYPE roadworthy_requests_total counter
roadworthy_requests_total{code="ok",endpoint="chat",route="a\\"b",stream="false",worker="0"} %(ok)s
roadworthy_requests_total{code="llm_chain_failed",endpoint="chat",route="a",stream="false",worker="0"} %(bad)s
roadworthy_requests_total{code="ok",endpoint="metrics",worker="0"} 99
http_request_duration_seconds_bucket{endpoint="chat",le="1",status="200",worker="0"} %(ok)s
http_request_duration_seconds_bucket{endpoint="chat",le="2",status="200",worker="0"} %(all)s
http_request_duration_seconds_bucket{endpoint="chat",le="+Inf",status="200",worker="0"} %(all)s
roadworthy_cost_usd_total{model="m",provider="p",worker="0"} 0.5
nonsense
roadworthy_requests_total{ broken
"""


def reading(at: float, **numbers: int) -> Reading:
    return Reading(at, None, None, None, totals(PAGE % numbers) if numbers else None, {})


def test_traffic_is_what_grew() -> None:
    made = point(reading(10.0, ok=4, bad=1, all=5), reading(15.0, ok=12, bad=3, all=15))
    assert made is not None
    assert (made.at, made.seconds, made.requests, made.failures) == (15.0, 5.0, 10.0, 2.0)
    assert made.p50_s == pytest.approx(0.625)
    assert made.p95_s == pytest.approx(1.75)


def test_a_counter_that_began_again_counts_from_nothing() -> None:
    made = point(reading(10.0, ok=400, bad=1, all=401), reading(15.0, ok=3, bad=0, all=3))
    assert made is not None
    assert made.requests == 3.0
    assert grown({(): 5.0}, {(): 2.0, (("a", "b"),): 1.0}) == {(): 2.0, (("a", "b"),): 1.0}


def test_what_is_not_known_is_no_point_and_no_number() -> None:
    assert point(reading(1.0), reading(2.0, ok=1, bad=0, all=1)) is None
    assert point(reading(2.0, ok=1, bad=0, all=1), reading(2.0, ok=1, bad=0, all=1)) is None
    idle = point(reading(1.0, ok=1, bad=0, all=1), reading(2.0, ok=1, bad=0, all=1))
    assert idle is not None
    assert (idle.requests, idle.p50_s, idle.p95_s) == (0.0, None, None)
    assert now.since_start(reading(1.0)) == now.Since()


def test_since_start() -> None:
    since = now.since_start(reading(1.0, ok=4, bad=1, all=5))
    assert (since.requests, since.failures, since.cost_usd, since.unpriced) == (5.0, 1.0, 0.5, 0)


@pytest.mark.parametrize(
    ("buckets", "share", "value"),
    [
        ({}, 0.5, None),
        ({1.0: 0.0, float("inf"): 0.0}, 0.5, None),
        ({1.0: 10.0, float("inf"): 10.0}, 0.5, 0.5),
        ({1.0: 0.0, 2.0: 10.0, float("inf"): 10.0}, 0.5, 1.5),
        ({1.0: 0.0, float("inf"): 10.0}, 0.95, 1.0),
    ],
)
def test_quantiles(buckets: dict[float, float], share: float, value: float | None) -> None:
    assert quantile(buckets, share) == value


def test_a_mode_is_as_bad_as_in_its_worst_worker() -> None:
    rows = mode_rows([
        ModeStatus(0, "creative", "up"), ModeStatus(1, "creative", "down", why="p95 12 s > 8 s", climb_in_s=9.0),
        ModeStatus(0, "fast", "up"), ModeStatus(1, "fast", "up"), ModeStatus(0, "odd", "dancing"),
    ])  # fmt: skip
    assert [(row.mode, row.state, row.tone) for row in rows] == [
        ("creative", "down (1 of 2 workers)", "bad"), ("fast", "up", "good"), ("odd", "dancing", "mute"),
    ]  # fmt: skip
    assert (rows[0].why, rows[0].climb_in_s) == ("p95 12 s > 8 s", 9.0)


def test_processes() -> None:
    told = [{"name": "edge-0", "state": "running", "pid": 7, "restarts": 2, "last_exit": "x", "started_at": 90.0},
            {"name": "model", "state": "waiting", "pid": None, "started_at": 90.0}, 5]  # fmt: skip
    rows = process_rows({"processes": told}, 100.0)
    assert rows is not None
    assert [(row.name, row.tone, row.pid, row.up_s) for row in rows] == [
        ("edge-0", "good", 7, 10.0), ("model", "warn", None, None),
    ]  # fmt: skip
    assert process_rows({"processes": None}, 1.0) is None


@pytest.mark.parametrize(
    ("ok", "stub", "word"), [(True, False, "well"), (True, True, "placeholder content"), (False, False, "not well")]
)
def test_a_stub_is_never_well(ok: bool, stub: bool, word: str) -> None:
    assert HealthRow(1.0, LlmHealth(ok, ok, stub, None, None, None, 1.0, None)).verdict[0] == word
    assert HealthRow(1.0, None, "away").verdict == ("unknown", "mute")
