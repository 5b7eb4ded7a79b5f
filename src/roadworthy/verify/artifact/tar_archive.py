"""Tar archives: ustar, GNU, pax, and the old form without a magic (POSIX.1-2017 pax, GNU tar manual)."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.verify.artifact import compressed
from roadworthy.verify.artifact.archive_name import judge_name, leaves
from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Part, Source

_BLOCK = 512
_LONG = 1 << 16


@dataclass(slots=True)
class _Header:
    name: str
    size: int
    kind: bytes
    link: str


def claims(head: bytes) -> bool:
    """Whether the first block is a header with a right checksum."""
    return len(head) >= _BLOCK and _checksum_holds(head[:_BLOCK])


def _checksum_holds(block: bytes) -> bool:
    told = block[148:156].strip(b"\0 ")
    if not told or not set(told) <= set(b"01234567"):
        return False
    blanked = block[:148] + b" " * 8 + block[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in blanked)
    return int(told, 8) in (sum(blanked), signed)


def judge(source: Source, inspection: Inspection) -> None:
    """Judge every member.

    Raises:
        BudgetSpent: There is too much of it.
    """
    inspection.recognise("tar")
    at = 0
    override: dict[str, str] = {}
    try:
        while True:
            block = source.read(at, _BLOCK)
            if len(block) < _BLOCK or not block.strip(b"\0"):
                _judge_end(source, inspection, at, len(block))
                return
            if not _checksum_holds(block):
                raise Malformed("A header has a wrong checksum.", at)
            header = _header(block, at)
            at = _judge_member(source, inspection, header, at + _BLOCK, override)
    except Malformed as broken:
        inspection.find("tar.broken", broken.what, broken.offset)


def _judge_end(source: Source, inspection: Inspection, at: int, length: int) -> None:
    if length and length < _BLOCK:
        raise Malformed("It is cut off.", at)
    step = 1 << 16
    while piece := source.read(at, step):
        if piece.strip(b"\0"):
            inspection.find("file.trailing", "Something follows the end of the archive.", at)
            return
        at += len(piece)


def _header(block: bytes, at: int) -> _Header:
    size = block[124:136]
    if size[0] & 0x80:
        number = int.from_bytes(bytes([size[0] & 0x7F]) + size[1:], "big")
    else:
        digits = size.strip(b"\0 ")
        if not set(digits) <= set(b"01234567"):
            raise Malformed("A size is no number.", at)
        number = int(digits or b"0", 8)
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and block[345]:
        name = f"{_text(block[345:500])}/{name}"
    return _Header(name, number, block[156:157], _text(block[157:257]))


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "backslashreplace")


def _judge_member(source: Source, inspection: Inspection, header: _Header, start: int, override: dict[str, str]) -> int:
    """Judge one member; gives the offset of the next header."""
    if header.kind in b"xgLK" and header.kind:
        if header.size > _LONG:
            raise Malformed("A long name is too long.", start)
        _remember(source.read(start, header.size), header.kind, override, start)
        return start + -(-header.size // _BLOCK) * _BLOCK
    name = override.pop("path", header.name)
    link = override.pop("linkpath", header.link)
    size = header.size
    if "size" in override:
        told = override.pop("size")
        if not told.isdecimal():
            raise Malformed("A size is no number.", start)
        size = int(told)
    inspection.spend("members", 1)
    judge_name(inspection, name, start - _BLOCK)
    if header.kind in (b"1", b"2"):
        rule = "archive.path" if leaves(link) else "archive.link"
        inspection.find(rule, f"{shown(name)} is a link to {shown(link)}.", start - _BLOCK)
        return start
    if header.kind in (b"3", b"4", b"6"):
        inspection.find("archive.special", f"{shown(name)} is a device or a pipe.", start - _BLOCK)
        return start
    if header.kind == b"5":
        return start
    if header.kind not in (b"0", b"\0", b"7") or any(key.startswith("GNU.sparse") for key in override):
        inspection.find("archive.unreadable", f"{shown(name)} is of a kind that is not walked.", start - _BLOCK)
    if size and not source.read(start + size - 1, 1):
        raise Malformed(f"{shown(name)} is cut off.", start)
    _judge_contents(Part(source, start, size), inspection, name)
    return start + -(-size // _BLOCK) * _BLOCK


def _judge_contents(part: Part, inspection: Inspection, name: str) -> None:
    from roadworthy.verify.artifact.dispatch import Surroundings, judge_source

    with inspection.member(name):
        try:
            judge_source(part, inspection, Surroundings(name))
        except compressed.Bomb as bomb:
            inspection.find("archive.bomb", str(bomb))


def _remember(text: bytes, kind: bytes, override: dict[str, str], at: int) -> None:
    if kind in b"LK":
        override["path" if kind == b"L" else "linkpath"] = _text(text)
        return
    while text.strip(b"\0"):
        length, space, _ = text.partition(b" ")
        if not space or not length.isdigit() or int(length) <= len(length) + 1 or int(length) > len(text):
            raise Malformed("An extended header is damaged.", at)
        key, _, value = text[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        override[key.decode("utf-8", "backslashreplace")] = value.decode("utf-8", "backslashreplace")
        text = text[int(length) :]
