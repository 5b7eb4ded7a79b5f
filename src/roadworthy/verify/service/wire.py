"""Clients that no library would be: slow, oversized, ambiguous. Bytes go out as they are given."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit


class Heard(NamedTuple):
    """What a raw connection came to.

    Attributes:
        connected: Whether there was one.
        status: Of the first answer; None when the other side only closed.
        closed: Whether the other side closed the connection.
        seconds: From the connection to the answer or the end.
        sent: Bytes that were sent until then.
    """

    connected: bool
    status: int | None
    closed: bool
    seconds: float
    sent: int


def talk(url: str, pieces: Iterable[bytes], limit_s: float, pause_s: float = 0.0) -> Heard:
    """Send pieces, with a pause after each, until something comes back, the connection ends, or the time is over.

    Args:
        url: Root of the service.
        pieces: What to send.
        limit_s: Seconds.
        pause_s: After each piece.
    """
    parts, begin, sent = urlsplit(url), time.monotonic(), 0
    try:
        held = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=5.0)
    except OSError:
        return Heard(False, None, False, time.monotonic() - begin, 0)
    with held:
        for piece in pieces:
            left = begin + limit_s - time.monotonic()
            if left <= 0:
                return Heard(True, None, False, time.monotonic() - begin, sent)
            held.settimeout(max(0.05, left))
            try:
                held.sendall(piece)
                sent += len(piece)
            except OSError:
                break
            held.settimeout(0.001 if pause_s == 0 else pause_s)
            with contextlib.suppress(TimeoutError, BlockingIOError):
                return _answer(held, held.recv(65_536), begin, sent)
        held.settimeout(max(0.05, begin + limit_s - time.monotonic()))
        try:
            return _answer(held, held.recv(65_536), begin, sent)
        except TimeoutError:
            return Heard(True, None, False, time.monotonic() - begin, sent)
        except OSError:
            return Heard(True, None, True, time.monotonic() - begin, sent)


def _answer(held: socket.socket, first: bytes, begin: float, sent: int) -> Heard:
    seconds = time.monotonic() - begin
    words = first.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit() else None
    held.settimeout(0.5)
    closed = not first
    with contextlib.suppress(OSError):
        while first:
            first = held.recv(65_536)
            closed = not first
    return Heard(True, status, closed, seconds, sent)


def dripping(content: bytes, size: int = 1) -> Iterator[bytes]:
    """A content in pieces of a size."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


def head(method: str, path: str, *lines: str) -> bytes:
    """A request's head."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *lines, "", ""]).encode("latin-1")
