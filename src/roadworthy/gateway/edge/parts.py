"""Bodies that arrive in many small parts: the parts of a hostile body weigh thirty times what they carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

MANY = 512


def compact(parts: list[bytes]) -> None:
    """Join what has arrived so far, in place. Its whole cost stays linear in the body, however often it is called.

    Args:
        parts: Parts of one body, in order. Afterwards the first may be a `bytearray` that grows with the next call;
            the second is empty, so that `b"".join(parts)` has something to join and gives `bytes`.
    """
    first = parts[0]
    joined = first if isinstance(first, bytearray) else bytearray(first)
    joined += b"".join(parts[1:])
    parts[:] = [cast(bytes, joined), b""]


def slices(data: bytes, first: int, size: int) -> Iterator[bytes]:
    """The data in pieces.

    Args:
        data: All of it.
        first: Bytes of the first piece, so that a limit is met exactly; at least one is given.
        size: Most bytes of each further one.
    """
    first = max(1, first)
    yield data[:first]
    for start in range(first, len(data), size):
        yield data[start : start + size]
