"""Ratios of percentiles and of rates: what is worse is called worse, what is the same is not, noise is neither."""

from __future__ import annotations

import random

import pytest

from roadworthy.verify.service import ratio
from roadworthy.verify.service.ratio import Series, percentiles, throughput

ERROR = 0.05 / 3


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for these intervals."""
    monkeypatch.setattr(ratio, "DRAWS", 400)


def series(seed: int, *, factor: float = 1.0, n: int = 1000, spread: float = 0.1) -> Series:
    source = random.Random(seed)
    return Series([factor * source.lognormvariate(-3.0, spread) for _ in range(n)])


@pytest.mark.parametrize(
    ("factor", "n", "spread", "said"),
    [
        (1.0, 1000, 0.1, "same"),
        (1.05, 1000, 0.1, "same"),
        (0.5, 1000, 0.1, "same"),
        (1.2, 1000, 0.1, "worse"),
        (1.5, 1000, 0.5, "worse"),
        (1.1, 1000, 0.1, "unknown"),
        (1.0, 20, 1.0, "unknown"),
    ],
)
def test_percentiles(factor: float, n: int, spread: float, said: str) -> None:
    found = percentiles(
        "x", series(1, n=n, spread=spread), series(2, factor=factor, n=n, spread=spread), (0.5, 0.95), ERROR
    )
    assert [each.name for each in found] == ["p50:x", "p95:x"]
    for each in found:
        assert each.low <= each.value <= each.high
        assert ("worse" if each.low > 1.1 else "same" if each.high <= 1.1 else "unknown") == said, each


@pytest.mark.slow
def test_an_interval_of_equal_series_holds_one_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 pairs of the same distribution: the 95 % interval misses the true ratio of 1 in few of them."""
    monkeypatch.setattr(ratio, "DRAWS", 200)
    missed = 0
    for seed in range(40):
        each = percentiles("x", series(seed, n=300), series(1000 + seed, n=300), (0.5,), 0.05)[0]
        missed += not each.low <= 1.0 <= each.high
    assert missed <= 6  # P(X > 6) is 0.3 % with 5 % each


def test_a_series_that_drifts_is_less_certain_than_one_that_does_not() -> None:
    """Blocks are drawn, so requests that follow each other and are alike do not count as independent."""
    calm = series(3)
    stuck = Series([value * (1.5 if at // 100 % 2 else 1.0) for at, value in enumerate(calm.seconds)])
    mixed = Series([value * (1.5 if at % 2 else 1.0) for at, value in enumerate(calm.seconds)])
    wide, narrow = (percentiles("x", calm, each, (0.5,), 0.05)[0] for each in (stuck, mixed))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@pytest.mark.parametrize(("now", "low", "high"), [([50.0] * 20, 1.0, 1.0), ([25.0] * 20, 2.0, 2.0)])
def test_throughput(now: list[float], low: float, high: float) -> None:
    found = throughput([50.0] * 20, now, ERROR)
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("machine", "slept", "low", "high"),
    [
        (1.0, 0.0, 1.2, 1.2),
        (2.0, 0.0, 0.6, 1.2),
        (0.5, 0.0, 1.2, 2.4),
        # 0.2 of the 0.3 seconds are sleep, which the machine has no part in
        (2.0, 0.2, 0.9, 1.2),
        (0.5, 0.2, 1.2, 1.44),
    ],
)
def test_the_machine_is_answerable_for_work_alone(machine: float, slept: float, low: float, high: float) -> None:
    then, now = Series([0.3] * 100, slept), Series([0.36] * 100, slept)
    (found,) = percentiles("x", then, now, (0.5,), ERROR, machine)
    assert (found.value, found.low, found.high) == pytest.approx((1.2, low, high))


def test_a_faster_provider_is_no_merit() -> None:
    (found,) = percentiles("x", Series([0.5] * 9, 0.4), Series([0.25] * 9, 0.1), (0.5,), ERROR)
    assert found.value == pytest.approx(1.25)
    slower = throughput([50.0] * 20, [40.0] * 20, ERROR, 1.25)
    assert (slower.low, slower.high) == pytest.approx((1.0, 1.25))


def test_the_same_samples_give_the_same_interval() -> None:
    assert percentiles("x", series(1), series(2), (0.5,), 0.05) == percentiles("x", series(1), series(2), (0.5,), 0.05)
