"""Bytes that can be read anywhere: a file, a part of one, or what comes out of a decompressor."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Protocol

CHUNK = 1 << 16
"""Bytes read at once when something is walked from its start to its end."""
_PAST_EVERY_FILE = 1 << 62
"""A file may name an offset that is larger than the numbers of the kernel."""


class Source(Protocol):
    """Random access to bytes that are not held in memory."""

    @property
    def size(self) -> int:
        """Number of bytes; finding it out may unpack the whole."""
        ...

    @property
    def ready(self) -> bool:
        """Whether `size` and reads near the end cost nothing."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on: fewer than `length` only at the end."""
        ...


class FileSource:
    """An open file.

    Args:
        descriptor: Of a regular file; stays the caller's to close.
    """

    ready = True

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`."""
        if offset >= _PAST_EVERY_FILE:
            return b""
        data = os.pread(self._descriptor, length, offset)
        while len(data) < length and offset + len(data) < self.size:
            more = os.pread(self._descriptor, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


class Held:
    """Bytes in memory; for small things.

    Args:
        data: The bytes.
    """

    ready = True

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`."""
        return self._data[offset : offset + length]


class Part:
    """A stretch of another source.

    Args:
        whole: What it is a part of.
        start: First byte of the part.
        size: How many bytes, None for all that follow.
    """

    def __init__(self, whole: Source, start: int, size: int | None = None) -> None:
        self._whole = whole
        self._start = start
        self._size = size

    @property
    def size(self) -> int:
        """See `Source.size`."""
        left = max(0, self._whole.size - self._start)
        return left if self._size is None else min(self._size, left)

    @property
    def ready(self) -> bool:
        """See `Source.ready`."""
        return self._whole.ready

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`."""
        if self._size is not None:
            length = min(length, self._size - offset)
        return self._whole.read(self._start + offset, length) if length > 0 else b""


class Nearby:
    """Another source, with the stretch that was read last as a whole at hand: what lies in it costs no read.

    Args:
        whole: The other source.

    Attributes:
        texts: For `literal.text`: what it read, by offset.
    """

    def __init__(self, whole: Source) -> None:
        self._whole = whole
        self._held = b""
        self._start = 0
        self.texts: dict[int, str | None] = {}

    @property
    def size(self) -> int:
        """See `Source.size`."""
        return self._whole.size

    @property
    def ready(self) -> bool:
        """See `Source.ready`."""
        return self._whole.ready

    def hold(self, offset: int, length: int) -> bytes:
        """The same as `read`, and what it gives is at hand from now on."""
        self._held, self._start = self._whole.read(offset, length), offset
        return self._held

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`."""
        place = offset - self._start
        if 0 <= place <= len(self._held) - length:
            return self._held[place : place + length]
        return self._whole.read(offset, length)


class Unpacked:
    """What a stream of pieces yields, kept in a temporary file as far as somebody has asked for it.

    Args:
        pieces: The bytes in order; it raises what stops it, at the read that needs the missing piece.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces: Iterator[bytes] | None = pieces
        self._kept = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115 - lives as long as the source
        self._have = 0

    @property
    def ready(self) -> bool:
        """See `Source.ready`."""
        return self._pieces is None

    @property
    def size(self) -> int:
        """See `Source.size`: unpacks to the end."""
        while self._more():
            pass
        return self._have

    def read(self, offset: int, length: int) -> bytes:
        """See `Source.read`."""
        while self._have < offset + length and self._more():
            pass
        if offset >= self._have:
            return b""
        self._kept.seek(offset)
        return self._kept.read(min(length, self._have - offset))

    def close(self) -> None:
        """Let go of what was kept."""
        self._pieces = None
        self._kept.close()

    def _more(self) -> bool:
        if self._pieces is None:
            return False
        piece = next(self._pieces, None)
        if piece is None:
            self._pieces = None
            return False
        self._kept.seek(self._have)
        self._kept.write(piece)
        self._have += len(piece)
        return True


def chunks(source: Source, start: int = 0, end: int | None = None, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes from `start` up to `end` (the end of the source when None), in pieces."""
    while end is None or start < end:
        data = source.read(start, size if end is None else min(size, end - start))
        if not data:
            return
        yield data
        start += len(data)
