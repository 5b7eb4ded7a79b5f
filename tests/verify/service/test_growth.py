"""What a series is taken for: a leak, nothing, or not known; and the interval covers the slope that is there."""

from __future__ import annotations

import random

import pytest

from roadworthy.verify.service.growth import FEWEST, Trend, growth, interval

AT_S = [0.5 * at for at in range(120)]


def _noise(size: float, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(0.0, size) for _ in AT_S]


def _line(per_s: float, noise: float = 0.0, seed: int = 1) -> list[float]:
    return [50.0 + per_s * at + each for at, each in zip(AT_S, _noise(noise, seed), strict=True)]


@pytest.mark.parametrize(
    ("values", "settled", "trend"),
    [
        (_line(0.0), False, Trend.STEADY),
        (_line(0.0, 0.2), False, Trend.STEADY),
        ([50.0 + (at > 30) for at in AT_S], False, Trend.STEADY),  # one step
        (_line(1.0, 0.2), False, Trend.GROWS),
        (_line(0.3), False, Trend.GROWS),
        (_line(0.06), False, Trend.UNKNOWN),  # settling or a slow leak
        (_line(0.06), True, Trend.GROWS),
        (_line(-0.3), False, Trend.UNKNOWN),  # something went away: it had not settled
        (_line(0.0, 40.0), False, Trend.UNKNOWN),  # too much noise to leave a leak out
        (_line(0.0, 40.0), True, Trend.UNKNOWN),
    ],
)
def test_what_it_does(values: list[float], settled: bool, trend: Trend) -> None:
    found = growth("memory", "MB", AT_S, values, block_s=12.0, step=1.0, limit=600.0, settled=settled)
    assert found is not None
    assert found.trend is trend, found
    assert found.low <= found.per_hour <= found.high
    assert found.said.startswith(f"memory {values[0]:g} to {values[-1]:g} MB, ")


def test_with_few_looks_nothing_is_said() -> None:
    short = AT_S[: FEWEST - 1]
    assert growth("memory", "MB", short, [1.0] * len(short), block_s=1.0, step=1.0, limit=1.0) is None


@pytest.mark.slow
@pytest.mark.parametrize("per_s", [0.0, 0.01])
def test_the_interval_covers_the_slope_most_of_the_time(per_s: float) -> None:
    """95 % on paper; a moving-block bootstrap with few blocks gives less, never half."""
    hits = 0
    for seed in range(20):
        low, high = interval(AT_S, _line(per_s, 0.2, seed), 2.0)
        hits += low <= per_s * 3_600 <= high
    assert hits >= 15


def test_blocks_widen_the_interval_of_a_series_that_wanders() -> None:
    chance, values, at = random.Random(3), [], 50.0
    for _ in AT_S:
        at += chance.gauss(0.0, 0.1)
        values.append(at)
    short, long = interval(AT_S, values, 1.0), interval(AT_S, values, 12.0)
    assert long[1] - long[0] > 1.5 * (short[1] - short[0])
