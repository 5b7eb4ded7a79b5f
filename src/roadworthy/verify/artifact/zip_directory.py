"""The directory of a zip archive, read without trusting it (APPNOTE.TXT 6.3.10)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Source

END = b"PK\x05\x06"
LOCAL = b"PK\x03\x04"
CENTRAL = b"PK\x01\x02"
_TAIL = 22 + 0xFFFF
_FULL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One member, as the central directory tells it.

    Args:
        name: Decoded, with what does not decode escaped.
        raw_name: As it stands there.
        method: Of compression.
        flags: General purpose bits.
        crc: CRC-32 of the unpacked bytes.
        packed: Bytes in the archive.
        size: Bytes when unpacked.
        local: Offset of the local header in the source.
        mode: Unix mode, 0 where none is told.
    """

    name: str
    raw_name: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    local: int
    mode: int


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the directory lies.

    Args:
        start: Offset of its first entry.
        end: Offset behind its last one, as its own size tells.
        entries: Number of entries it claims.
        shift: Bytes in front of the archive, which its own offsets do not count.
        close: Offset behind the end record and its comment.
        tail: Offset of the first end record, that of zip64 where there is one.
    """

    start: int
    end: int
    entries: int
    shift: int
    close: int
    tail: int


def find_end(source: Source) -> int | None:
    """Offset of the record that ends a zip archive: the last that reaches to the end exactly, else the last one."""
    size = source.size
    start = max(0, size - _TAIL)
    tail = source.read(start, _TAIL)
    places: list[int] = []
    at = tail.rfind(END)
    while at >= 0 and len(places) < 1000:
        places.append(at)
        at = tail.rfind(END, 0, at)
    whole = [at for at in places if at + 22 <= len(tail)]
    exact = [at for at in whole if at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)]
    chosen = exact or whole
    return start + chosen[0] if chosen else None


def read_directory(source: Source, end_at: int, inspection: Inspection) -> Directory:
    """Read the end records.

    Raises:
        Malformed: They point outside of the file.
    """
    record = source.read(end_at, 22)
    disk, start_disk, here, entries, size, offset, comment = struct.unpack("<4xHHHHIIH", record)
    tail = end_at
    locator = source.read(end_at - 20, 20) if end_at >= 20 else b""
    if locator[:4] == b"PK\x06\x07":
        (wide_at,) = struct.unpack_from("<Q", locator, 8)
        wide_at = wide_at if source.read(wide_at, 4) == b"PK\x06\x06" else end_at - 76
        wide = source.read(wide_at, 56)
        if wide[:4] != b"PK\x06\x06":
            raise Malformed("The zip64 end record is not where it should be.", end_at - 20)
        wide_entries, wide_size, wide_offset = struct.unpack_from("<QQQ", wide, 32)
        told = [(entries, wide_entries, 0xFFFF), (size, wide_size, _FULL), (offset, wide_offset, _FULL)]
        if any(narrow not in (broad, full) for narrow, broad, full in told):
            inspection.find("zip.mismatch", "The two end records of the archive differ.", end_at)
        entries, size, offset, tail = wide_entries, wide_size, wide_offset, wide_at
    if disk or start_disk or here not in (entries, 0xFFFF):
        inspection.find("zip.mismatch", "The archive says that it is one of several parts.", end_at)
    start = tail - size
    if start < 0 or offset > start:
        raise Malformed("The directory of the archive points outside of it.", end_at)
    text = source.read(end_at + 22, comment)
    if END in text:
        inspection.find("zip.mismatch", "The comment holds another end of an archive.", end_at + 22)
    return Directory(start, tail, entries, start - offset, end_at + 22 + comment, tail)


def entries(source: Source, directory: Directory, inspection: Inspection) -> Iterator[Entry]:
    """The entries in their order.

    Raises:
        Malformed: An entry is damaged.
    """
    at = directory.start
    count = 0
    while at < directory.end:
        head = source.read(at, 46)
        if len(head) < 46 or head[:4] != CENTRAL:
            raise Malformed("An entry of the directory is damaged.", at)
        made, flags, method, crc, packed, size = struct.unpack_from("<4xH2xHH4xIII", head)
        name_size, extra_size, comment_size, _, _, attributes, local = struct.unpack_from("<HHHHHII", head, 28)
        raw = source.read(at + 46, name_size)
        extra = source.read(at + 46 + name_size, extra_size)
        size, packed, local = _wide(extra, size, packed, local)
        if b"\0" in raw:
            inspection.find("zip.mismatch", f"A name holds a NUL: {shown(raw)}.", at)
        mode = attributes >> 16 if made >> 8 == 3 else 0
        name = raw.decode("utf-8", "backslashreplace") if flags & 0x800 or raw.isascii() else raw.decode("cp437")
        yield Entry(name, raw, method, flags, crc, packed, size, local + directory.shift, mode)
        count += 1
        at += 46 + name_size + extra_size + comment_size
    if count != directory.entries:
        what = f"The archive says that it has {directory.entries:,} members; its directory has {count:,}."
        inspection.find("zip.mismatch", what, directory.tail)


def _wide(extra: bytes, size: int, packed: int, local: int) -> tuple[int, int, int]:
    """The zip64 extra field: eight bytes for each value that is all ones, in a fixed order."""
    at = 0
    while at + 4 <= len(extra):
        field, length = struct.unpack_from("<HH", extra, at)
        data = extra[at + 4 : at + 4 + length]
        if field == 1:
            values = [int.from_bytes(data[place : place + 8], "little") for place in range(0, len(data) - 7, 8)]
            size, packed, local = (
                values.pop(0) if value == _FULL and values else value for value in (size, packed, local)
            )
        at += 4 + length
    return size, packed, local
