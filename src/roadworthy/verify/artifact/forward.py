"""Reads a source forward, a window at a time: for formats in which each value says where the next one is."""

from __future__ import annotations

from roadworthy.verify.artifact.inspection import Malformed
from roadworthy.verify.artifact.source import Source

_WINDOW = 1 << 16


class Forward:
    """A place in a source, and what stands there.

    Args:
        source: What is read.
        at: Where to begin, in bytes.
    """

    def __init__(self, source: Source, at: int = 0) -> None:
        self._source = source
        self._window = b""
        self._start = 0
        self.at = at

    def take(self, length: int) -> bytes:
        """The next bytes.

        Args:
            length: How many; the caller has bounded it.

        Raises:
            Malformed: It ends before.
        """
        place = self.at - self._start
        if place + length > len(self._window):
            self._window = self._source.read(self.at, max(length, _WINDOW))
            self._start, place = self.at, 0
        data = self._window[place : place + length]
        if len(data) < length:
            raise Malformed("It is cut off.", self.at)
        self.at += length
        return data
