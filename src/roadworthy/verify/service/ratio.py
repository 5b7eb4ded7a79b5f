"""How much slower one series of times is than another, with an interval.

The interval is the percentile interval of a circular block bootstrap (Efron 1979; Politis and Romano 1992): requests
that follow each other are alike, so blocks of them are drawn with replacement, not single ones. A block is as long as
the square root of the series. The draws have a fixed seed: the same samples give the same interval.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import ceil, floor, isqrt
from typing import NamedTuple

DRAWS = 2000
_LEAST = 1e-6
_SEED = 20_261


class Ratio(NamedTuple):
    """How many times as long, or as bad; above 1 is worse.

    Attributes:
        name: Of what.
        value: Of the samples themselves.
        low: Lower end of the interval.
        high: Upper end.
    """

    name: str
    value: float
    low: float
    high: float


class Series(NamedTuple):
    """Times of one load.

    Attributes:
        seconds: In the order in which they were measured; at least one.
        slept: Seconds in each of them in which nobody worked, and which no machine makes shorter.
    """

    seconds: Sequence[float]
    slept: float = 0.0


def percentiles(
    name: str, then: Series, now: Series, ats: Sequence[float], error: float, machine: float = 1.0
) -> list[Ratio]:
    """Ratio of percentiles (nearest rank), now to then, both with the shorter time of sleep.

    The machine's part in a difference is between nothing and all that its own pace changed, so the interval is widened
    by that on its side: a machine that was slower can explain a slower load, and a faster one can hide it.

    Args:
        name: Of the series.
        then: Before.
        now: After.
        ats: 0 to 1.
        error: Share of such intervals that may miss, both sides together.
        machine: How many times as long the machine took now for the same work.
    """
    source = random.Random(_SEED)  # noqa: S311  statistics, no secret
    slept = min(then.slept, now.slept)
    worked_then, worked_now = ([max(0.0, each - of.slept) for each in of.seconds] for of in (then, now))
    before = [_at_ranks(sorted(_drawn(worked_then, source)), ats) for _ in range(DRAWS)]
    after = [_at_ranks(sorted(_drawn(worked_now, source)), ats) for _ in range(DRAWS)]
    values = zip(_at_ranks(sorted(worked_then), ats), _at_ranks(sorted(worked_now), ats), strict=True)
    found = []
    for place, (at, (old, new)) in enumerate(zip(ats, values, strict=True)):
        pairs = [(one[place], other[place]) for one, other in zip(before, after, strict=True)]
        low, _ = _middle(sorted(_over(slept, *pair, max(1.0, machine)) for pair in pairs), error)
        _, high = _middle(sorted(_over(slept, *pair, min(1.0, machine)) for pair in pairs), error)
        found.append(Ratio(f"p{100 * at:g}:{name}", _over(slept, old, new, 1.0), low, high))
    return found


def throughput(then: Sequence[float], now: Sequence[float], error: float, machine: float = 1.0) -> Ratio:
    """Ratio of mean rates, then to now, so that above 1 is worse here too. Arguments as for `percentiles`."""
    source = random.Random(_SEED)  # noqa: S311  statistics, no secret
    ratios = sorted(_mean(_drawn(then, source)) / max(_mean(_drawn(now, source)), _LEAST) for _ in range(DRAWS))
    low, high = _middle(ratios, error)
    value = _mean(then) / max(_mean(now), _LEAST)
    return Ratio("throughput", value, low / max(1.0, machine), high / min(1.0, machine))


def _over(slept: float, then: float, now: float, machine: float) -> float:
    return (slept + now) / max(slept + then * machine, _LEAST)


def _drawn(values: Sequence[float], source: random.Random) -> list[float]:
    n = len(values)
    length = max(1, isqrt(n))
    found: list[float] = []
    while len(found) < n:
        start = int(source.random() * n)
        found += values[start : start + length]
        if start + length > n:
            found += values[: start + length - n]
    return found[:n]


def _at_ranks(ordered: Sequence[float], ats: Sequence[float]) -> list[float]:
    return [ordered[max(0, ceil(len(ordered) * at) - 1)] for at in ats]


def _middle(ordered: Sequence[float], error: float) -> tuple[float, float]:
    cut = floor(len(ordered) * error / 2)
    return ordered[cut], ordered[len(ordered) - 1 - cut]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
