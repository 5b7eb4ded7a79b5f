"""GGUF: metadata by key, then tensors (ggml's docs/gguf.md). Its chat templates are code."""

from __future__ import annotations

import math

from roadworthy.verify.artifact import template
from roadworthy.verify.artifact.forward import Forward
from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Source

MAGIC = b"GGUF"
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_MOST_NAME = 1 << 16
_MOST_DEPTH = 4
_BLOCKS = {  # type of ggml: elements of a block, bytes of a block
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip


class _Cursor(Forward):
    def __init__(self, source: Source, order: str) -> None:
        super().__init__(source, at=len(MAGIC))
        self._order = order

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little" if self._order == "<" else "big")

    def string(self, most: int) -> bytes:
        length = self.number(8)
        if length > most:
            raise Malformed(f"A text of {length:,} bytes stands where {most:,} are the most.", self.at)
        return self.take(length)

    def skip(self, length: int) -> None:
        self.at += length
        if length and not self._source.read(self.at - 1, 1):
            raise Malformed("It is cut off.", self.at)


def judge(source: Source, inspection: Inspection) -> None:
    """Walk the metadata and the table of tensors, and judge templates.

    Raises:
        BudgetSpent: There is too much of it.
    """
    inspection.recognise("gguf")
    order = ">" if source.read(4, 4)[:2] == b"\0\0" else "<"
    cursor = _Cursor(source, order)
    try:
        version = cursor.number(4)
        if version not in (2, 3):
            raise Malformed(f"Version {version} is not one that is walked.", 4)
        tensors, pairs = cursor.number(8), cursor.number(8)
        alignment = 32
        for _ in range(pairs):
            inspection.spend("items", 1)
            key = cursor.string(_MOST_NAME).decode("utf-8", "backslashreplace")
            value = _value(cursor, inspection, key, cursor.number(4), 0)
            if key == "general.alignment" and value:
                alignment = value
        _judge_tensors(source, cursor, inspection, tensors, alignment)
    except Malformed as broken:
        inspection.find("gguf.broken", broken.what, broken.offset)


def _value(cursor: _Cursor, inspection: Inspection, key: str, kind: int, depth: int) -> int | None:
    """Walk a value; gives it when it is a whole number."""
    if kind == _STRING:
        at = cursor.at
        text = cursor.string(inspection.limits.text_bytes)
        if "chat_template" in key or (len(text) > 4 and (b"{%" in text or b"{{" in text)):
            template.judge(text.decode("utf-8", "backslashreplace"), inspection, key, at)
        return None
    if kind == _ARRAY:
        if depth >= _MOST_DEPTH:
            raise Malformed("Arrays are nested too deep.", cursor.at)
        element, count = cursor.number(4), cursor.number(8)
        if element in _WIDTHS:
            cursor.skip(_WIDTHS[element] * count)
            return None
        templates = "chat_template" in key
        for _ in range(count):
            inspection.spend("items", 1)
            if element == _STRING and not templates:
                cursor.string(_MOST_NAME * 16)
            else:
                _value(cursor, inspection, key, element, depth + 1)
        return None
    if kind not in _WIDTHS:
        raise Malformed(f"Type {kind} of a value does not exist.", cursor.at)
    return cursor.number(_WIDTHS[kind])


def _judge_tensors(source: Source, cursor: _Cursor, inspection: Inspection, count: int, alignment: int) -> None:
    if alignment <= 0 or alignment % 8 or alignment > 1 << 20:
        raise Malformed(f"An alignment of {alignment} bytes is not allowed.", None)
    end = 0
    for _ in range(count):
        inspection.spend("items", 1)
        name = cursor.string(_MOST_NAME)
        dimensions = cursor.number(4)
        if dimensions > 8:
            raise Malformed(f"Tensor {shown(name)} has {dimensions} dimensions.", cursor.at)
        extents = [cursor.number(8) for _ in range(dimensions)]
        kind, offset = cursor.number(4), cursor.number(8)
        block = _BLOCKS.get(kind)
        if block is None or offset % alignment:
            raise Malformed(f"Tensor {shown(name)} has an unknown type, or is not aligned.", cursor.at)
        elements = math.prod(extents)
        end = max(end, offset + -(-elements // block[0]) * block[1])
    start = -(-cursor.at // alignment) * alignment
    if count and start + end > source.size:
        raise Malformed(f"Its tensors need {start + end:,} bytes, {source.size:,} are there.", start)
    if source.size > -(-(start + end) // alignment) * alignment + alignment:
        inspection.find("file.trailing", "Something follows the tensors.", start + end)
