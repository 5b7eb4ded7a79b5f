"""What modes and hedges remember of the last calls: seconds they took, and whether they failed. Pure, told the time."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from math import ceil
from typing import NamedTuple

MOST_SAMPLES = 512
"""Latencies that are kept, however many come within the window: bounds memory and the price of a look."""


class Spread(NamedTuple):
    """How long calls took, in seconds.

    Attributes:
        p50: Median, None without a sample.
        p95: 95th percentile by nearest rank, None without a sample.
        samples: Number of calls looked at.
        slow: Calls that took longer than the limit.
    """

    p50: float | None = None
    p95: float | None = None
    samples: int = 0
    slow: int = 0


_NOTHING = Spread()


class LatencyWindow:
    """Latencies of the last seconds, bounded in number too. Recording is O(1); only `spread` sorts.

    Args:
        span_s: Seconds after which a latency is forgotten.
    """

    __slots__ = ("_samples", "_span_s")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._samples: deque[tuple[float, float]] = deque(maxlen=MOST_SAMPLES)

    def add(self, now: float, seconds: float) -> None:
        """Remember one call that took `seconds`."""
        self._samples.append((now, seconds))

    def clear(self) -> None:
        """Forget all."""
        self._samples.clear()

    def spread(self, now: float, limit_s: float | None, waiting: list[float] | None = None) -> Spread:
        """Percentiles of what is remembered.

        Args:
            now: Monotonic seconds.
            limit_s: What counts as slow; None for nothing.
            waiting: Seconds that calls without an answer have waited: they will take at least that long.
        """
        recent = self._recent(now)
        if not recent and not waiting:
            return _NOTHING
        values = sorted(recent + (waiting or []))
        slow = 0 if limit_s is None else len(values) - bisect_right(values, limit_s)
        return Spread(_rank(values, 0.50), _rank(values, 0.95), len(values), slow)

    def rank(self, now: float, share: float, least: int) -> float | None:
        """Seconds that `share` of the calls did not exceed, by nearest rank; None for fewer than `least` calls."""
        values = sorted(self._recent(now))
        return None if len(values) < max(1, least) else _rank(values, share)

    def _recent(self, now: float) -> list[float]:
        samples, oldest = self._samples, now - self._span_s
        while samples and samples[0][0] < oldest:
            samples.popleft()
        return [seconds for _, seconds in samples]


class ErrorWindow:
    """Outcomes of the last calls as bits: 1 failed.

    Args:
        size: Calls looked back on.
    """

    __slots__ = ("_bits", "_mask", "_seen", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._mask = (1 << size) - 1
        self._bits = 0
        self._seen = 0

    def add(self, failed: bool) -> None:
        """Remember one outcome."""
        self._seen += 1
        if failed or self._bits:
            self._bits = ((self._bits << 1) | failed) & self._mask

    def clear(self) -> None:
        """Forget all."""
        self._bits = self._seen = 0

    @property
    def failures(self) -> int:
        """Failed calls in the window."""
        return self._bits.bit_count()

    @property
    def size(self) -> int:
        """Calls in the window."""
        return min(self._seen, self._size)

    def over(self, rate: float, even_if_not_full: bool) -> bool:
        """Whether more than `rate` of a full window failed; a window that is not full yet counts on demand."""
        return self.failures > rate * self._size and (even_if_not_full or self._seen >= self._size)


def _rank(ordered: list[float], share: float) -> float:
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
