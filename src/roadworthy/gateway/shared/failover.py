"""Limits while the shared server is away: budgets from what is leased already, rates and places from a part of our own.

A budget must hold whatever happens, so nothing new of it is leased then: a worker goes on with its slices, and says so
when they are spent. Rates and places come back by themselves; of these each replica grants its part of the limit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol, TypeVar

from roadworthy.core.errors import StorageError
from roadworthy.core.ports import AllowanceStore, Lease, Return, Share

RETRY_S = 1.0
"""So long the server is not asked again after it did not answer; a request would wait for each try."""
MINUTE_S = 60.0

R = TypeVar("R")


class ClosingStore(AllowanceStore, Protocol):
    """A store that holds something open."""

    def close(self) -> None:
        """Let go of it; it is opened again when it is needed again."""
        ...


_RATES = frozenset(("requests_per_minute", "tokens_per_minute"))
_SPENT = frozenset(("usd", "tokens"))


class FailoverAllowances:
    """Implements `core.ports.AllowanceStore` on two stores. Use it from one thread.

    Args:
        shared: What replicas share.
        own: This machine's, for rates and places while the shared one is away.
        replicas: How many replicas lived when the shared one was last seen, at least 1.
        now: Monotonic seconds.
    """

    def __init__(
        self, shared: ClosingStore, own: ClosingStore, replicas: Callable[[], int],
        now: Callable[[], float] = monotonic,
    ) -> None:  # fmt: skip
        self._shared = shared
        self._own = own
        self._replicas = replicas
        self._now = now
        self._away: StorageError | None = None
        self._ask_at = 0.0
        self._alone_until = 0.0
        self._places: dict[str, int] = {}
        """Places per key that the own store gave."""
        self._to_adopt: tuple[int, int] | None = None
        self._to_adopt_own: tuple[int, int] | None = None
        self._owed_to_own: list[Return] = []

    def lease(self, holder: int, key_id: str, day: str, at: float, shares: Sequence[Share]) -> Lease:
        """See `AllowanceStore.lease`.

        Raises:
            StorageError: `store_unavailable` when the shared store is away and a budget would have to be leased.
        """
        try:
            return self._of_shared(lambda store: store.lease(holder, key_id, day, at, shares))
        except StorageError:
            if any(share.resource in _SPENT for share in shares):
                raise
        self._alone_until = self._now() + MINUTE_S
        if self._to_adopt_own is not None:
            self._own.adopt(*self._to_adopt_own)
            self._to_adopt_own = None
        lease = self._own.lease(holder, key_id, day, at, [self._part(share) for share in shares])
        for share, amount in zip(shares, lease.granted, strict=True):
            if share.resource == "concurrent":
                self._places[key_id] = self._places.get(key_id, 0) + amount
        return lease

    def settle(self, holder: int, at: float, returns: Sequence[Return]) -> None:
        """See `AllowanceStore.settle`. Of rates nothing is returned for a minute after an outage: it was our own part.

        Raises:
            StorageError: `store_unavailable`; nothing was taken back.
        """
        shared: list[Return] = []
        own: list[Return] = []
        for each in returns:
            places = min(self._places.get(each.key_id, 0), each.unused) if each.resource == "concurrent" else 0
            if places > 0:
                own.append(each._replace(spent=0, unused=places))
                each = each._replace(unused=each.unused - places)  # noqa: PLW2901
            returned = each.resource in _RATES and each.unused > 0
            if not (returned and self._now() < self._alone_until) and (each.spent or each.unused):
                shared.append(each)
        if shared:
            self._of_shared(lambda store: store.settle(holder, at, shared))
        for each in own:
            self._places[each.key_id] -= each.unused
        self._owed_to_own += own
        if self._owed_to_own:
            with contextlib.suppress(StorageError):  # what the shared store took must not be told to it again
                self._own.settle(holder, at, self._owed_to_own)
                self._owed_to_own = []

    def adopt(self, holder: int, holders: int) -> None:
        """See `AllowanceStore.adopt`; done as soon as the shared store is there."""
        self._to_adopt = self._to_adopt_own = holder, holders

    def close(self) -> None:
        """Close both stores; they are opened again when they are needed again."""
        self._shared.close()
        self._own.close()

    def _of_shared(self, work: Callable[[AllowanceStore], R]) -> R:
        if self._away is not None and self._now() < self._ask_at:
            raise self._away
        try:
            if self._to_adopt is not None:
                self._shared.adopt(*self._to_adopt)
                self._to_adopt = None
            found = work(self._shared)
        except StorageError as error:
            self._away, self._ask_at = error, self._now() + RETRY_S
            raise
        self._away = None
        return found

    def _part(self, share: Share) -> Share:
        limit = max(1, share.limit // max(1, self._replicas()))
        return share._replace(limit=limit, wish=min(share.wish, max(share.least, limit)))
