"""Ports (Protocols) that two rooms or more use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class Masker(Protocol):
    """Takes personal data and secrets out of text before it is stored or shown."""

    def mask(self, text: str) -> str:
        """The text with every finding replaced by `[KIND]`, for example `[EMAIL]`."""
        ...

    def mask_bytes(self, text: bytes) -> bytes:
        """The same for UTF-8 bytes; invalid UTF-8 passes through unchanged outside findings."""
        ...


class Entry(NamedTuple):
    """One thing to remember.

    Attributes:
        kind: Closed vocabulary, dotted: `request.finished`, `breaker.open`, `key.created`.
        at: Seconds since the Unix epoch (UTC).
        payload: A JSON object as UTF-8 bytes; the journal masks it before it is written.
    """

    kind: str
    at: float
    payload: bytes


class Journal(Protocol):
    """Append-only memory, hash-chained, masked at the door. Safe for several processes."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write all entries or none, in order; blocks until they are on disk.

        Raises:
            StorageError: `store_unavailable` when the disk refuses; nothing was written.
        """
        ...


class Kept(NamedTuple):
    """What a cache holds under a key.

    Attributes:
        value: The bytes as they were put.
        age_s: Seconds since they were put.
    """

    value: bytes
    age_s: float


class Cache(Protocol):
    """Keeps bytes under keys for a while; may lose any of them at any time, and never gives back other bytes.

    Told by call instead of by return, so that a store in memory answers at once and one behind a network later.
    """

    def fetch(self, key: bytes, told: Callable[[Kept | None], None]) -> None:
        """Look a key up. `told` is called exactly once, on the event loop's thread; None when there is nothing.

        A store that cannot be reached tells None: a cache that is away costs a request nothing but the hit.
        """
        ...

    def put(self, key: bytes, value: bytes, keep_s: float) -> None:
        """Keep a value for at most `keep_s` seconds. Never blocks, never raises; too large a value is dropped."""
        ...

    def clear(self) -> int:
        """Forget everything; returns how many entries there were."""
        ...
