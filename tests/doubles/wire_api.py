"""A provider whose every byte the test decides; by default it gives back the last message as its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self


@dataclass
class Call:
    """One request as it arrived, and the connection to answer on."""

    head: bytes
    body: bytes
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def marker(self) -> str:
        """Text of the last message."""
        return str(self.json["messages"][-1]["content"])

    @property
    def streamed(self) -> bool:
        return bool(self.json.get("stream"))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


Script = Callable[[Call], Awaitable[bool]]
"""Answers; False closes the connection afterwards."""


def completion(text: str) -> bytes:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}).encode()


def whole(body: bytes, *lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    """An answer with its length."""
    head = [b"HTTP/" + version + b" " + status, b"content-type: application/json", b"content-length: %d" % len(body)]
    return b"\r\n".join([*head, *lines]) + b"\r\n\r\n" + body


def chunk(text: str, finish_reason: str | None = None) -> bytes:
    """One event of a stream."""
    delta = {"content": text} if text else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    event = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def stream(text: str) -> bytes:
    """A whole stream that says `text` letter by letter."""
    return b"".join(chunk(letter) for letter in text) + chunk("", "stop") + b"data: [DONE]\n\n"


EVENT_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def framed(data: bytes, size: int = 0) -> bytes:
    """`data` in chunks of `size` bytes, with the end of the coding."""
    parts = [data[i : i + size] for i in range(0, len(data), size)] if size else [data]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


async def echo(call: Call) -> bool:
    """Say what was asked."""
    if call.streamed:
        await call.send(EVENT_STREAM + framed(stream(call.marker)))
    else:
        await call.send(whole(completion(call.marker)))
    return True


class WireDouble:
    """Runs in the test's own loop: `async with WireDouble(script) as upstream`.

    Args:
        script: How each request is answered; may be changed at any time.
        port: 0 for any.

    Attributes:
        calls: Every request that arrived.
        connections: Number of connections accepted.
    """

    def __init__(self, script: Script = echo, port: int = 0) -> None:
        self.script = script
        self.port = port
        self.calls: list[Call] = []
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the gateway hung up, or the test is over
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        call = Call(head, await reader.readexactly(length), len(self.calls), reader, writer)
        self.calls.append(call)
        if await self.script(call):
            return True
        writer.close()
        await writer.wait_closed()
        return False
