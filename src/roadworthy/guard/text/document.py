"""Whole files: masked block by block in bounded memory, or looked through."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from roadworthy.core.errors import SubjectError
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.rule import Finding
from roadworthy.runtime.atomic_file import replacing

BLOCK_BYTES = 4 << 20
LONGEST_LINE_BYTES = 256 << 20
"""A line that is longer is no text that anybody wrote."""
LONGEST_KEY_BYTES = 64 << 10
"""A private key that begins in one block and ends in the next is read to its end, up to this size."""
_HEAD_BYTES = 8_192
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\b\x1b") + b"\x7f"
_LEAST_PRINTABLE = 0.95
_BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
         (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip

Step = Callable[[int], None]


class Masked(NamedTuple):
    """What masking a file did.

    Attributes:
        findings: Number of findings by kind.
        size: Bytes read.
    """

    findings: dict[Kind, int]
    size: int


class Place(NamedTuple):
    """A finding in a file. Holds no value.

    Attributes:
        line: From 1.
        column: In characters, from 1.
        kind: What it is.
        rule: Name of the rule.
        score: How sure, 0 to 1.
        shown: The line around it, masked, at most 160 characters.
    """

    line: int
    column: int
    kind: Kind
    rule: str
    score: float
    shown: str


def mask_file(source: Path, target: Path, masker: TextMasker, step: Step | None = None) -> Masked:
    """Write a masked copy; `target` may be `source`. It is there whole or not at all.

    Args:
        source: UTF-8, other single-byte or East Asian text (bytes outside findings stay), or UTF-16 or UTF-32 with a
            byte order mark.
        target: Where the copy goes.
        masker: Finds and replaces.
        step: Told how many bytes were read.

    Raises:
        SubjectError: The source cannot be read, is binary, or has a line above `LONGEST_LINE_BYTES`; nothing was
            written.
        OSError: The target cannot be written; what was there stays.
    """
    with opened(source) as file, replacing(target) as out:
        return mask_stream(file, out, masker, step, source.name)


def mask_stream(
    source: IO[bytes], target: IO[bytes], masker: TextMasker, step: Step | None = None, name: str = "the input"
) -> Masked:
    """The same from one open file to another."""
    counted: dict[Kind, int] = {}
    size = 0
    for block, encoding in _blocks(source, name):
        found = masker.find(block)
        for finding in found:
            counted[finding.kind] = counted.get(finding.kind, 0) + 1
        masked = masker.replaced(block, found)
        target.write(masked if encoding is None else masked.decode("utf-8", "surrogatepass").encode(encoding))
        size += len(block)
        if step is not None:
            step(len(block))
    return Masked(counted, size)


def look_through(source: Path, masker: TextMasker) -> list[Place]:
    """Every finding of a file, in order.

    Raises:
        SubjectError: As `mask_file`.
    """
    found: list[Place] = []
    lines = 1
    with opened(source) as file:
        for block, _ in _blocks(file, source.name):
            found += places(block, masker, lines)
            lines += block.count(b"\n")
    return found


def places(text: bytes, masker: TextMasker, line: int = 1) -> list[Place]:
    """Every finding of UTF-8 text, in order.

    Args:
        text: Whole lines.
        masker: Finds.
        line: Number of the first line.
    """
    found: list[Place] = []
    position = 0
    for finding in masker.find(text):
        line += text.count(b"\n", position, finding.start)
        position = finding.start
        found.append(_place(text, finding, line, masker))
    return found


def opened(path: Path) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        SubjectError: It is not there, no plain file, or not readable.
    """
    try:
        if path.is_dir():
            raise SubjectError(f"{path.name} is a folder.", "", "Name the files in it.")
        return path.open("rb")
    except OSError as error:
        raise SubjectError(f"{path.name} cannot be read.", f"{error.strerror or 'Input/output error'}.") from error


def _blocks(file: IO[bytes], name: str) -> Iterator[tuple[bytes, str | None]]:
    """Blocks of whole lines as UTF-8, with the encoding that they came in when it was another."""
    head = file.read(_HEAD_BYTES)
    encoding = next((known for bom, known in _BOMS if head.startswith(bom)), None)
    if encoding is None:
        if b"\0" in head or len(head.translate(None, _CONTROL)) < len(head) * _LEAST_PRINTABLE:
            raise SubjectError(f"{name} is binary.", "It holds bytes that no text has.", "Name text files.")
        for block in _whole_lines(file, head, name):
            yield block, None
        return
    try:
        text = (head + _rest(file, name)).decode(encoding)
    except UnicodeDecodeError as error:
        raise SubjectError(f"{name} is not the {encoding.upper()} text that its first bytes promise.") from error
    yield text.encode("utf-8", "surrogatepass"), encoding


def _whole_lines(file: IO[bytes], block: bytes, name: str) -> Iterator[bytes]:
    parts = [block]
    size = len(block)
    while more := _read(file, BLOCK_BYTES, name):
        parts.append(more)
        size += len(more)
        if b"\n" in more:
            block = b"".join(parts)
            cut = _cut(block)
            if cut:
                yield block[:cut]
            parts = [block[cut:]]
            size = len(block) - cut
        if size > LONGEST_LINE_BYTES:
            raise SubjectError(f"{name} has a line of more than {LONGEST_LINE_BYTES >> 20} MiB.", "It is no text.")
    yield b"".join(parts)


def _cut(block: bytes) -> int:
    """Where the block may end: behind a line, not inside a private key."""
    cut = block.rfind(b"\n") + 1
    begun = block.rfind(b"-----BEGIN", max(0, cut - LONGEST_KEY_BYTES), cut)
    if begun >= 0 and block.find(b"-----END", begun, cut) < 0:
        return block.rfind(b"\n", 0, begun) + 1
    return cut


def _rest(file: IO[bytes], name: str) -> bytes:
    rest = _read(file, LONGEST_LINE_BYTES, name)
    if file.read(1):
        raise SubjectError(f"{name} is larger than {LONGEST_LINE_BYTES >> 20} MiB.", "It is UTF-16 or UTF-32.")
    return rest


def _read(file: IO[bytes], size: int, name: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise SubjectError(f"{name} cannot be read.", f"{error.strerror or 'Input/output error'}.") from error


_AROUND = 60
_LONGEST_SHOWN = 160


def _place(block: bytes, finding: Finding, line: int, masker: TextMasker) -> Place:
    start = block.rfind(b"\n", 0, finding.start) + 1
    end = block.find(b"\n", finding.start)
    end = len(block) if end < 0 else end
    column = len(block[start : finding.start].decode("utf-8", "replace")) + 1
    # Masked before it is cut: half a secret would no longer look like one.
    whole = masker.mask_bytes(block[start : max(end, finding.end)]).decode("utf-8", "replace")
    masked_before = len(masker.mask_bytes(block[start : finding.start]).decode("utf-8", "replace"))
    first = max(0, masked_before - _AROUND)
    return Place(line, column, finding.kind, finding.rule, finding.score, whole[first : first + _LONGEST_SHOWN].strip())
