"""A caller that writes bytes, not requests, and reads answers more strictly than any client library."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Ended = Literal["open", "closed", "reset"]
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [A-Za-z ]*")
HEADER_LINE = re.compile(rb"([a-z0-9-]+): ([\x20-\x7e]*)")


@dataclass
class Answer:
    """One final answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Content of the first choice."""
        return str(self.json["choices"][0]["message"]["content"])

    @property
    def code(self) -> str:
        """Code of the error object."""
        return str(self.json["error"]["code"])


@dataclass
class Heard:
    """Everything that came back on one connection."""

    answers: list[Answer] = field(default_factory=list)
    interim: int = 0
    rest: bytes = b""
    ended: Ended = "open"

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers]


def parse(data: bytes, closed: bool, head_only: Iterable[int] = ()) -> tuple[list[Answer], int, bytes]:
    """(final answers, number of interim ones, unfinished rest). Any deviation from RFC 9112 is an assertion error.

    Args:
        data: What came on one connection.
        closed: Whether the connection has ended, which ends a body without length.
        head_only: Indices of answers to HEAD requests.
    """
    answers: list[Answer] = []
    interim = 0
    while b"\r\n\r\n" in data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        status = STATUS_LINE.fullmatch(first)
        assert status is not None, first
        headers: dict[str, str] = {}
        for line in lines:
            match = HEADER_LINE.fullmatch(line)
            assert match is not None, line
            name = match[1].decode()
            assert name not in headers, name
            headers[name] = match[2].decode()
        number = int(status[1])
        if number < 200:
            assert not headers
            interim, data = interim + 1, rest
            continue
        if len(answers) in head_only:
            answers.append(Answer(number, headers, b""))
            data = rest
            continue
        body = _body(headers, rest, closed)
        if body is None:
            break
        answers.append(Answer(number, headers, body[0]))
        data = body[1]
    return answers, interim, data


def _body(headers: dict[str, str], rest: bytes, closed: bool) -> tuple[bytes, bytes] | None:
    assert ("content-length" in headers) + ("transfer-encoding" in headers) <= 1, headers
    if "content-length" in headers:
        length = int(headers["content-length"])
        return (rest[:length], rest[length:]) if len(rest) >= length else None
    if "transfer-encoding" not in headers:
        return (rest, b"") if closed else None
    assert headers["transfer-encoding"] == "chunked"
    body = b""
    while True:
        size, mark, rest = rest.partition(b"\r\n")
        if not mark:
            return None
        assert re.fullmatch(rb"[0-9a-f]+", size), size
        length = int(size, 16)
        if len(rest) < length + 2:
            return None
        assert rest[length : length + 2] == b"\r\n"
        body, rest = body + rest[:length], rest[length + 2 :]
        if not length:
            return body, rest


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.data = b""
        self.ended: Ended = "open"

    @classmethod
    async def open(cls, port: int, receive_buffer: int = 0) -> Wire:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        limit = receive_buffer or 2**16
        return cls(*await asyncio.open_connection(sock=sock, limit=limit))

    async def send(self, data: bytes) -> bool:
        """Write; False when the other side does not take it any more."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return False
        return True

    def half_close(self) -> None:
        with contextlib.suppress(OSError):  # the other side was faster
            self.writer.write_eof()

    def reset(self) -> None:
        """End with a TCP reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def more(self, within_s: float) -> bool:
        """Read once; False when nothing came in time or the connection has ended."""
        try:
            async with asyncio.timeout(within_s):
                piece = await self.reader.read(2**18)
        except TimeoutError:
            return False
        except ConnectionError:
            self.ended = "reset"
            return False
        if not piece:
            self.ended = "closed"
        self.data += piece
        return bool(piece)

    async def answers(self, count: int, within_s: float = 5.0) -> list[Answer]:
        """Read until `count` final answers are there; they are taken off."""
        async with asyncio.timeout(within_s):
            while True:
                found, _, rest = parse(self.data, self.ended == "closed")
                if len(found) >= count or self.ended != "open":
                    self.data = rest
                    return found
                await self.more(within_s)

    async def end(self, within_s: float = 5.0) -> Ended:
        """Wait for the connection's end; `open` when it does not come in time."""
        deadline = asyncio.get_running_loop().time() + within_s
        while self.ended == "open" and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await self.more(left)
        return self.ended

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):  # it was reset, which many of these tests provoke
            await self.writer.wait_closed()


async def say(
    port: int,
    *pieces: bytes,
    gap_s: float = 0.0,
    half_close: bool = False,
    quiet_s: float = 0.15,
    patience_s: float = 5.0,
    head_only: Iterable[int] = (),
) -> Heard:
    """Send `pieces`, then listen until the connection ends, or is quiet for `quiet_s` after an answer."""
    wire = await Wire.open(port)
    try:
        for number, piece in enumerate(pieces):
            if number and gap_s:
                await asyncio.sleep(gap_s)
            await wire.send(piece)
        if half_close:
            wire.half_close()
        waited = 0.0
        while wire.ended == "open" and waited < patience_s:
            if not await wire.more(quiet_s):
                waited += quiet_s
                if parse(wire.data, False, head_only)[0]:
                    break
        answers, interim, rest = parse(wire.data, wire.ended == "closed", head_only)
        return Heard(answers, interim, rest, wire.ended)
    finally:
        await wire.close()


def chat(content: str, **more: object) -> bytes:
    """Body of a chat request."""
    return json.dumps({"model": "chat", "messages": [{"role": "user", "content": content}], **more}).encode()


def post(body: bytes, *lines: bytes, path: bytes = b"/v1/chat/completions") -> bytes:
    """A good request with more header lines."""
    head = [b"POST " + path + b" HTTP/1.1", b"host: gateway", b"content-length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def get(path: bytes = b"/livez", *lines: bytes) -> bytes:
    """A good request without a body."""
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"host: gateway", *lines]) + b"\r\n\r\n"


def chunked(*chunks: bytes) -> bytes:
    """`chunks` in the chunked transfer coding, with its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
