"""What one worker knows of one key's limits: slices leased from all workers' common store, spent in memory.

Pure bookkeeping: no clock, no socket, no disk. For every limited resource and at every moment

    leased in the store = pot + reserved by running requests + spent but not yet told

holds for each account, so that whatever a worker does or loses, the sum over all workers stays inside the limit; only
an answer that costs more than was reserved for it can exceed it, by that difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, get_args

from roadworthy.core.ports import Lease, Resource, Return, Share
from roadworthy.gateway.cost import nano
from roadworthy.gateway.settings import KeyLimits

RESOURCES: tuple[Resource, ...] = get_args(Resource)
USD, TOKENS, REQUESTS, TOKEN_RATE, CONCURRENT = range(5)
SPENT = (USD, TOKENS)
"""Resources that are used up; the others come back."""

_SLICES_PER_DAY = 32
"""A worker holds about this part of a day's budget, shared by all workers: what a kill can cost."""
_SLICES_PER_MINUTE = 60
_SLICES_OF_PLACES = 8


class Need(NamedTuple):
    """What a request may use, in the order of `RESOURCES`: billionths of a dollar, tokens, 1, tokens, 1."""

    usd: int
    tokens: int
    requests: int
    token_rate: int
    concurrent: int


def need(usd: int, tokens: int) -> Need:
    """What one request may use."""
    return Need(usd, tokens, 1, tokens, 1)


def whole_limits(limits: KeyLimits) -> tuple[int | None, ...]:
    """Limits as whole numbers in the order of `RESOURCES`; None is no limit."""
    return (
        None if limits.usd_per_day is None else nano(limits.usd_per_day),
        limits.tokens_per_day,
        limits.requests_per_minute,
        limits.tokens_per_minute,
        limits.concurrent,
    )


def merged(own: KeyLimits | None, default: KeyLimits) -> KeyLimits:
    """A key's own limits; the default's where it has none."""
    if own is None:
        return default
    names = KeyLimits.__struct_fields__
    return KeyLimits(**{n: getattr(default if getattr(own, n) is None else own, n) for n in names})


class Account:
    """One key on one day of UTC in one worker.

    Args:
        key_id: Whose.
        day: As `2026-11-21`.
        limits: See `whole_limits`.
        workers: How many workers share the limits.

    Attributes:
        left: Per resource, what the store had left for others when it was last asked; None when it never was.
        left_at: When that was, in seconds since the Unix epoch.
        running: Requests that hold a reservation.
        touched: Whether anything was taken since the last `sweep`.
    """

    __slots__ = (
        "_limited",
        "_mask",
        "_pots",
        "_spent",
        "_targets",
        "_unlimited",
        "_workers",
        "day",
        "key_id",
        "left",
        "left_at",
        "limits",
        "running",
        "touched",
    )

    def __init__(self, key_id: str, day: str, limits: tuple[int | None, ...], workers: int) -> None:
        self.key_id = key_id
        self.day = day
        self.left: list[int | None] = [None] * 5
        self.left_at = 0.0
        self.running = 0
        self.touched = True
        self._workers = workers
        self._pots = [0] * 5
        self._spent = [0] * 5
        self.limit(limits)

    def limit(self, limits: tuple[int | None, ...]) -> None:
        """Take over changed limits; what is held beyond them is returned by the next `sweep`."""
        self.limits = limits
        self._mask = tuple(limit is not None for limit in limits)
        self._limited = tuple(resource for resource, here in enumerate(self._mask) if here)
        self._unlimited = tuple(resource for resource, here in enumerate(self._mask) if not here)
        parts = (_SLICES_PER_DAY, _SLICES_PER_DAY, _SLICES_PER_MINUTE, _SLICES_PER_MINUTE, _SLICES_OF_PLACES)
        self._targets = [
            0 if limit is None else limit // (part * self._workers) for limit, part in zip(limits, parts, strict=True)
        ]

    def pot(self, resource: int) -> int:
        """What is leased and not reserved."""
        return self._pots[resource]

    def need(self, usd: int, tokens: int) -> Need:
        """What a request needs of the limits that there are."""
        dollars, day, requests, rate, places = self._mask
        return Need(
            usd if dollars else 0,
            tokens if day else 0,
            1 if requests else 0,
            tokens if rate else 0,
            1 if places else 0,
        )

    def take(self, wanted: Need) -> Need | None:
        """Reserve, all or nothing; what was reserved (0 where nothing is limited), or None."""
        pots, limited = self._pots, self._limited
        for resource in limited:
            if pots[resource] < wanted[resource]:
                return None
        for resource in limited:
            pots[resource] -= wanted[resource]
        self.running += 1
        self.touched = True
        for resource in self._unlimited:
            if wanted[resource]:  # the limits changed since it was worked out
                return Need(*[amount if here else 0 for amount, here in zip(wanted, self._mask, strict=True)])
        return wanted

    def shares(self, first: Need, all_waiting: Sequence[Need]) -> list[Share]:
        """What to lease so that `first` can be taken; with luck everybody who waits, and some more."""
        found = []
        for resource, limit in enumerate(self.limits):
            if limit is None or self._pots[resource] >= first[resource]:
                continue
            least = first[resource] - self._pots[resource]
            wish = sum(each[resource] for each in all_waiting) - self._pots[resource] + self._targets[resource]
            found.append(Share(RESOURCES[resource], limit, least, max(least, wish)))
        return found

    def remaining(self, resource: int, now: float) -> int:
        """What is left of a rate, as far as this worker knows."""
        limit = self.limits[resource] or 0
        grown = (self.left[resource] or 0) + self._pots[resource] + (now - self.left_at) * limit / 60
        return max(0, min(limit, int(grown)))

    def granted(self, shares: Sequence[Share], lease: Lease, at: float) -> None:
        """Put what the store gave into the pots."""
        for share, amount, left in zip(shares, lease.granted, lease.left, strict=True):
            resource = RESOURCES.index(share.resource)
            self._pots[resource] += amount
            self.left[resource] = left
        self.left_at = at

    def settle(self, reserved: Need, usd: int, tokens: int, requests: int = 1) -> None:
        """Close a reservation that was taken, with what was really used. Call it once for each `take`.

        Args:
            reserved: What `take` gave.
            usd: Billionths of a dollar.
            tokens: Prompt and answer.
            requests: 0 for a further try of a request that is counted already.
        """
        used, pots, spent = (usd, tokens, requests, tokens, 0), self._pots, self._spent
        for resource in range(5):
            held = reserved[resource]
            if held or self._mask[resource]:
                pots[resource] += held - used[resource]
                if resource <= TOKENS:
                    spent[resource] += used[resource]
        self.running -= 1

    @property
    def crowded(self) -> bool:
        """Whether it holds so much more than it should that others may miss it."""
        pots, targets = self._pots, self._targets
        for resource in self._limited:  # noqa: SIM110 - a generator would cost more than all the rest
            if pots[resource] > 2 * targets[resource]:
                return True
        return False

    @property
    def rated(self) -> bool:
        """Whether callers are told in headers what is left."""
        return self._mask[REQUESTS] or self._mask[TOKEN_RATE]

    def sweep(self, keep: bool) -> list[Return]:
        """Everything to tell the store; what is told is forgotten here.

        Args:
            keep: Whether to keep a slice for the next requests.
        """
        found = []
        for resource, limit in enumerate(self.limits):
            pot = self._pots[resource]
            kept = min(pot, self._targets[resource]) if keep and limit is not None and pot > 0 else 0
            unused, spent = pot - kept, self._spent[resource]
            if unused or spent:
                found.append(Return(self.key_id, self.day, RESOURCES[resource], limit or 0, spent, unused))
                self._pots[resource], self._spent[resource] = kept, 0
        self.touched = False
        return found
