"""How long answers stay fresh: longer under load, shorter when there is room to ask again (spec row G9).

Pure: time and load are arguments.
"""

from __future__ import annotations

from math import exp, inf

HIGH_LOAD = 0.8
LOW_LOAD = 0.3
SAMPLE_S = 1.0
"""The load is looked at this often at most."""
SMOOTHING_S = 30.0
"""Time constant of the smoothed load: a burst of a second moves nothing."""
PERIOD_S = 60.0
"""At most one step per period: from 600 s to a day takes eight minutes of high load, not eight requests."""


def step(ttl_s: float, load: float, least_s: float, most_s: float) -> float:
    """The next lifetime: doubled above `HIGH_LOAD`, halved below `LOW_LOAD`, within its bounds.

    Args:
        ttl_s: The lifetime now, in seconds.
        load: Requests in flight through their limit, smoothed; 0 to 1.
        least_s: Lower bound.
        most_s: Upper bound.
    """
    if load > HIGH_LOAD:
        return min(most_s, ttl_s * 2)
    if load < LOW_LOAD:
        return max(least_s, ttl_s / 2)
    return ttl_s


class AdaptiveTtl:
    """A lifetime that follows the load.

    Args:
        start_s: The lifetime at first.
        least_s: Lower bound.
        most_s: Upper bound.

    Attributes:
        ttl_s: The lifetime now.
        load: The smoothed load, None before the first look.
    """

    __slots__ = ("_least_s", "_most_s", "_sampled_at", "_stepped_at", "load", "ttl_s")

    def __init__(self, start_s: float, least_s: float, most_s: float) -> None:
        self.ttl_s = start_s
        self.load: float | None = None
        self._least_s = least_s
        self._most_s = most_s
        self._sampled_at = -inf
        self._stepped_at = -inf

    def note(self, load: float, now: float) -> None:
        """Take a look at the load; costs a comparison when the last one was less than `SAMPLE_S` ago.

        Args:
            load: Requests in flight through their limit.
            now: Monotonic seconds.
        """
        passed = now - self._sampled_at
        if passed < SAMPLE_S:
            return
        self._sampled_at = now
        if self.load is None:
            self.load, self._stepped_at = load, now
            return
        self.load += (load - self.load) * (1.0 - exp(-passed / SMOOTHING_S))
        if now - self._stepped_at >= PERIOD_S:
            self._stepped_at = now
            self.ttl_s = step(self.ttl_s, self.load, self._least_s, self._most_s)
