"""When a second target is asked beside a slow one, and what that may cost. Pure, told the time.

Source: J. Dean, L. A. Barroso, "The Tail at Scale", CACM 56(2), 2013: ask a second server once the first has taken
longer than its 95th percentile, which costs about 5 % more load. Here the bound is money instead of luck: hedges may
add a share of what the route spent, the way Envoy's retry budget bounds retries by a share of the requests.
"""

from __future__ import annotations

from collections import deque
from math import ceil

from roadworthy.gateway.cost import BYTES_PER_TOKEN, cost_usd
from roadworthy.gateway.mode_window import LatencyWindow
from roadworthy.gateway.providers.contract import Usage
from roadworthy.gateway.settings import Hedge, Price

PACE_SPAN_S = 600.0
"""How far back a target's latencies are looked at."""
LEAST_SAMPLES = 20
"""With fewer recent answers a percentile says nothing."""
LOOK_S = 1.0
"""How long a percentile holds before it is worked out again."""
SLOTS = 20
"""Parts of the span that spending is counted in: it forgets in steps of a twentieth."""
FIRST_ANSWER_TOKENS = 256
"""Length of an answer, for estimates, until some have been seen."""
_WEIGHT = 0.05
"""Of the newest answer in the mean length."""


class Pace:
    """How long one target takes to answer, or to its first useful token."""

    __slots__ = ("_known", "_window")

    def __init__(self) -> None:
        self._window = LatencyWindow(PACE_SPAN_S)
        self._known: dict[float, tuple[float, float]] = {}

    def add(self, now: float, seconds: float) -> None:
        """Remember one call; for one that was given up, how long it had taken until then."""
        self._window.add(now, seconds)

    def percentile(self, now: float, percent: float) -> float | None:
        """Seconds within which `percent` of the recent calls were answered, None while there are too few."""
        known = self._known.get(percent)
        seconds = None if known is None or now >= known[0] else known[1]
        if seconds is None:
            seconds = self._window.rank(now, percent / 100, LEAST_SAMPLES)
            if seconds is not None:
                self._known[percent] = now + LOOK_S, seconds
        return seconds


class Hedging:
    """One route's hedges: when they are due, and what they may still cost.

    What hedges have cost within the span, what running ones are expected to cost and the estimate of the next may
    together not be more than `max_extra_cost` of what all other attempts cost. So nothing is hedged before the route
    has spent something, unless the hedge is free.

    Args:
        rules: The route's.

    Attributes:
        running: US dollars set aside for hedges whose requests are not over.
    """

    __slots__ = ("_answer_tokens", "_slots", "rules", "running")

    def __init__(self, rules: Hedge) -> None:
        self.rules = rules
        self._slots: deque[list[float]] = deque()  # [begin, spent on all else, spent on hedges]
        self.running = 0.0
        self._answer_tokens: float | None = None

    def delay_s(self, pace: Pace, now: float) -> float | None:
        """Seconds after which a try is slow; None when that is not known."""
        rules = self.rules
        if rules.after_percentile is None:
            return rules.after_s
        seconds = pace.percentile(now, rules.after_percentile)
        return rules.after_s if seconds is None else seconds

    def estimate(self, price: Price, prompt_bytes: int, most_tokens: int | None) -> float:
        """What a second try is expected to cost, in US dollars.

        Args:
            price: Of its model.
            prompt_bytes: Size of the prompt.
            most_tokens: Bound of the answer that the request names, None without one.
        """
        seen = self._answer_tokens
        answer = FIRST_ANSWER_TOKENS if seen is None else ceil(seen)
        if most_tokens is not None:
            answer = min(answer, most_tokens)
        return cost_usd(price, Usage(-(-prompt_bytes // BYTES_PER_TOKEN), answer))

    def take(self, now: float, usd: float) -> bool:
        """Set aside what a hedge is expected to cost; False when that is more than hedges may add."""
        spent, extra = self.spent(now)
        if usd > 0 and extra + self.running + usd > self.rules.max_extra_cost * spent:
            return False
        self.running += usd
        return True

    def closed(self, now: float, usd: float, taken: float, extra_usd: float, answer_tokens: int | None) -> None:
        """A request of the route is over.

        Args:
            now: Monotonic seconds.
            usd: What its attempts cost, hedges left out.
            taken: What was set aside for its hedge, 0 without one.
            extra_usd: What its hedge cost.
            answer_tokens: Length of its answer as counted, None when unknown.
        """
        self.running = max(0.0, self.running - taken)
        if answer_tokens is not None:
            mean = self._answer_tokens
            self._answer_tokens = float(answer_tokens) if mean is None else mean + _WEIGHT * (answer_tokens - mean)
        if not usd and not extra_usd:
            return
        slots, width = self._slots, self.rules.window_s / SLOTS
        if not slots or now >= slots[-1][0] + width:
            self._forget(now)
            slots.append([now, 0.0, 0.0])
        slots[-1][1] += usd
        slots[-1][2] += extra_usd

    def spent(self, now: float) -> tuple[float, float]:
        """US dollars within the span: on everything but hedges, and on hedges."""
        self._forget(now)
        return sum(slot[1] for slot in self._slots), sum(slot[2] for slot in self._slots)

    def _forget(self, now: float) -> None:
        slots, oldest = self._slots, now - self.rules.window_s
        while slots and slots[0][0] < oldest:
            slots.popleft()
