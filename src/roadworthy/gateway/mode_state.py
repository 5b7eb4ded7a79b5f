"""One mode's health: up, down, or on its way back by probes and growing shares. A pure state machine, told the time.

Two kinds of cause. What is seen without asking (no able model, memory) keeps a mode down for as long as it lasts. What
only calls can show (latency, errors) cannot be seen of a mode that is not asked: it is tried again after the wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum, StrEnum
from math import inf
from typing import Literal, NamedTuple

from roadworthy.gateway.chain import Link
from roadworthy.gateway.mode_window import ErrorWindow, LatencyWindow, Spread
from roadworthy.gateway.settings import Mode

LOOK_S = 0.25
"""Percentiles are looked at no more often than this."""
STARTING_S = 0.5
"""Retry-After of a model that starts."""
FEW = 10
"""With fewer calls in the window nothing is said about thresholds that cannot be met."""

Phase = Literal["up", "down", "probing", "ramping"]


class Cause(StrEnum):
    """Why a mode does not serve a request that it was asked for (closed set: it is a metric label)."""

    UNAVAILABLE = "model_unavailable"
    STARTING = "model_starting"
    SLOW = "p95_over_limit"
    ERRORS = "error_rate_over_limit"
    MEMORY = "memory_over_limit"
    IN_FLIGHT = "in_flight_over_limit"
    RECOVERING = "recovering"
    CHAIN_FAILED = "chain_failed"
    LAST_RESORT = "last_resort"


class Ability(IntEnum):
    """Whether the models of a mode can be asked; of its roles the worst counts."""

    ABLE = 0
    PROBED = 1  # half open: somebody is finding out right now
    STARTING = 2
    RESTING = 3


class Memory(NamedTuple):
    """A reading of the memory: `used` bytes of this gateway's processes, and the share of the machine's or container's
    memory that is in use, 0 to 1; None when unknown.
    """

    used: int | None = None
    fraction: float | None = None


class Change(NamedTuple):
    """A mode changed its phase, or the share of requests that it gets.

    Attributes:
        mode: Its name.
        old: Phase before.
        new: Phase now.
        cause: Why it is down; None while it recovers and when it is up.
        why: The same in words, with the figures.
        share: Share of the requests for it that it serves now, 0 to 1; probes count as 0.
        wait_s: Seconds without a cause after which it is tried again; None when it is up.
        at: Monotonic second of the change.
    """

    mode: str
    old: Phase
    new: Phase
    cause: Cause | None
    why: str
    share: float
    wait_s: float | None
    at: float


class Ticket:
    """One call in a mode; make it with `ModeState.begin`, report with `answered` and `ended`."""

    __slots__ = ("answered", "generation", "started")

    def __init__(self, started: float, generation: int) -> None:
        self.started = started
        self.generation = generation
        self.answered = False


class ModeState:
    """The health of one mode.

    Args:
        mode: Its rules.
        roles: The links of each role's chain.
        on_change: Told of every change.
        on_hopeless: Told (mode, what, limit in seconds, median in seconds) when the window shows that a limit cannot be
            met; once, until it can.
    """

    def __init__(
        self,
        mode: Mode,
        roles: Sequence[Sequence[Link]],
        on_change: Callable[[Change], None],
        on_hopeless: Callable[[str, str, float, float], None],
    ) -> None:
        self.mode = mode
        self.name = mode.name
        self.phase: Phase = "up"
        self.cause: Cause | None = None
        self.why = ""
        self.in_flight = 0
        self.wait_s = mode.recovery.climb_after_s
        self.latencies = LatencyWindow(mode.downshift.latency_window_s)
        self.errors = ErrorWindow(mode.downshift.window)
        self._chains = list({tuple(map(id, links)): tuple(links) for links in roles}.values())
        self._first = [links[0] for links in self._chains]
        self._limit = mode.downshift.in_flight
        self._p95_s = mode.downshift.p95_s
        self._pressed: tuple[Cause, str] | None = None  # by memory
        self._on_change = on_change
        self._on_hopeless = on_hopeless
        self._open: deque[Ticket] = deque()
        self._generation = 0
        self._since = -inf
        self._clear_since: float | None = None
        self._look_at = 0.0
        self._probing = 0
        self._probes_left = 0
        self._step = 0
        self._hopeless: set[str] = set()

    # -- may it serve?

    def ability(self, now: float) -> Ability:
        """Whether every role has a target that can be asked now."""
        if self._firsts_are_well(now):
            return Ability.ABLE
        worst = Ability.ABLE
        for links in self._chains:
            best = Ability.RESTING
            for link in links:
                found = _ability(link, now)
                if found is Ability.ABLE:
                    best = found
                    break
                if found < best:
                    best = found
            if best > worst:
                worst = best
        return worst

    def _firsts_are_well(self, now: float) -> bool:
        for link in self._first:
            breaker = link.breaker
            if breaker.state != "closed" or now < breaker.benched_until or not link.ready:
                return False
        return True

    def retry_in_s(self, now: float) -> float:
        """Seconds until every role may have a target again; 0 when each has one."""
        return max(
            min(STARTING_S if not link.ready else link.breaker.retry_in_s(now) for link in links)
            for links in self._chains
        )

    def refuses(self, now: float, draw: float) -> Cause | None:
        """Why it does not take one more call; None when it does.

        Args:
            now: Monotonic seconds.
            draw: Uniform in [0, 1): which requests a recovering mode gets.
        """
        if self.phase == "up" and now < self._look_at and self._pressed is None and self._firsts_are_well(now):
            # Almost every request: nothing to find out, nothing to change.
            return None if self._limit is None or self.in_flight < self._limit else Cause.IN_FLIGHT
        ability = self.settle(now)
        if self.phase == "down":
            return self.cause
        if ability is Ability.STARTING:
            return Cause.STARTING
        if ability is not Ability.ABLE:
            return Cause.UNAVAILABLE
        if self._limit is not None and self.in_flight >= self._limit:
            return Cause.IN_FLIGHT
        if self.phase == "up":
            return None
        admitted = draw < self.share if self.phase == "ramping" else self._probing == 0
        return None if admitted else Cause.RECOVERING

    @property
    def share(self) -> float:
        """Share of the requests for it that it serves, 0 to 1; while it is probed one at a time, 0."""
        if self.phase == "ramping":
            return self.mode.recovery.shares[self._step]
        return 1.0 if self.phase == "up" else 0.0

    def climb_in_s(self, now: float) -> float | None:
        """Seconds until it is tried again if nothing happens; None when it is not down, or its cause lasts."""
        if self.phase != "down" or self._clear_since is None:
            return None
        return max(0.0, self._clear_since + self.wait_s - now)

    # -- time passes

    def sense(self, memory: Memory) -> None:
        """The memory was read; what it means shows at the next `settle`."""
        self._pressed = self._pressure(memory)

    def settle(self, now: float) -> Ability:
        """Bring the phase up to date with what can be seen now."""
        ability = self.ability(now)
        lasting = self._pressed
        if ability is Ability.RESTING:
            lasting = Cause.UNAVAILABLE, "a role has no model that can be asked"
        if self.phase == "down":
            if lasting is not None:
                self._clear_since = None
                self.cause, self.why = lasting
            elif self._clear_since is None:
                self._clear_since = now
            elif now - self._clear_since >= self.wait_s:
                self._probes_left = self.mode.recovery.probes
                self._move("probing", now, None, f"no cause for {self.wait_s:g} s: one call at a time")
            return ability
        if lasting is not None:
            self._fall(now, *lasting)
            return ability
        if now >= self._look_at:
            self._look(now)
        if self.phase == "ramping" and now - self._since >= self.mode.recovery.dwell_s:
            self._climb(now, f"well for {self.mode.recovery.dwell_s:g} s")
        return ability

    def _pressure(self, memory: Memory) -> tuple[Cause, str] | None:
        rules = self.mode.downshift
        share, most = memory.fraction, rules.memory_fraction
        if share is not None and most is not None and share > most:
            return Cause.MEMORY, f"{share:.0%} of the memory in use, limit {most:.0%}"
        used, limit = memory.used, rules.memory_bytes
        if used is not None and limit is not None and used > limit:
            return Cause.MEMORY, f"{used / 1e9:.2f} GB in use, limit {limit / 1e9:.2f} GB"
        return None

    def _look(self, now: float) -> None:
        self._look_at = now + LOOK_S
        spread = self.spread(now)
        self._judge(spread)
        limit = self.mode.downshift.p95_s
        if limit is None or spread.p95 is None or spread.p95 <= limit:
            return
        if spread.slow >= self.mode.downshift.slow_requests:
            self._fall(now, Cause.SLOW, f"p95 of {spread.samples} calls is {spread.p95:.2f} s, limit {limit:g} s")

    def spread(self, now: float) -> Spread:
        """How long its calls take, those still waiting beyond the limit included."""
        limit = self.mode.downshift.p95_s
        waiting: list[float] = []
        if limit is not None and self._open:
            self._open = deque(ticket for ticket in self._open if not ticket.answered)
            waiting = [passed for ticket in self._open if (passed := now - ticket.started) > limit]
        return self.latencies.spread(now, limit, waiting)

    def _judge(self, spread: Spread) -> None:
        median = spread.p50
        if median is None or spread.samples < FEW:
            return
        roles, objective = len(self.mode.roles), self.mode.objective
        limits = {
            "downshift.p95_s": (self.mode.downshift.p95_s, median),
            "objective.max_s": (None if objective is None else objective.max_s, median * roles),
        }
        for what, (limit, reached) in limits.items():
            if limit is None or reached <= limit:
                self._hopeless.discard(what)
            elif what not in self._hopeless:
                self._hopeless.add(what)
                self._on_hopeless(self.name, what, limit, reached)

    # -- calls

    def begin(self, now: float) -> Ticket:
        """One call goes to this mode."""
        ticket = Ticket(now, self._generation)
        self.in_flight += 1
        if self._p95_s is not None:
            self._open.append(ticket)
        if self.phase == "probing":
            self._probing += 1
        return ticket

    def answered(self, ticket: Ticket, now: float) -> None:
        """The answer, or the first useful token of a stream, is there."""
        if not ticket.answered:
            ticket.answered = True
            if ticket.generation == self._generation:
                self.latencies.add(now, now - ticket.started)

    def ended(self, ticket: Ticket, failed: bool | None, now: float) -> None:
        """The call is over.

        Args:
            ticket: Of this mode.
            failed: True when the mode gave no usable answer, False when it did, None for no verdict (the caller hung
                up, or his request was at fault).
            now: Monotonic seconds.
        """
        self.in_flight -= 1
        if ticket.generation != self._generation:
            ticket.answered = True
            return
        limit = self._p95_s
        slow = limit is not None and now - ticket.started > limit
        if not ticket.answered and (failed is False or slow):  # whoever gave up after the limit waited too long as well
            self.answered(ticket, now)
        ticket.answered = True
        if self.phase == "probing":
            self._probed(failed, slow, now)
        elif failed is not None and self.phase != "down":
            self._count(failed, now)

    def served(self, ticket: Ticket, now: float) -> None:
        """The call is over and was good: `ended` with `failed=False`, at half the price while the mode is up."""
        if self.phase != "up" or ticket.generation != self._generation:
            self.ended(ticket, False, now)
            return
        self.in_flight -= 1
        if not ticket.answered:
            ticket.answered = True
            self.latencies.add(now, now - ticket.started)
        self.errors.add(False)

    def _count(self, failed: bool, now: float) -> None:
        self.errors.add(failed)
        rate = self.mode.downshift.error_rate
        if failed and rate is not None and self.errors.over(rate, self.phase == "ramping"):
            self._fall(now, Cause.ERRORS, f"{self.errors.failures} of the last {self.errors.size} calls failed")

    def _probed(self, failed: bool | None, slow: bool, now: float) -> None:
        self._probing -= 1
        if failed:
            self._fall(now, Cause.ERRORS, "a probe failed")
        elif slow:
            self._fall(now, Cause.SLOW, f"a probe took more than {self.mode.downshift.p95_s:g} s")
        elif failed is False:
            self._probes_left -= 1
            if self._probes_left <= 0:
                self._climb(now, f"{self.mode.recovery.probes} good probes")

    # -- changes

    def _fall(self, now: float, cause: Cause, why: str) -> None:
        recovery = self.mode.recovery
        settled = self.phase == "up" and now - self._since >= self.wait_s
        self.wait_s = recovery.climb_after_s if settled else min(2 * self.wait_s, recovery.max_climb_after_s)
        self._clear_since = None if cause in {Cause.UNAVAILABLE, Cause.MEMORY} else now
        self._move("down", now, cause, why)

    def _climb(self, now: float, why: str) -> None:
        self._step = self._step + 1 if self.phase == "ramping" else 0
        if self._step >= len(self.mode.recovery.shares):
            self._step = 0
            self._move("up", now, None, why)
        else:
            self._move("ramping", now, None, why)

    def _move(self, new: Phase, now: float, cause: Cause | None, why: str) -> None:
        old, self.phase = self.phase, new
        self.cause, self.why = cause, why
        self._since = now
        if old != new:
            self._generation += 1
            self._open.clear()
            self._probing = 0
        if new == "down" or old == "probing":
            self.latencies.clear()
            self.errors.clear()
        wait_s = None if new == "up" else self.wait_s
        self._on_change(Change(self.name, old, new, cause, why, self.share, wait_s, now))


def _ability(link: Link, now: float) -> Ability:
    if not link.ready:
        return Ability.STARTING
    breaker = link.breaker
    if now < breaker.benched_until:
        return Ability.RESTING
    if breaker.state == "closed" or breaker.retry_in_s(now) <= 0:
        return Ability.ABLE
    return Ability.PROBED if breaker.state == "half_open" else Ability.RESTING
