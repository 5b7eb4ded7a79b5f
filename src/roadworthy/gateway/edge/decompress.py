"""Undo a content-encoding that a provider used although we asked for none, within a size limit."""

from __future__ import annotations

import zlib


def decompress(body: bytes, encoding: bytes, max_bytes: int) -> bytes | None:
    """The plain body, or None when the encoding is unknown, the data damaged, or the result over `max_bytes`."""
    name = encoding.strip().lower()
    if name in {b"", b"identity"}:
        return body
    if name not in {b"gzip", b"x-gzip", b"deflate"}:
        return None
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by the header
    try:
        plain = inflate.decompress(body, max_bytes)
    except zlib.error:
        return None
    return plain if inflate.eof and not inflate.unconsumed_tail else None
