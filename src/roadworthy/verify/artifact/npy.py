"""Arrays of NumPy (NEP 1): a header that is a Python literal, then elements, or a pickle when they are objects."""

from __future__ import annotations

import math
import re

from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.pickle import format as pickle_format
from roadworthy.verify.artifact.source import Part, Source

MAGIC = b"\x93NUMPY"
_MOST_HEADER = 1 << 20
_HEADER = re.compile(
    r"\{\s*'descr':\s*(?P<descr>.+?),\s*'fortran_order':\s*(?:True|False),\s*'shape':\s*\((?P<shape>[\d,\sL]*)\),?\s*\}\s*",
    re.DOTALL,
)
_PLAIN = re.compile(r"'[<>=|]?([biufcSVUMm?])(\d{0,9})(?:\[\w+\])?'")
_FIELDS = re.compile(r"\[[\[\]\w\s(),'<>=|?.-]*\]")
_OBJECT = re.compile(r"'[<>=|]?O\d*'")


def judge(source: Source, inspection: Inspection) -> None:
    """Judge an array.

    Raises:
        BudgetSpent: The pickle in it is too long.
    """
    inspection.recognise("npy")
    head = source.read(0, 12)
    if len(head) < 12 or head[6] not in (1, 2, 3):
        inspection.find("npy.broken", "Its version does not exist.", 6)
        return
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    start = 8 + width + length
    text = source.read(8 + width, min(length, _MOST_HEADER)).decode("latin-1")
    match = _HEADER.fullmatch(text)
    if match is None:
        inspection.find("npy.broken", "Its header is not the literal that the format demands.", 8 + width)
        return
    if _OBJECT.search(match["descr"]):
        inspection.recognise("npy-objects")
        pickle_format.judge(Part(source, start), inspection)
        return
    _judge_size(source, inspection, match, start)


def _judge_size(source: Source, inspection: Inspection, match: re.Match[str], start: int) -> None:
    plain = _PLAIN.fullmatch(match["descr"])
    if plain is None:
        if not _FIELDS.fullmatch(match["descr"]):
            inspection.find("npy.broken", "The type of its elements is not one that is known.", start)
        return
    if not source.ready:
        return
    width = int(plain[2] or 1) * (4 if plain[1] == "U" else 1)
    count = math.prod(int(word.strip(" \n\tL")) for word in match["shape"].split(",") if word.strip())
    left = source.size - start
    if left < width * count:
        inspection.find("npy.broken", "It is cut off.", start)
    elif left > width * count:
        inspection.find("file.trailing", f"{left - width * count:,} bytes follow the array.", start + width * count)
