"""Compressed streams: gzip, bzip2, xz, lzma, zlib, unpacked as far as somebody looks, within the budget."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.source import CHUNK, Source, chunks

_PIECE = CHUNK * 16


class Bomb(Exception):
    """It unpacks to far more than any model would.

    Args:
        what: The figures.
    """


def kind(head: bytes) -> str | None:
    """Name of the compression that the bytes begin with; None for another beginning."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head[:6] == b"\xfd7zXZ\0":
        return "xz"
    if head[:3] == b"\x5d\0\0" and head[12:13] in (b"\xff", b"\0"):
        return "lzma"
    if len(head) > 2 and head[0] == 0x78 and (head[0] << 8 | head[1]) % 31 == 0 and not head[1] & 0x20:
        return "zlib"
    return None


def unpacked(source: Source, name: str, inspection: Inspection) -> Iterator[bytes]:
    """The bytes that come out of one or several streams, one behind the other.

    Args:
        source: The compressed bytes.
        name: Of `kind`, or "deflate" for a raw stream.
        inspection: Whose budget it uses.

    Raises:
        Malformed: The stream is damaged or cut off, or something else follows it.
        Bomb: It unpacks to more than `Limits.ratio` times its size.
        BudgetSpent: It unpacks to more than one file is given.
    """
    opened = _OPENERS[name]
    stream = opened()
    packed = whole = 0
    try:
        for chunk in chunks(source, size=CHUNK // 4):
            packed += len(chunk)
            while chunk:
                if stream.eof:
                    if not chunk.strip(b"\0"):
                        break
                    stream = opened()
                for piece in _fed(stream, chunk):
                    whole += len(piece)
                    _charge(inspection, whole, packed, len(piece))
                    yield piece
                chunk = stream.unused_data if stream.eof else b""  # noqa: PLW2901 - the rest of it
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise Malformed(f"The {name} stream is damaged: {type(error).__name__}.", packed) from None
    if not stream.eof:
        raise Malformed(f"The {name} stream is cut off.", packed)


def _fed(stream: Any, data: bytes) -> Iterator[bytes]:
    """What comes out when the data go in, at most a piece at a time."""
    while True:
        piece = stream.decompress(data, _PIECE)
        if piece:
            yield piece
        if stream.eof:
            return
        if hasattr(stream, "unconsumed_tail"):
            data = stream.unconsumed_tail
            if not data and len(piece) < _PIECE:
                return
        else:
            data = b""
            if stream.needs_input:
                return


def _charge(inspection: Inspection, whole: int, packed: int, piece: int) -> None:
    limits = inspection.limits
    if whole > limits.ratio_floor and whole > packed * limits.ratio:
        raise Bomb(f"{packed:,} packed bytes have become {whole:,}, and it goes on.")
    inspection.spend("unpacked_bytes", piece)


_OPENERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "zlib": lambda: zlib.decompressobj(15),
    "deflate": lambda: zlib.decompressobj(-15),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 << 20),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=256 << 20),
}
