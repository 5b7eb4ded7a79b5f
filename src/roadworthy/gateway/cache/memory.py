"""The cache in memory: bounded by real bytes, the least recently used entry goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from sys import getsizeof
from typing import NamedTuple

from roadworthy.core.clock import Clock
from roadworthy.core.ports import Kept

ENTRY_OVERHEAD_BYTES = 200
"""What an entry weighs beside its key and value: a slot of the ordered dict, its link, a tuple, two floats (measured
with tracemalloc on CPython 3.11; tests/gateway/cache/test_memory.py holds it within 15 %)."""
LARGEST_SHARE = 8
"""An entry larger than this part of the whole would push out everything else for one answer."""


class _Entry(NamedTuple):
    value: bytes
    at: float
    until: float


class MemoryCache:
    """A `core.ports.Cache` of one process. Use it from one thread.

    Args:
        max_bytes: Bound on keys, values and what holding them costs.
        clock: Ages entries.

    Attributes:
        bytes: What is held now.
        evictions: Entries that went because there was no room.
        refused: Values that were too large to be kept at all.
    """

    def __init__(self, max_bytes: int, clock: Clock) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.evictions = 0
        self.refused = 0
        self._now = clock.monotonic
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def fetch(self, key: bytes, told: Callable[[Kept | None], None]) -> None:
        """Look a key up; tells at once."""
        entry = self._entries.get(key)
        if entry is None:
            told(None)
            return
        now = self._now()
        if now >= entry.until:
            self._drop(key)
            told(None)
            return
        self._entries.move_to_end(key)
        told(Kept(entry.value, now - entry.at))

    def put(self, key: bytes, value: bytes, keep_s: float) -> None:
        """Keep a value; it replaces what was there."""
        if key in self._entries:
            self._drop(key)
        size = _weight(key, value)
        if size > self.max_bytes // LARGEST_SHARE:
            self.refused += 1
            return
        while self.bytes + size > self.max_bytes:
            self._drop(next(iter(self._entries)))
            self.evictions += 1
        now = self._now()
        self._entries[key] = _Entry(value, now, now + keep_s)
        self.bytes += size

    def clear(self) -> int:
        """Forget everything."""
        count = len(self._entries)
        self._entries.clear()
        self.bytes = 0
        return count

    def _drop(self, key: bytes) -> None:
        self.bytes -= _weight(key, self._entries.pop(key).value)


def _weight(key: bytes, value: bytes) -> int:
    return getsizeof(key) + getsizeof(value) + ENTRY_OVERHEAD_BYTES
