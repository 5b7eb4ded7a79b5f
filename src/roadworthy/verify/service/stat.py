"""Intervals for shares and percentiles, so that a number comes with what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, sqrt

from roadworthy.verify.outcome import Measure

_Z = 1.959964


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share after Wilson (1927); 0 and 1 when nothing was counted."""
    if n == 0:
        return 0.0, 1.0
    share, square = hits / n, _Z * _Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(name: str, hits: int, n: int) -> Measure:
    """A share with its interval; None when nothing was counted."""
    low, high = wilson(hits, n)
    return Measure(name=name, value=hits / n if n else None, unit="1", n=n, ci_low=low, ci_high=high)


def percentile(name: str, values: Sequence[float], at: float) -> Measure:
    """A percentile of seconds (nearest rank) with the interval of its order statistics (normal approximation).

    Args:
        name: Of the measure.
        values: In any order.
        at: 0 to 1.
    """
    n = len(values)
    if n == 0:
        return Measure(name=name, value=None, unit="s", n=0)
    ordered = sorted(values)
    half = _Z * sqrt(n * at * (1 - at))
    low, high = floor(n * at - half), ceil(n * at + half)
    return Measure(
        name=name,
        value=round(ordered[max(0, ceil(n * at) - 1)], 6),
        unit="s",
        n=n,
        ci_low=round(ordered[max(0, min(n, low) - 1)], 6),
        ci_high=round(ordered[min(n, max(1, high)) - 1], 6) if high <= n else None,
    )
