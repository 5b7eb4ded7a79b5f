"""Ports (Protocols) that two rooms or more use."""

from __future__ import annotations

from collections.abc import Sequence
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
