"""Bodies that arrive in many small parts: the parts of a hostile body weigh thirty times what they carry."""

from __future__ import annotations

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
