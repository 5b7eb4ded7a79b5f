"""Literals of a pickle, read again from the offset of their opcode."""

from __future__ import annotations

import codecs

from roadworthy.verify.artifact.source import Nearby, Source

MOST_TEXT = 512
"""Longer strings are no names and no dtypes."""
_HEAD = 64
"""Bytes in which most literals end."""
_MOST_KEPT = 64
_MOST_TEXTS = 5000
"""Texts that are kept, and their length: a memo hands the same ones out again and again."""

_LENGTHS = {0x8C: 1, 0x55: 1, 0x43: 1, 0x58: 4, 0x54: 4, 0x42: 4, 0x8D: 8, 0x8E: 8, 0x96: 8}
"""Opcode → bytes of its length (SHORT_BINUNICODE SHORT_BINSTRING SHORT_BINBYTES BINUNICODE BINSTRING BINBYTES
BINUNICODE8 BINBYTES8 BYTEARRAY8)."""
_BYTES = {0x43, 0x42, 0x8E, 0x96}
_FIXED_INT = {0x4B: (1, False), 0x4D: (2, False), 0x4A: (4, True)}


def stretch(source: Source, at: int) -> tuple[int, int] | None:
    """Where the contents of a counted string or bytes literal lie: (start, length); None for another opcode."""
    return _stretch(source.read(at, 9), at)


def _stretch(head: bytes, at: int) -> tuple[int, int] | None:
    width = _LENGTHS.get(head[0]) if head else None
    if width is None or len(head) <= width:
        return None
    return at + 1 + width, int.from_bytes(head[1 : 1 + width], "little")


def is_bytes(source: Source, at: int) -> bool:
    """Whether the literal is of bytes, not of text."""
    return source.read(at, 1)[:1] in {bytes([code]) for code in _BYTES}


def text(source: Nearby, at: int) -> str | None:
    """A text or bytes literal as text; None when it is another literal, longer than `MOST_TEXT`, or not decodable."""
    known = source.texts.get(at, "")
    if known or known is None:
        return known
    found = _text(source, at)
    if found is None or len(found) <= _MOST_KEPT:
        if len(source.texts) >= _MOST_TEXTS:
            source.texts.clear()
        source.texts[at] = found
    return found


def _text(source: Source, at: int) -> str | None:
    head = source.read(at, _HEAD)
    place = _stretch(head, at)
    try:
        if place is not None:
            start, length = place
            if length > MOST_TEXT:
                return None
            held = head[start - at : start - at + length]
            return (held if len(held) == length else source.read(start, length)).decode("utf-8", "surrogatepass")
        if head[:1] not in (b"V", b"S"):
            return None
        line, newline, _ = head[1:].partition(b"\n")
        if not newline:
            line, newline, _ = source.read(at + 1, MOST_TEXT).partition(b"\n")
        if not newline:
            return None
        return line.decode("raw_unicode_escape") if head[:1] == b"V" else _quoted(line)
    except (UnicodeDecodeError, ValueError):
        return None


def _quoted(line: bytes) -> str | None:
    line = line.strip()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        return None
    decoded = codecs.escape_decode(line[1:-1])[0]
    return decoded.decode("utf-8", "surrogatepass")


def integer(source: Source, at: int) -> int | None:
    """An integer literal; None when it is another literal or too long to matter."""
    head = source.read(at, 5)
    if head[:1] == b"K" and len(head) > 1:
        return head[1]
    head = source.read(at, 64)
    if not head:
        return None
    fixed = _FIXED_INT.get(head[0])
    if fixed is not None:
        width, signed = fixed
        return int.from_bytes(head[1 : 1 + width], "little", signed=signed)
    if head[0] == 0x8A and head[1:2] and head[1] <= 32:  # LONG1
        return int.from_bytes(head[2 : 2 + head[1]], "little", signed=True)
    if head[:1] in (b"I", b"L"):
        line, newline, _ = head[1:].partition(b"\n")
        try:
            return int(line.strip().rstrip(b"L")) if newline and b"_" not in line else None
        except ValueError:
            return None
    return None
