"""The cache seen from outside: one flight for each question, and nothing told that may not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadworthy.gateway.simulation.answer import Made
from roadworthy.gateway.simulation.invariant import Broken

if TYPE_CHECKING:
    from roadworthy.gateway.simulation.caller import SimulatedCaller

Key = tuple[str, str, str, str, bool, bool]
"""Tenant, model asked for, system prompt, question, whether JSON is wanted, whether the request has rules."""
LATE_S = 0.7
"""A store may tell an age that is older by now, and an answer takes a moment from its making to its keeping."""
PATIENCE = 0.5
"""Part of its deadline after which a request that waits for another one's stream may go alone."""


class FlightWatch:
    """The calls of one worker, by question."""

    def __init__(self) -> None:
        self._flying: dict[Key, set[str]] = {}  # without those who go alone
        self._unshared: dict[Key, float] = {}

    def begins(self, caller: SimulatedCaller, now: float) -> None:
        """A provider is asked for this caller."""
        if self._alone(caller, now):
            return
        flying = self._flying.setdefault(caller.key, set())
        if flying:
            raise Broken("one flight for each question", f"{caller.question!r} is on its way already", now)
        flying.add(caller.identity)

    def ended(self, caller: SimulatedCaller, now: float) -> None:
        """The request is over."""
        self._flying.get(caller.key, set()).discard(caller.identity)
        made = caller.made
        if made is not None and caller.cache == "miss" and made.kind == "refusal":
            self._unshared[caller.key] = now  # left before its end was known, and may not be told to those who waited

    def _alone(self, caller: SimulatedCaller, now: float) -> bool:
        """Whether it passes the cache by, has lost its patience, or waited for an answer that could not be shared."""
        if caller.arrival.directive in _PASS_BY or now - caller.started >= PATIENCE * caller.deadline_s - 0.02:
            return True
        return self._unshared.get(caller.key, -1.0) >= caller.started


_PASS_BY = frozenset(("no-cache", "no-store"))


def check_kept(caller: SimulatedCaller, made: Made, told: dict[str, Any], ttl_s: float, stale_s: float) -> None:
    """An answer out of the cache: its asker's own, young enough, and marked when it is not.

    Args:
        caller: Who got it.
        made: What it is.
        told: The `roadworthy` object.
        ttl_s: How long answers are fresh.
        stale_s: How old the last resort may be.
    """
    now, result, age_s = caller.now(), told["cache"], caller.now() - made.at_s
    fresh_s = min(ttl_s, 2.0) if caller.arrival.directive == "max-age=2" else ttl_s
    if caller.arrival.directive in _PASS_BY and made.at_s < caller.started:
        raise Broken("Cache-Control is kept", f"{caller.arrival.directive}, and the answer is {age_s:.1f} s old", now)
    if result == "hit" and age_s > fresh_s + LATE_S:
        raise Broken("no hit is older than allowed", f"{age_s:.3f} s old, {fresh_s:g} s allowed", now)
    if result == "stale":
        if age_s > stale_s + LATE_S:
            raise Broken("no stale answer is older than allowed", f"{age_s:.1f} s", now)
        if not told.get("warning") or told.get("age_s") is None:
            raise Broken("a stale answer is marked", "it has no warning", now)
    if abs(told["age_s"] - age_s) > LATE_S:
        raise Broken("ages are true", f"{age_s:.3f} s old, told {told['age_s']} s", now)
