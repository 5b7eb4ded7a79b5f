"""Safetensors: a length, a JSON header, tensors without gap or overlap, as its README and reference reader say."""

from __future__ import annotations

import json
import math

from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Source

MOST_HEADER = 100_000_000
"""The reference reader refuses longer headers."""
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
    "C64": 64, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
}  # fmt: skip


def claims(head: bytes) -> bool:
    """Whether a plausible length and the beginning of a JSON object stand there."""
    return len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= MOST_HEADER


def judge(source: Source, inspection: Inspection) -> None:
    """Hold the header against the file."""
    inspection.recognise("safetensors")
    length = int.from_bytes(source.read(0, 8), "little")
    try:
        if length > inspection.limits.text_bytes:
            raise Malformed(f"Its header has {length:,} bytes.", 0)
        header = _header(source.read(8, length), length)
        end = _tensors(header)
        left = source.size - 8 - length
        if left < end:
            raise Malformed(f"Its tensors need {end:,} bytes, {left:,} are there.", 8 + length)
        if left > end:
            inspection.find("file.trailing", f"{left - end:,} bytes belong to no tensor.", 8 + length + end)
    except Malformed as broken:
        inspection.find("safetensors.broken", broken.what, broken.offset)


def _header(text: bytes, length: int) -> dict[str, object]:
    if len(text) < length:
        raise Malformed("Its header is longer than the file.", 0)
    try:
        header = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"Its header is no JSON object: {shown(str(error))}.", 8) from None
    if not isinstance(header, dict):
        raise Malformed("Its header is no JSON object.", 8)
    return header


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def _tensors(header: dict[str, object]) -> int:
    """Bytes that the tensors take; they must follow one another from zero on."""
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Malformed("Its metadata are not texts by name.", 8)
    spans = sorted(_span(name, told) for name, told in header.items())
    end = 0
    for start, stop, name in spans:
        if start != end:
            raise Malformed(f"Tensor {shown(name)} overlaps another, or leaves a gap.", 8)
        end = stop
    return end


def _span(name: str, told: object) -> tuple[int, int, str]:
    wrong = Malformed(f"Tensor {shown(name)} is not described as the format demands.", 8)
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise wrong
    bits, shape, offsets = _BITS.get(str(told["dtype"])), told["shape"], told["data_offsets"]
    if bits is None or not _numbers(shape) or not _numbers(offsets) or len(offsets) != 2:
        raise wrong
    if (math.prod(shape) * bits + 7) // 8 != offsets[1] - offsets[0]:
        raise Malformed(f"Tensor {shown(name)} has another size than its shape and type say.", 8)
    return offsets[0], offsets[1], name


def _numbers(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 63 for item in value)
