"""One line as rules see it: normalised, with the way back to the bytes it came from.

Written forms that a reader takes for the same character are made the same: full-width, Arabic and Devanagari digits,
dashes, white space, percent and `\\u` escapes, HTML references, invisible characters. Quotes and backslashes stay as
they are, because nesting is told by them; an escaped line break or tab becomes a form feed, which ends no line.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cached_property

# What must be normalised; the same in RE2, for the gate.
_LETTERS = (
    r"\xEF\xBC[\x81-\xBF]|\xEF\xBD[\x80-\x9E]|\xE2\x80[\x80-\x95\xAF]|\xE2\x81\xA0|\xE2\x88\x92|\xEF\xBB\xBF"
    r"|\xE3\x80\x80|\xC2[\xA0\xAD]|\xD9[\xA0-\xA9]|\xDB[\xB0-\xB9]|\xE0\xA5[\xA6-\xAF]"
)
UNUSUAL = (
    r"%(?:25)*[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|&(?:#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,5}|commat|quot|amp|nbsp);|" + _LETTERS
)
_WRITTEN = re.compile(_LETTERS.encode("ascii"))
ANY = re.compile(rb"[%&\\\xc2\xd9\xdb\xe0\xe2\xe3\xef]")
"""A byte with which such a form may begin."""
UNIT = UNUSUAL.replace(r"\\u", r"\\{1,15}u") + r"|\\{1,15}[bfnrt]"
"""What is replaced. As many backslashes as a character has that is escaped four times; a bound keeps it linear."""
_MORE = "%(?:25)*[89ABab][0-9A-Fa-f]"
SPREAD = f"%(?:25)*[CDcd][0-9A-Fa-f]{_MORE}|%(?:25)*[Ee][0-9A-Fa-f]{_MORE}{_MORE}"
"""A character of two or three bytes, each of them escaped by itself: what it means is known when all have come."""
_UNIT = re.compile(UNIT.encode("ascii"))
_NAMED = {b"&commat;": b"@", b"&quot;": b'"', b"&amp;": b"&", b"&nbsp;": b" "}
_OPAQUE = b"\x1a"
"""Stands for escapes that mean nothing to rules: halves of a character, and quotes and backslashes that are written as
escapes, because those open and close nothing."""


class Line:
    """A normalised line.

    Args:
        raw: UTF-8 bytes, invalid ones included, without a line break where rules do not ask for one.
        opened: Whether `raw` begins inside a JSON string, when it is not the whole line.
    """

    __slots__ = ("__dict__", "_inner", "_opened", "_raw_ends", "_shifts", "_starts", "raw", "text")

    def __init__(self, raw: bytes, opened: bool = False) -> None:
        self.raw = raw
        self._opened = opened
        self.text = raw
        self._starts: list[int] = []  # where a replaced unit begins in the normalised text
        self._raw_ends: list[int] = []  # where it ends in the raw text
        self._shifts: list[int] = []  # its length in the normalised text
        self._inner: Line | None = None
        if ANY.search(raw):
            self._normalise()

    def _normalise(self) -> None:
        raw = self.raw
        pieces: list[bytes] = []
        done = size = 0
        for unit in _UNIT.finditer(raw):
            new = _meaning(unit.group())
            if new is None:
                continue
            start, end = unit.span()
            pieces += (raw[done:start], new)
            size += start - done
            self._starts.append(size)
            self._raw_ends.append(end)
            self._shifts.append(len(new))
            size += len(new)
            done = end
        if pieces:
            pieces.append(raw[done:])
            self.text = b"".join(pieces)
            if _WRITTEN.search(self.text):  # an escape may stand for a full-width digit
                self._inner = Line(self.text)
                self.text = self._inner.text

    @cached_property
    def lower(self) -> bytes:
        """The text with ASCII letters in lower case, for context words."""
        return self.text.lower()

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Where bytes `start` to `end` of the normalised text stand in the raw one; replaced units are whole."""
        if self._inner is not None:
            start, end = self._inner.raw_span(start, end)
        if not self._starts:
            return start, end
        return self._raw(start, False), self._raw(end, True)

    def _raw(self, position: int, as_end: bool) -> int:
        """As an end, a position inside or right behind a unit is the unit's end; as a start, the unit's start."""
        place = bisect_right(self._starts, position - as_end) - 1
        if place < 0:
            return position
        start, length, raw_end = self._starts[place], self._shifts[place], self._raw_ends[place]
        if position < start + length:
            return raw_end if as_end else self._raw_start(place)
        return raw_end + position - start - length

    def _raw_start(self, place: int) -> int:
        if place == 0:
            return self._starts[0]
        before = place - 1
        return self._raw_ends[before] + self._starts[place] - self._starts[before] - self._shifts[before]

    def position(self, raw: int) -> int:
        """Where a byte of the raw text stands in the normalised one; inside a replaced unit, where that stands."""
        at = self._position(raw)
        return at if self._inner is None else self._inner.position(at)

    def _position(self, raw: int) -> int:
        place = bisect_right(self._raw_ends, raw) - 1
        if place + 1 < len(self._raw_ends) and self._raw_start(place + 1) < raw:
            return self._starts[place + 1]
        if place < 0:
            return raw
        return self._starts[place] + self._shifts[place] + raw - self._raw_ends[place]

    def followed(self, more: bytes) -> Line:
        """The same with more text behind it, which is normal already; only for looking at."""
        line = Line(b"", self._opened)
        line.raw, line.text = self.raw + more, self.text + more
        line._starts, line._raw_ends, line._shifts = self._starts, self._raw_ends, self._shifts
        line._inner = self._inner
        return line

    def cut(self, least: int) -> tuple[int, bool]:
        """Where the line may be cut so that what follows reads the same: the raw place, and `opened` there.

        Args:
            least: The place is at or behind this byte of the normalised text.
        """
        at, opened = least, self._opened
        for token in self._TOKEN.finditer(self.text):
            if token.start() >= least:
                break
            at = max(least, token.end())
            opened ^= token.group() == b'"'
        return self.raw_span(at, at)[0], opened

    _TOKEN = re.compile(rb'\\.|"', re.DOTALL)

    def inside_string(self, position: int) -> bool:
        """Whether an odd number of unescaped double quotes stands before `position`: inside a JSON string."""
        return self._opened != (bisect_left(self._quotes, position) % 2 == 1)

    @cached_property
    def _quotes(self) -> list[int]:
        return [token.start() for token in self._TOKEN.finditer(self.text) if token.group() == b'"']


def _meaning(unit: bytes) -> bytes | None:
    """What the reader takes it for; None when it is to stay."""
    lead = unit[0]
    if lead == 0x5C:
        return _json_escape(unit)
    if lead == 0x25:
        code = int(unit[-2:], 16)
        return bytes((code,)) if code >= 0x20 else b"\x0c" if code in b"\t\n\r" else None
    if lead == 0x26:
        return _reference(unit)
    return _written(unit)


def _json_escape(unit: bytes) -> bytes | None:
    if unit[-1:] in (b"b", b"f", b"n", b"r", b"t") and b"u" not in unit:
        return b"\x0c"
    code = int(unit[-4:], 16)
    if code in (0x22, 0x5C) or 0xD800 <= code < 0xE000:
        return _OPAQUE
    if code < 0x20:
        return b"\x0c"
    text = chr(code).encode()
    return text if code < 0x80 else _written(text) if _UNIT.fullmatch(text) else text


def _reference(unit: bytes) -> bytes | None:
    named = _NAMED.get(unit)
    if named is not None:
        return named
    code = int(unit[3:-1], 16) if unit[2:3] in b"xX" else int(unit[2:-1])
    if not 0x20 <= code < 0x110000 or 0xD800 <= code < 0xE000:
        return None
    return chr(code).encode()


def _written(unit: bytes) -> bytes:
    """One character that is written in another way than ASCII does; empty for one that nobody sees."""
    code = ord(unit.decode())
    if 0xFF01 <= code <= 0xFF5E:
        return bytes((code - 0xFEE0,))
    for zero in (0x660, 0x6F0, 0x966):
        if zero <= code <= zero + 9:
            return b"%d" % (code - zero)
    if 0x2010 <= code <= 0x2015 or code == 0x2212:
        return b"-"
    if code in (0xA0, 0x202F, 0x3000) or 0x2000 <= code <= 0x200A:
        return b" "
    return b""
