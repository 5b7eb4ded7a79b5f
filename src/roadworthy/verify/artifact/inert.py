"""Formats that hold data only, recognised by how they begin and how they end; and programs, by how they begin."""

from __future__ import annotations

from roadworthy.verify.artifact.source import Source

_WHOLE: tuple[tuple[str, bytes, bytes], ...] = (
    ("png", b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
    ("jpeg", b"\xff\xd8\xff", b"\xff\xd9"),
    ("gif", b"GIF87a", b";"),
    ("gif", b"GIF89a", b";"),
    ("parquet", b"PAR1", b"PAR1"),
    ("arrow", b"ARROW1", b"ARROW1"),
    ("sqlite", b"SQLite format 3\0", b""),
    ("flac", b"fLaC", b""),
    ("ogg", b"OggS", b""),
)
_PROGRAMS: tuple[tuple[str, bytes], ...] = (
    ("elf", b"\x7fELF"),
    ("mach-o", b"\xcf\xfa\xed\xfe"),
    ("mach-o", b"\xce\xfa\xed\xfe"),
    ("mach-o", b"\xfe\xed\xfa\xcf"),
    ("mach-o or java", b"\xca\xfe\xba\xbe"),
    ("webassembly", b"\0asm"),
    ("dex", b"dex\n"),
)
_UNREADABLE: tuple[tuple[str, bytes], ...] = (
    ("7z", b"7z\xbc\xaf\x27\x1c"),
    ("rar", b"Rar!\x1a\x07"),
    ("zstandard", b"\x28\xb5\x2f\xfd"),
    ("lz4", b"\x04\x22\x4d\x18"),
    ("lzip", b"LZIP"),
    ("cab", b"MSCF"),
    ("ar", b"!<arch>\n"),
    ("cpio", b"070701"),
    ("lzop", b"\x89LZO"),
    ("compress", b"\x1f\x9d"),
    ("pdf", b"%PDF-"),
)


def whole(source: Source, head: bytes) -> str | None:
    """Name of the format when the bytes begin and end as it demands; None else."""
    for name, begin, end in _WHOLE:
        if head.startswith(begin):
            return name if not end or source.read(source.size - len(end), len(end)) == end else None
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"WEBP", b"AVI "):
        return "riff" if int.from_bytes(head[4:8], "little") + 8 in (source.size, source.size - 1) else None
    return None


def program(source: Source, head: bytes) -> str | None:
    """Name of a kind of program that the bytes begin like; None else."""
    for name, begin in _PROGRAMS:
        if head.startswith(begin):
            return name
    if head[:2] == b"MZ" and len(head) >= 64:
        at = int.from_bytes(head[60:64], "little")
        return "pe" if source.read(at, 4) == b"PE\0\0" else "dos program"
    return None


def bytecode(head: bytes) -> bool:
    """Whether the bytes begin like compiled Python: a magic that ends with CR LF, then flags that exist."""
    return (
        len(head) >= 16
        and head[2:4] == b"\r\n"
        and head[1] in range(0x0C, 0x10)
        and head[4] <= 3
        and not any(head[5:8])
    )


def unreadable(head: bytes) -> str | None:
    """Name of a container that is known and not walked; None else."""
    return next((name for name, begin in _UNREADABLE if head.startswith(begin)), None)
