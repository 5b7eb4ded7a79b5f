"""Time limits of calls, in buckets of 10 ms: setting and lifting one costs a tenth of what a timer of the loop costs.

Almost every limit is lifted long before it passes, so what must be cheap is setting and lifting. Source of the idea:
G. Varghese, T. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

TICKS_PER_S = 100


class Limited(Protocol):
    """Something with a time limit. `bucket` belongs to `Deadlines`; 0 means no limit is set."""

    bucket: int

    def timed_out(self) -> None:
        """The limit passed."""
        ...


class Deadlines:
    """Create inside the running loop. A limit fires at most one tick late, never early."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buckets: dict[int, set[Limited]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def set(self, limited: Limited, seconds: float) -> None:
        """Call `limited.timed_out` in `seconds`, unless lifted before."""
        bucket = int((self._loop.time() + seconds) * TICKS_PER_S) + 1
        limited.bucket = bucket
        waiting = self._buckets.get(bucket)
        if waiting is None:
            self._buckets[bucket] = {limited}
            if self._timer is None:
                self._timer = self._loop.call_later(1.0 / TICKS_PER_S, self._tick)
        else:
            waiting.add(limited)

    def lift(self, limited: Limited) -> None:
        """Take the limit back; harmless without one."""
        bucket, limited.bucket = limited.bucket, 0
        if bucket and (waiting := self._buckets.get(bucket)) is not None:
            waiting.discard(limited)
            if not waiting:  # limits of minutes would leave thousands of empty buckets, which each tick looks through
                del self._buckets[bucket]

    def close(self) -> None:
        """Forget all limits."""
        self._buckets.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer = None
        now = int(self._loop.time() * TICKS_PER_S)
        for bucket in [b for b in self._buckets if b <= now]:
            for limited in self._buckets.pop(bucket, ()):  # a limit that passes may lift the next one
                limited.bucket = 0
                limited.timed_out()
        if self._buckets:
            self._timer = self._loop.call_later(1.0 / TICKS_PER_S, self._tick)
