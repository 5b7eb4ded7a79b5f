"""Protocol buffers, walked without a schema (the encoding page of protobuf.dev)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.source import Source

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field of a message.

    Args:
        number: Of the field.
        wire: Wire type: `VARINT`, `FIXED64`, `BYTES` or `FIXED32`.
        start: Offset of its contents.
        size: Bytes of its contents.
        value: Of a varint, 0 else.
    """

    number: int
    wire: int
    start: int
    size: int
    value: int


def fields(source: Source, start: int, size: int, inspection: Inspection) -> Iterator[Field]:
    """The fields of the message that takes exactly these bytes; contents are not read.

    Raises:
        Malformed: They are no message.
        BudgetSpent: There are too many fields.
    """
    at, end = start, start + size
    window, base = b"", start
    while at < end:
        if at - base + 24 > len(window):
            window, base = source.read(at, min(1 << 14, end - at)), at
        inspection.spend("items", 1)
        key, place = _varint(window, at - base, base)
        wire, number = key & 7, key >> 3
        value = 0
        if wire == VARINT:
            value, after = _varint(window, place, base)
            length = after - place
        elif wire == BYTES:
            length, place = _varint(window, place, base)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise Malformed(f"Wire type {wire} does not exist.", at)
        begin = base + place
        if not number or number >= 1 << 29 or begin + length > end:
            raise Malformed("A field reaches out of its message.", at)
        yield Field(number, wire, begin, length, value)
        at = begin + length


def _varint(window: bytes, place: int, base: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if place + index >= len(window):
            break
        byte = window[place + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, place + index + 1
    raise Malformed("A number has no end.", base + place)


def text(source: Source, field: Field, most: int = 1 << 16) -> str:
    """The contents of a field as text, at most `most` bytes of it."""
    return source.read(field.start, min(field.size, most)).decode("utf-8", "backslashreplace")
