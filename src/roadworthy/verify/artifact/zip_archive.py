"""Zip archives and the model formats that are such: torch, npz, Keras v3, TorchServe, skops."""

from __future__ import annotations

import re
import stat
import struct
import zlib
from contextlib import closing, suppress

from roadworthy.verify.artifact import compressed
from roadworthy.verify.artifact.archive_name import judge_name
from roadworthy.verify.artifact.inspection import BudgetSpent, Inspection, Malformed
from roadworthy.verify.artifact.record import Verdict, shown
from roadworthy.verify.artifact.source import Part, Source, Unpacked, chunks
from roadworthy.verify.artifact.zip_directory import END, LOCAL, Directory, Entry, entries, find_end, read_directory

_CRC_UP_TO = 16 << 20
"""Larger members are not read as a whole only to compare a checksum: their contents are judged whatever it says."""
_BITS_NOT_FOLLOWED = 0x1 | 0x20 | 0x40 | 0x2000
"""Encrypted, patched, strongly encrypted, masked headers."""
_METHODS = {8: "deflate", 12: "bzip2"}
_STORAGE = re.compile(r"(.*/)?(data|constants|tensors)/\d+")
_EXPORTED = re.compile(r".*/data/(weights|constants)/(weight|tensor)_\d+")


def claims(source: Source, head: bytes) -> bool:
    """Whether the bytes begin or end like a zip archive. The end is looked at where that costs nothing."""
    if head[:4] in (LOCAL, END, b"PK\x06\x06") or head[:8] == b"PK00PK\x03\x04":
        return True
    return source.ready and find_end(source) is not None


def judge(source: Source, inspection: Inspection) -> None:
    """Judge every member, and whether the archive hides something from one reader that another one sees.

    Raises:
        BudgetSpent: There is too much of it.
    """
    inspection.recognise("zip")
    end_at = find_end(source)
    if end_at is None:
        inspection.find("zip.broken", "The archive has no directory: it is cut off.", None)
        _judge_hidden(source, inspection, 0, source.size)
        return
    try:
        directory = read_directory(source, end_at, inspection)
        known = list(_counted(source, directory, inspection))
    except Malformed as broken:
        inspection.find("zip.broken", broken.what, broken.offset)
        _judge_hidden(source, inspection, 0, source.size)
        return
    if directory.shift:
        inspection.find("zip.hidden", f"{directory.shift:,} bytes stand in front of the archive.", 0)
    if source.read(directory.close, 1):
        inspection.find("file.trailing", "Something follows the archive.", directory.close)
    kinds = _kinds(known, inspection)
    _judge_layout(source, inspection, directory, known)
    _judge_bomb(source, inspection, known)
    seen: set[str] = set()
    for entry in known:
        if entry.name in seen:
            inspection.find("zip.duplicate", f"Two members are named {shown(entry.name)}.", entry.local)
        seen.add(entry.name)
        _judge_entry(source, inspection, entry, kinds)


def _counted(source: Source, directory: Directory, inspection: Inspection) -> list[Entry]:
    known = []
    for entry in entries(source, directory, inspection):
        inspection.spend("members", 1)
        known.append(entry)
    return known


def _kinds(known: list[Entry], inspection: Inspection) -> set[str]:
    """Which model formats the names of the members make of the archive."""
    names = {entry.name for entry in known}
    kinds = set()
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        kinds.add("torch")
    if any(name.endswith("constants.pkl") for name in names) and any("/code/" in f"/{name}" for name in names):
        kinds.add("torchscript")
    if names and all(name.endswith(".npy") for name in names):
        kinds.add("npz")
    if any(name.endswith("/archive_format") for name in names):
        kinds.add("torch-export")
    if "config.json" in names and any(name.endswith(".weights.h5") for name in names):
        kinds.add("keras")
    for each in kinds:
        inspection.recognise(each)
    return kinds


def _judge_layout(source: Source, inspection: Inspection, directory: Directory, known: list[Entry]) -> None:
    """Members must not share bytes, and every byte belongs to a member or to the directory."""
    at = directory.shift
    for entry in sorted(known, key=lambda entry: entry.local):
        if entry.local < at:
            inspection.find("zip.overlap", f"{shown(entry.name)} begins inside of another member.", entry.local)
        elif entry.local > at:
            _judge_gap(source, inspection, at, entry.local)
        head = source.read(entry.local, 30)
        names = struct.unpack_from("<HH", head, 26) if len(head) == 30 else (0, 0)
        end = entry.local + 30 + sum(names) + entry.packed
        if entry.flags & 0x8:
            end = _behind_descriptor(source, end, entry)
        at = max(at, end)
    if at > directory.start:
        inspection.find("zip.overlap", "A member reaches into the directory.", directory.start)
    elif at < directory.start:
        _judge_gap(source, inspection, at, directory.start)


def _behind_descriptor(source: Source, at: int, entry: Entry) -> int:
    """The end of the data descriptor behind a member: with or without signature, with 4 or 8 bytes a size."""
    text = source.read(at, 24)
    crc = struct.pack("<I", entry.crc)
    start = 4 if text[:4] == b"PK\x07\x08" else 0
    if text[start : start + 4] != crc:
        return at
    wide = struct.pack("<QQ", entry.packed, entry.size)
    narrow = wide[:4] + wide[8:12]
    if text[start + 4 : start + 20] == wide:
        return at + start + 20
    return at + start + 12 if text[start + 4 : start + 12] == narrow else at


def _judge_gap(source: Source, inspection: Inspection, start: int, end: int) -> None:
    for piece in chunks(source, start, end):
        if piece.strip(b"\0"):
            what = f"{end - start:,} bytes between or before the members belong to none of them."
            inspection.find("zip.hidden", what, start)
            _judge_hidden(source, inspection, start, end)
            return


def _judge_hidden(source: Source, inspection: Inspection, start: int, end: int) -> None:
    """Judge members that only a reader of local headers sees."""
    before = b""
    at = start
    for piece in chunks(source, start, end):
        text = before + piece
        place = text.find(LOCAL)
        while place >= 0:
            _judge_local(source, inspection, at - len(before) + place)
            place = text.find(LOCAL, place + 4)
        before = text[-3:]
        at += len(piece)


def _judge_local(source: Source, inspection: Inspection, at: int) -> None:
    head = source.read(at, 30)
    if len(head) < 30:
        return
    flags, method, crc, packed, size, name_size, extra_size = struct.unpack_from("<6xHH4xIIIHH", head)
    name = source.read(at + 30, name_size)
    start = at + 30 + name_size + extra_size
    packed = packed or max(0, source.size - start)
    entry = Entry(name.decode("utf-8", "backslashreplace"), name, method, flags, crc, packed, size, at, 0)
    with inspection.member(entry.name):
        _judge_contents(Part(source, start, packed), inspection, entry, set())


def _judge_bomb(source: Source, inspection: Inspection, known: list[Entry]) -> None:
    total = sum(entry.size for entry in known)
    limits = inspection.limits
    if total > 4 * limits.ratio_floor and total > limits.ratio * source.size:
        what = f"{source.size:,} bytes say that they unpack to {total:,}."
        inspection.find("archive.bomb", what, None)


def _judge_entry(source: Source, inspection: Inspection, entry: Entry, kinds: set[str]) -> None:
    judge_name(inspection, entry.name, entry.local)
    if stat.S_ISLNK(entry.mode):
        inspection.find("archive.link", f"{shown(entry.name)} is a link.", entry.local)
    head = source.read(entry.local, 30)
    if len(head) < 30 or head[:4] != LOCAL:
        inspection.find("zip.broken", f"{shown(entry.name)} is not where the directory says.", entry.local)
        return
    flags, method, crc, packed, size, name_size, extra_size = struct.unpack_from("<6xHH4xIIIHH", head)
    name = source.read(entry.local + 30, name_size)
    told = [(crc, entry.crc), (packed, entry.packed), (size, entry.size)]
    lies = not entry.flags & 8 and any(near not in (far, 0xFFFFFFFF, 0) for near, far in told)
    if name != entry.raw_name or method != entry.method or lies:
        what = f"The header of {shown(entry.name)} and the directory differ"
        inspection.find("zip.mismatch", f"{what}: there it is {shown(name)}." if name != entry.raw_name else f"{what}.")
    if (flags | entry.flags) & _BITS_NOT_FOLLOWED:
        inspection.find("zip.encrypted", f"{shown(entry.name)} is marked as encrypted or patched.", entry.local)
    if entry.name.endswith("/") and not entry.size:
        return
    part = Part(source, entry.local + 30 + name_size + extra_size, entry.packed)
    if part.size < entry.packed:
        inspection.find("zip.broken", f"{shown(entry.name)} is cut off.", entry.local)
    with inspection.member(entry.name):
        _judge_contents(part, inspection, entry, kinds)


def _judge_contents(part: Part, inspection: Inspection, entry: Entry, kinds: set[str]) -> None:
    if not entry.method:
        _judge_unpacked(part, inspection, entry, kinds)
    elif entry.method in _METHODS:
        with closing(Unpacked(compressed.unpacked(part, _METHODS[entry.method], inspection))) as contents:
            _judge_unpacked(contents, inspection, entry, kinds)
    else:
        inspection.find("zip.method", f"Compression method {entry.method} is not one that is read.", entry.local)


def _judge_unpacked(contents: Source, inspection: Inspection, entry: Entry, kinds: set[str]) -> None:
    from roadworthy.verify.artifact.dispatch import Surroundings, judge_source

    encrypted = bool(entry.flags & 1)
    raw = "torch" in kinds and _STORAGE.fullmatch(entry.name) is not None
    raw = raw or ("torch-export" in kinds and _EXPORTED.fullmatch(entry.name) is not None)
    around = Surroundings(entry.name, frozenset(kinds), raw_storage=raw, declared=entry.size)
    try:
        if encrypted:
            _judge_encrypted(contents, inspection, around)
        else:
            judge_source(contents, inspection, around)
        if not raw and not encrypted and entry.size <= _CRC_UP_TO:
            _judge_checksum(contents, inspection, entry)
    except Malformed as broken:
        inspection.find("zip.broken", broken.what, broken.offset)
    except compressed.Bomb as bomb:
        inspection.find("archive.bomb", str(bomb))


def _judge_encrypted(contents: Source, inspection: Inspection, around: object) -> None:
    """The bit may lie: what is unsafe when it is read as it stands counts."""
    from roadworthy.verify.artifact.dispatch import Surroundings, judge_source

    assert isinstance(around, Surroundings)
    trial = inspection.trial()
    with suppress(Malformed, BudgetSpent, compressed.Bomb):  # what is really encrypted is damaged in any way
        judge_source(contents, trial, around)
    if trial.verdict is Verdict.UNSAFE:
        inspection.take(trial)


def _judge_checksum(contents: Source, inspection: Inspection, entry: Entry) -> None:
    crc = size = 0
    for piece in chunks(contents, 0, _CRC_UP_TO + 1):
        crc = zlib.crc32(piece, crc)
        size += len(piece)
    if size != entry.size:
        inspection.find("zip.mismatch", f"It has {size:,} bytes, the directory says {entry.size:,}.")
    elif crc != entry.crc:
        inspection.find("zip.crc", "Its checksum is not the one that the directory says.")
