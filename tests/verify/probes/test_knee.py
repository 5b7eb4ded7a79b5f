"""PER-03: how the load curve is climbed, and real edges whose knee is where it must be and where it must not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from rig.verification import Verified
from rig.verify_service import CONFIG
from roadworthy.verify.outcome import Status
from roadworthy.verify.probe import Context
from roadworthy.verify.probes.knee import probe as knee
from roadworthy.verify.probes.knee.probe import LEAST, Step, climbed
from roadworthy.verify.service.asking import Reply

long = pytest.mark.long
WHOLE = b'{"choices": [{"message": {"content": "yes"}}]}'


class Asked:
    """As much of a context as climbing needs."""

    def __init__(self, **settings: Any) -> None:
        given = {"peak_per_s": 50.0, "p95_s": 1.0, "errors": 0.01, "provider_s": 0.1, "step_s": 4, "most_s": 60}
        self.settings: Mapping[str, Any] = {**given, **settings}
        self.said: list[str] = []

    def remaining_s(self) -> float:
        return 200.0

    def progress(self, text: str, done: int = 0, total: int = 0) -> None:
        self.said.append(text)


class Edge:
    """An edge that holds up to a rate; a bad moment lets one step fail."""

    def __init__(self, knee: float, bad_moment: float = 0.0) -> None:
        self._knee, self._bad = knee, bad_moment
        self.rates: list[float] = []

    def __call__(self, rate: float, count: int) -> Step:
        assert count >= LEAST
        moment = rate == self._bad and rate not in self.rates
        self.rates.append(rate)
        slow = 3.0 if rate > self._knee or moment else 0.2
        return Step(rate, count, count, 0.0, rate, slow, slow, slow, slow)


@pytest.mark.parametrize(
    ("edge", "own", "settings", "held", "broke", "ours"),
    [
        (Edge(130), Edge(9999), {}, 125.0, 150.0, False),
        (Edge(130, bad_moment=75), Edge(9999), {}, 125.0, 150.0, False),
        (Edge(60), Edge(9999), {}, 50.0, 75.0, False),
        (Edge(10), Edge(9999), {}, 0.0, 50.0, False),
        (Edge(9999), Edge(9999), {}, 1600.0, None, False),
        # the probe itself is too slow
        (Edge(130), Edge(130), {}, 125.0, 150.0, True),
        # the least rate is above what is needed, and what is needed is asked when that breaks
        (Edge(9), Edge(9999), {"peak_per_s": 4.0}, 8.0, 25.0, False),
        (Edge(7), Edge(9999), {"peak_per_s": 4.0}, 0.0, 8.0, False),
        (Edge(42), Edge(9999), {"peak_per_s": 20.0}, 40.0, 50.0, False),
        (Edge(20), Edge(9999), {"peak_per_s": 0.5}, 0.0, None, False),
    ],
)
def test_climbing(
    edge: Edge, own: Edge, settings: dict[str, Any], held: float, broke: float | None, ours: bool
) -> None:
    curve = climbed(cast(Context, Asked(**settings)), edge, own)
    assert (curve.held, curve.broke, curve.own is not None) == (held, broke, ours), edge.rates


def test_time_ends_the_climb(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 10_000, 25))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    edge = Edge(9999)
    curve = climbed(cast(Context, Asked()), edge, Edge(9999))
    assert edge.rates == [50.0, 75.0]
    assert (curve.held, curve.broke) == (75.0, None)


@pytest.mark.parametrize(
    ("late", "failed", "holds"), [(0, 0, True), (3, 0, True), (30, 0, False), (0, 1, True), (0, 9, False)]
)
def test_a_step_holds_with_its_whole_interval(late: int, failed: int, holds: bool) -> None:
    replies = [
        Reply(
            503 if at < failed else 200,
            {},
            b"" if at < failed else WHOLE,
            2.0 if at >= 400 - late else 0.2,
            at=at / 100,
        )
        for at in range(400)
    ]
    found = knee.step(100.0, replies)
    assert found.holds(cast(Context, Asked())) is holds, found
    assert found.errors == pytest.approx(failed / 400)


def test_what_was_late_counts_from_when_it_was_due() -> None:
    """Requests that waited behind a stall are slow, although each was answered at once when it was sent."""
    stalled = [Reply(200, {}, WHOLE, max(0.01, 3.0 - at / 100), at=at / 100) for at in range(400)]
    assert not knee.step(100.0, stalled).holds(cast(Context, Asked()))


@pytest.mark.parametrize("settings", [{}, {"peak_per_s": 10}, {"p95_s": 1.0}, {"peak_per_s": 0, "p95_s": 1.0}])
def test_without_an_expected_peak_nothing_is_loaded(settings: dict[str, Any], verified: Verified) -> None:
    outcome = verified("PER-03", service="http://127.0.0.1:9", **settings)
    assert outcome.status is Status.NOT_MEASURED
    assert "expected peak" in outcome.reason


@long
@pytest.mark.parametrize(
    ("config", "status"),
    [
        (CONFIG, "pass"),
        # four at once that take a tenth of a second each are forty a second; sixty are needed
        (CONFIG.replace("  cache:", "  limits: {max_requests_in_flight: 4}\n  cache:"), "fail"),
    ],
)
def test_the_products_own_edge(
    config: str, status: str, verified: Verified, running: Callable[..., str], tmp_path: Path
) -> None:
    outcome = verified(
        "PER-03", service=running(config), timeout_s=150.0, peak_per_s=30, p95_s=1.5, most_s=15, step_s=2
    )
    assert outcome.status == status, repr(outcome)
    tables = [
        each.read_text()
        for each in (tmp_path / "evidence").iterdir()
        if each.read_bytes()[:30].strip()[:6] == b"rate/s"
    ]
    assert len(tables) == 1
    rates = [line.split()[0] for line in tables[0].splitlines()[1:]]
    assert rates[0] == "30"
    assert ("60" in rates) if status == "pass" else (rates[-1] == rates[-2] and "breaks" in tables[0])


@long
def test_an_edge_that_is_too_slow_at_every_rate_fails(
    verified: Verified, running: Callable[..., str], naive: Callable[[str], None]
) -> None:
    naive("slow")
    outcome = verified("PER-03", service=running(), timeout_s=150.0, peak_per_s=13, p95_s=0.25, step_s=1, most_s=20)
    assert outcome.status in (Status.FAIL, Status.NOT_MEASURED), outcome
    assert outcome.status is Status.FAIL or "it is the probe that is too slow" in outcome.reason
