"""Findings in places of code points, line by line as JSON, so that anyone can score them on data of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.guard.text.masker import TextMasker


class TextSpan(TypedDict):
    """Code points `start` to `end` of a text are of this kind."""

    start: int
    end: int
    type: str


class _Row(msgspec.Struct):
    text: str


def spans(text: str, masker: TextMasker) -> list[TextSpan]:
    """Every finding in the text, in order, none overlapping another."""
    raw = text.encode("utf-8", "surrogatepass")
    found = masker.find(raw)
    if len(raw) == len(text):
        return [{"start": each.start, "end": each.end, "type": each.kind.value} for each in found]
    result: list[TextSpan] = []
    characters = position = 0
    for each in found:
        start = characters + len(raw[position : each.start].decode("utf-8", "surrogatepass"))
        end = start + len(raw[each.start : each.end].decode("utf-8", "surrogatepass"))
        result.append({"start": start, "end": end, "type": each.kind.value})
        characters, position = end, each.end
    return result


def span_lines(lines: Iterable[bytes], masker: TextMasker) -> Iterator[bytes]:
    """For each line `{"text": …}` a line `{"spans": [{"start", "end", "type"}]}`.

    Raises:
        UsageError: A line is no such object; names its number.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=_Row)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UsageError(
                f"Line {number} is not an object with a text.", "", 'Each line must look like {"text": "…"}.'
            ) from error
        yield msgspec.json.encode({"spans": spans(row.text, masker)}) + b"\n"
