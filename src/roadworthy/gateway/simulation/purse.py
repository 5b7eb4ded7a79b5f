"""Budgets and rates written a second time: what a tenant's requests may use together, seen from outside."""

from __future__ import annotations

from roadworthy.gateway.cost import nano
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.settings import KeyLimits
from roadworthy.gateway.simulation.feature import MAX_TOKENS, PRICE
from roadworthy.gateway.simulation.invariant import Broken

RESERVED_BYTES_PER_TOKEN = 3
BURST = 3
"""Requests that workers may hold leases for from before, beyond the bucket's size."""


class Purse:
    """One tenant.

    Args:
        name: For messages.
        limits: None is no limit.

    Attributes:
        tokens: Used by requests that are over, dead workers' included.
        usd: The same in billionths of a dollar.
        over: By how much requests that are over used more than was reserved for them: (tokens, billionths).
    """

    def __init__(self, name: str, limits: KeyLimits | None) -> None:
        self.name = name
        self.limits = limits or KeyLimits()
        self.limited = limits is not None and limits != KeyLimits()
        self.days = 1
        self.tokens = 0
        self.usd = 0
        self.over = [0, 0]
        self._running: dict[str, list[tuple[int, int]]] = {}  # what was reserved for each of a request's tries
        self._level = float(self.limits.requests_per_minute or 0)
        self._at = 0.0

    def admitted(self, identity: str, prompt_bytes: int, now: float) -> None:
        """A request's first provider is asked: whatever it may cost must have been reserved before."""
        prompt = -(-prompt_bytes // RESERVED_BYTES_PER_TOKEN)
        tokens = prompt + MAX_TOKENS
        usd = prompt * nano(PRICE.input / 1e6) + MAX_TOKENS * nano(PRICE.output / 1e6) + nano(PRICE.request)
        self._running[identity] = [(tokens, usd)]
        self._check_spent(now)
        self._check_rate(now)
        most = self.limits.concurrent
        if most is not None and len(self._running) > most:
            self._broken("no more run at once than may", f"{len(self._running)} requests run, {most} may", now)

    def hedged(self, identity: str, now: float) -> None:
        """A second provider is asked beside the first: as much again must have been reserved, but no place."""
        self._running[identity] *= 2
        self._check_spent(now)

    def ended(self, record: Finished) -> None:
        """A request is over."""
        reserved = self._running.pop(record.request_id, [])
        for hedge, (most_tokens, most_usd) in enumerate(reserved):
            attempts = [attempt for attempt in record.attempts if attempt.hedge == bool(hedge)]
            tokens = sum(attempt.tokens or 0 for attempt in attempts)
            usd = nano(sum(attempt.cost_usd or 0.0 for attempt in attempts))
            self.tokens += tokens
            self.usd += usd
            self.over[0] += max(0, tokens - most_tokens)
            self.over[1] += max(0, usd - most_usd)

    def refill(self) -> None:
        """The wall clock jumped: another day, and buckets that are full again."""
        self._level = float(self.limits.requests_per_minute or 0)

    def _check_spent(self, now: float) -> None:
        for place, (what, limit, used) in enumerate((
            ("tokens", self.limits.tokens_per_day, self.tokens),
            ("usd", None if self.limits.usd_per_day is None else nano(self.limits.usd_per_day), self.usd),
        )):  # fmt: skip
            if limit is None:
                continue
            taken = used + sum(each[place] for tries in self._running.values() for each in tries)
            most = limit * self.days + self.over[place]
            if taken > most:
                self._broken("no budget is overspent", f"{taken} {what} of {most} are used or may be", now)

    def _check_rate(self, now: float) -> None:
        limit = self.limits.requests_per_minute
        if limit is None:
            return
        self._level = min(float(limit), self._level + (now - self._at) * limit / 60.0) - 1.0
        self._at = now
        if self._level < -BURST:
            self._broken("rates are kept", f"{-self._level:.1f} requests more than {limit} a minute allow", now)

    def _broken(self, invariant: str, detail: str, now: float) -> None:
        raise Broken(invariant, f"{self.name}: {detail}", now)
