"""Parts of a text around places in it, as lines: neighbouring parts are normalised once, not each for itself."""

from __future__ import annotations

from typing import NamedTuple

from roadworthy.guard.text.line import Line

_REGION = 65_536
"""Bytes that are normalised at once: a few times what a part has, so that a long text is normalised about twice."""


class Excerpt(NamedTuple):
    """A part of a text.

    Attributes:
        line: The part, normalised.
        region: A normalised piece of the text with the part in it.
        start: Where that piece begins in the text.
        offset: Where the part begins in the normalised piece.
    """

    line: Line
    region: Line
    start: int
    offset: int

    def position(self, raw: int) -> int:
        """Where a byte of the text stands in the line."""
        return self.region.position(raw - self.start) - self.offset

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Where bytes `start` to `end` of the line stand in the text; replaced units are whole."""
        first, last = self.region.raw_span(start + self.offset, end + self.offset)
        return first + self.start, last + self.start


def excerpt(text: bytes, low: int, high: int) -> Excerpt:
    """Bytes `low` to `high` of a text, normalised for itself."""
    line = Line(text[low:high])
    return Excerpt(line, line, low, 0)


class Excerpts:
    """Parts of one text, asked for from its beginning to its end.

    A replaced unit that an end of a part falls into belongs to what follows that end.

    Args:
        text: All of it.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._start = self._end = 0
        self._region: Line | None = None

    def part(self, low: int, high: int) -> Excerpt:
        """Bytes `low` to `high`."""
        region = self._region
        if region is None or low < self._start or high > self._end:
            self._start, self._end = low, min(max(high, low + _REGION), len(self._text))
            region = self._region = Line(self._text[self._start : self._end])
        first, last = region.position(low - self._start), region.position(high - self._start)
        return Excerpt(region.part(first, last), region, self._start, first)
