"""The stores around a gateway, in virtual time: of answers and of allowances; they may be away, slow, or late."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random

from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Kept, Lease, Return, Share
from roadworthy.gateway.cache.memory import MemoryCache
from roadworthy.gateway.simulation.invariant import Broken
from roadworthy.gateway.simulation.schedule import NOBODY, Fault, FaultKind

LATE_S = 0.3
SLOW_S = 1.0
PER_MINUTE = frozenset(("requests_per_minute", "tokens_per_minute"))


class Weather:
    """What lies around the gateway, by the second.

    Args:
        loop: Virtual time.
        rng: Who is hit.
        faults: Of the schedule.
        started_at: Virtual second in which it began.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, rng: Random, faults: Sequence[Fault], started_at: float
    ) -> None:
        self._loop = loop
        self._rng = rng
        self._faults = [fault for fault in faults if fault.provider == NOBODY]
        self._started_at = started_at

    def hit(self, kind: FaultKind) -> bool:
        """Whether this trouble strikes now."""
        if not self._faults:
            return False
        now = self._loop.time() - self._started_at
        return any(
            fault.kind == kind and fault.start_s <= now < fault.end_s and self._rng.random() < fault.share
            for fault in self._faults
        )


class SimulatedCache:
    """A `core.ports.Cache`: the gateway's own memory store, behind a network that may fail.

    Args:
        loop: Virtual time.
        rng: How late is late.
        weather: When it is away or late.
        max_bytes: Small enough that entries go for want of room.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, rng: Random, weather: Weather, max_bytes: int) -> None:
        self._loop = loop
        self._rng = rng
        self._weather = weather
        self._kept = MemoryCache(max_bytes, _LoopClock(loop))

    def fetch(self, key: bytes, told: Callable[[Kept | None], None]) -> None:
        """Look up; while it is away there is nothing."""
        if self._weather.hit("cache_late"):
            self._loop.call_later(self._rng.uniform(0.001, LATE_S), self._fetch, key, told)
        else:
            self._fetch(key, told)

    def _fetch(self, key: bytes, told: Callable[[Kept | None], None]) -> None:
        if self._weather.hit("cache_away"):
            told(None)
        else:
            self._kept.fetch(key, told)

    def put(self, key: bytes, value: bytes, keep_s: float) -> None:
        """Keep; while it is away nothing is kept."""
        if not self._weather.hit("cache_away"):
            self._kept.put(key, value, keep_s)

    def clear(self) -> int:
        """Forget everything."""
        return self._kept.clear()


class _LoopClock:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.monotonic = loop.time
        self.wall = loop.time


class AllowanceBook:
    """What is left of every tenant's limits, as plainly as `core.ports.AllowanceStore` reads; shared by the workers.

    Args:
        weather: When it is away.

    Attributes:
        spent: Told, by tenant and resource, all days together.
        lost: Held by workers that died.
        leased: By (tenant, day, resource), what each holder has now; days of what is not spent are empty.
    """

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self.spent: dict[tuple[str, str], int] = defaultdict(int)
        self.lost: dict[tuple[str, str], int] = defaultdict(int)
        self.leased: dict[tuple[str, str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._used: dict[tuple[str, str, str], int] = defaultdict(int)
        self._level: dict[tuple[str, str], tuple[float, float]] = {}

    def lease(self, holder: int, key_id: str, day: str, at: float, shares: Sequence[Share]) -> Lease:
        """All shares or none."""
        self._there()
        free = [self._free(key_id, day, at, share) for share in shares]
        for place, share in enumerate(shares):
            if free[place] < share.least:
                wait_s = (share.least - free[place]) * 60.0 / share.limit if share.resource in PER_MINUTE else 0.0
                return Lease((0,) * len(shares), tuple(max(0, each) for each in free), place, wait_s)
        granted = tuple(min(share.wish, each) for share, each in zip(shares, free, strict=True))
        for share, amount in zip(shares, granted, strict=True):
            if share.resource in PER_MINUTE:
                filled = self._filled(key_id, share.resource, share.limit, at)
                self._level[key_id, share.resource] = (at, filled - amount)
            else:
                self.leased[key_id, _day(day, share.resource), share.resource][holder] += amount
        return Lease(granted, tuple(each - amount for each, amount in zip(free, granted, strict=True)))

    def settle(self, holder: int, at: float, returns: Sequence[Return]) -> None:
        """Take back; nobody may give back what he does not hold."""
        self._there()
        for each in returns:
            if each.resource in PER_MINUTE:
                filled = self._filled(each.key_id, each.resource, each.limit, at)
                self._level[each.key_id, each.resource] = (at, min(float(each.limit), filled + each.unused))
                continue
            name = each.key_id, _day(each.day, each.resource), each.resource
            held = self.leased[name]
            held[holder] -= each.spent + each.unused
            if held[holder] < 0:
                raise Broken("every hold is settled once", f"worker {holder} returns {-held[holder]} {each.resource} "
                             f"of {each.key_id} more than it had leased", at)  # fmt: skip
            self._used[name] += each.spent
            self.spent[each.key_id, each.resource] += each.spent

    def adopt(self, holder: int, holders: int) -> None:
        """What a dead worker held counts as spent, or comes back."""
        self._there()
        for (key_id, day, resource), held in self.leased.items():
            for dead in [each for each in held if each == holder or each >= holders]:
                amount = held.pop(dead)
                if day:
                    self._used[key_id, day, resource] += amount
                    self.lost[key_id, resource] += amount

    def held(self, holders: Sequence[int]) -> dict[str, int]:
        """What these workers hold, by name of the limit."""
        found: dict[str, int] = {}
        for (key_id, _, resource), held in self.leased.items():
            amount = sum(held.get(holder, 0) for holder in holders)
            if amount:
                found[f"{resource} of {key_id}"] = amount
        return found

    def _there(self) -> None:
        if self._weather.hit("budget_away"):
            raise StorageError("The budgets cannot be read or written.", "The store is away.")

    def _free(self, key_id: str, day: str, at: float, share: Share) -> int:
        if share.resource in PER_MINUTE:
            return int(self._filled(key_id, share.resource, share.limit, at))
        name = key_id, _day(day, share.resource), share.resource
        return share.limit - self._used[name] - sum(self.leased[name].values())

    def _filled(self, key_id: str, resource: str, limit: int, at: float) -> float:
        since, level = self._level.get((key_id, resource), (at, float(limit)))
        if at < since:  # the clock was set back, which must not close the bucket
            self._level[key_id, resource] = (at, level)
        return min(float(limit), level + max(0.0, at - since) * limit / 60.0)


def _day(day: str, resource: str) -> str:
    return "" if resource == "concurrent" else day


class AllowanceDoor:
    """One worker's way to the book. A worker that was killed tells nothing any more.

    Args:
        book: Shared.
    """

    def __init__(self, book: AllowanceBook) -> None:
        self._book = book
        self.dead = False
        self.adopted = False

    def lease(self, holder: int, key_id: str, day: str, at: float, shares: Sequence[Share]) -> Lease:
        """See `AllowanceBook.lease`."""
        if self.dead:
            raise StorageError("The worker is dead.")
        return self._book.lease(holder, key_id, day, at, shares)

    def settle(self, holder: int, at: float, returns: Sequence[Return]) -> None:
        """See `AllowanceBook.settle`."""
        if not self.dead:
            self._book.settle(holder, at, returns)

    def adopt(self, holder: int, holders: int) -> None:
        """See `AllowanceBook.adopt`."""
        if not self.dead:
            self._book.adopt(holder, holders)
            self.adopted = True
