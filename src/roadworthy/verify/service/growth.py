"""Does a series grow? Its slope by least squares, an interval that minds that neighbours are alike, and a verdict.

The interval is a moving-block bootstrap (Künsch 1989, "The jackknife and the bootstrap for general stationary
observations"): residuals are drawn in blocks and laid on the fitted line. What the quantity moves by in one step, such
as an arena of an allocator, widens it at both ends: in a short run one step looks like a slope. An interval that
includes 0 says little when it is wide, so a series is steady only when it also ends below a growth that would matter.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

RESAMPLES = 2_000
FEWEST = 20
"""Samples; with fewer there is no interval worth its name."""


class Trend(StrEnum):
    """What a series does."""

    STEADY = "steady"
    GROWS = "grows"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Growth:
    """What was seen of one quantity.

    Attributes:
        name: Such as `memory`.
        unit: Such as `MB`; the slope is in it per hour.
        first: At the beginning.
        last: At the end.
        per_hour: The slope.
        low: Lower end of its 95 % interval, less one step.
        high: Upper end, and one step.
        n: Samples.
        limit: Growth per hour that caches and allocators that settle do not explain in a run of this length.
        settled: The run is so long that nothing settles any more: whatever grows grows.
    """

    name: str
    unit: str
    first: float
    last: float
    per_hour: float
    low: float
    high: float
    n: int
    limit: float
    settled: bool = False

    @property
    def trend(self) -> Trend:
        """Steady: the interval includes 0 and ends below the limit. It grows: all of it is above the limit.

        Anything else is unknown: the interval is too wide to leave a leak out, or the series may settle, up or down.
        """
        if self.low <= 0 <= self.high <= self.limit:
            return Trend.STEADY
        return Trend.GROWS if self.low > (0.0 if self.settled else self.limit) else Trend.UNKNOWN

    @property
    def said(self) -> str:
        """One line for people."""
        return (
            f"{self.name} {self.first:g} to {self.last:g} {self.unit}, {self.per_hour:+.1f} an hour "
            f"({self.low:+.1f} to {self.high:+.1f})"
        )


def growth(
    name: str, unit: str, at_s: Sequence[float], values: Sequence[float], *, block_s: float, step: float,
    limit: float, settled: bool = False,
) -> Growth | None:  # fmt: skip
    """What a series does; None with fewer than `FEWEST` samples.

    Args:
        name: Of the quantity.
        unit: Of the values.
        at_s: Seconds, ascending.
        values: One for each.
        block_s: How long neighbours stay alike.
        step: What the quantity moves by at once, in its unit.
        limit: See `Growth`; above 0.
        settled: See `Growth`.
    """
    if len(values) < FEWEST:
        return None
    low, high = interval(at_s, values, block_s)
    one = step * 3_600 / (at_s[-1] - at_s[0])
    return Growth(
        name, unit, values[0], values[-1], slope(at_s, values), low - one, high + one, len(values), limit, settled
    )


def slope(at_s: Sequence[float], values: Sequence[float]) -> float:
    """Least-squares slope, per hour."""
    return statistics.linear_regression(at_s, values).slope * 3_600


def interval(at_s: Sequence[float], values: Sequence[float], block_s: float) -> tuple[float, float]:
    """95 % interval of the slope per hour: residuals drawn in blocks and laid on the fitted line."""
    line = statistics.linear_regression(at_s, values)
    fitted = [line.intercept + line.slope * at for at in at_s]
    rest = [value - fit for value, fit in zip(values, fitted, strict=True)]
    step_s = (at_s[-1] - at_s[0]) / (len(at_s) - 1)
    block = min(len(rest), max(2, round(block_s / step_s)))
    chance = random.Random(7)  # noqa: S311  the same numbers give the same interval
    # The slope is linear in the values: that of the line and that of the noise add up.
    middle = statistics.fmean(at_s)
    lever = [at - middle for at in at_s]
    square = sum(each * each for each in lever)
    found = []
    for _ in range(RESAMPLES):
        drawn: list[float] = []
        while len(drawn) < len(rest):
            start = chance.randrange(len(rest) - block + 1)
            drawn += rest[start : start + block]
        noise = sum(pull * each for pull, each in zip(lever, drawn, strict=False)) / square
        found.append((line.slope + noise) * 3_600)
    found.sort()
    return found[round(RESAMPLES * 0.025)], found[round(RESAMPLES * 0.975) - 1]
