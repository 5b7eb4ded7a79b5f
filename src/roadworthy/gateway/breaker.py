"""Circuit breaker per provider+model: a pure state machine that is told the time.

Source: M. Nygard, "Release It!", 2nd ed., ch. 5 (Circuit Breaker); thresholds are spec row G5. Two separate reasons
keep a target from being asked: the breaker (it fails) and the bench (it asked us to stay away, Retry-After).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Literal

from roadworthy.gateway.settings import Breaker as Rules

State = Literal["closed", "open", "half_open"]
Ticket = int
"""Names the state an attempt was admitted in; a report from an earlier state changes nothing."""


class Breaker:
    """Closed until the target fails too often, then open for `rules.open_s`, then one probe decides.

    Args:
        rules: Thresholds.
        on_change: Called with (old state, new state, why) after each transition.
    """

    __slots__ = (
        "_failures",
        "_generation",
        "_mask",
        "_opened_at",
        "_rules",
        "_samples",
        "benched_until",
        "consecutive_failures",
        "on_change",
        "state",
    )

    def __init__(self, rules: Rules, on_change: Callable[[State, State, str], None] | None = None) -> None:
        self._rules = rules
        self._mask = (1 << rules.window) - 1
        self.on_change = on_change
        self.state: State = "closed"
        self.consecutive_failures = 0
        self.benched_until = 0.0
        self._failures = 0  # the last `window` outcomes as bits, 1 = failed; the newest is bit 0
        self._samples = 0
        self._opened_at = 0.0
        self._generation = 0

    def admit(self, now: float) -> Ticket | None:
        """A ticket for one attempt, or None when the target must be left alone.

        Of the requests that arrive when the pause is over exactly one is admitted: the probe.
        """
        if now < self.benched_until:
            return None
        if self.state == "closed":
            return self._generation
        if self.state == "open" and now - self._opened_at >= self._rules.open_s:
            self._move("half_open", "pause over, one probe")
            return self._generation
        return None

    def retry_in_s(self, now: float) -> float:
        """Seconds until `admit` may say yes; 0 when it would now. A probe under way counts as 1 s."""
        benched = max(0.0, self.benched_until - now)
        if self.state == "open":
            return max(benched, self._opened_at + self._rules.open_s - now, 0.0)
        if self.state == "half_open":
            return max(benched, 1.0)
        return benched

    def succeeded(self, ticket: Ticket, now: float) -> None:
        """The attempt gave a usable answer."""
        if ticket != self._generation:
            return
        if self.state == "half_open":
            self._move("closed", "probe succeeded")
            return
        self.consecutive_failures = 0
        self._samples += 1
        if self._failures:
            self._failures = (self._failures << 1) & self._mask

    def failed(self, ticket: Ticket, now: float) -> None:
        """The attempt failed by the provider's fault (never for the caller's own 4xx)."""
        if ticket != self._generation:
            return
        if self.state == "half_open":
            self._open(now, "probe failed")
            return
        self.consecutive_failures += 1
        self._failures = ((self._failures << 1) | 1) & self._mask
        self._samples += 1
        rules = self._rules
        if self.consecutive_failures >= rules.consecutive_failures:
            self._open(now, f"{self.consecutive_failures} consecutive failures")
        elif self.window_failures > rules.error_rate * rules.window:
            # Judged at each failure, also while the window is not full: what comes cannot make it less. Judged when the
            # window fills, a good answer could open the breaker of a target that has long been well.
            self._open(now, f"{self.window_failures} of the last {self.window_size} requests failed")

    def probing(self, ticket: Ticket) -> bool:
        """Whether the attempt with this ticket is the probe that decides."""
        return self.state == "half_open" and ticket == self._generation

    def abandoned(self, ticket: Ticket, now: float) -> None:
        """The attempt ended without a verdict (caller gone, rate limit): a probe's place is free again."""
        if ticket == self._generation and self.state == "half_open":
            self._opened_at = now - self._rules.open_s
            self._move("open", "probe ended without a verdict")

    def follow(self, state: str | None, rest_s: float, now: float) -> None:
        """Take over what another worker found out: leave the target alone, or that it is well again.

        Args:
            state: Its breaker's new state, None for a bench.
            rest_s: Seconds for which it leaves the target alone.
            now: Monotonic seconds.
        """
        if state is None:
            self.bench(now + rest_s)
        elif state == "closed":
            if self.state == "open":
                self._move("closed", "seen well by another worker", told=False)
        elif self.state == "open" or (self.state == "closed" and state == "open"):
            # Its probe is ours too: wait for what it finds. News may overtake each other, so news of a probe alone
            # never opens a breaker: what came of the probe may have been here before.
            self._opened_at = now + min(rest_s, self._rules.open_s) - self._rules.open_s
            if self.state == "closed":
                self._move("open", "seen failing by another worker", told=False)

    def bench(self, until: float) -> None:
        """Leave the target alone until `until` (monotonic seconds); a longer bench is never shortened."""
        self.benched_until = max(self.benched_until, until)

    def hold_open(self, until: float, why: str) -> None:
        """Keep it open until `until` (monotonic seconds), whatever it has seen; again and again prolongs it."""
        if self.state != "open":
            self._move("open", why)
        self._opened_at = until - self._rules.open_s

    def second_chance(self) -> None:
        """End the bench, and let an open breaker probe at once: what was refused may be allowed now."""
        self.benched_until = 0.0
        self._opened_at = -inf

    @property
    def pause_s(self) -> float:
        """Seconds that an open breaker waits before its probe."""
        return self._rules.open_s

    def reset(self) -> None:
        """Close and forget, by an operator's hand."""
        self.benched_until = 0.0
        if self.state != "closed":
            self._move("closed", "reset by operator")
        self._clear()

    @property
    def window_failures(self) -> int:
        """Failures among the last `window` outcomes since the breaker closed."""
        return self._failures.bit_count()

    @property
    def window_size(self) -> int:
        """Outcomes in the window, at most `rules.window`."""
        return min(self._samples, self._rules.window)

    def _open(self, now: float, why: str) -> None:
        self._opened_at = now
        self._move("open", why)

    def _move(self, new: State, why: str, told: bool = True) -> None:
        old, self.state = self.state, new
        self._generation += 1
        if new == "closed":
            self._clear()
        if told and self.on_change is not None:
            self.on_change(old, new, why)

    def _clear(self) -> None:
        self.consecutive_failures = self._failures = self._samples = 0
