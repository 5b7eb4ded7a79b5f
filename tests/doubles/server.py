"""A small real HTTP/1.1 server on a loopback socket, in a thread of its own; it can misbehave on request."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from doubles.fault import Fault, Faults

JSON = "application/json"
PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>cloud proxy</body></html>"


@dataclass
class Received:
    """A request as it arrived. Header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    json: Any = None


@dataclass
class Event:
    """One server-sent event. `text` marks those that carry text of the answer."""

    data: bytes
    name: str = ""
    text: bool = False

    def wire(self) -> bytes:
        """Its bytes on the wire."""
        return (b"event: " + self.name.encode() + b"\n" if self.name else b"") + b"data: " + self.data + b"\n\n"


@dataclass
class Answer:
    """A plain answer (`body`) or a stream (`events`)."""

    status: int = 200
    body: bytes = b""
    events: Sequence[Event] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """An answer whose body is `value` as JSON."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), headers=headers or {})


class Double:
    """Base of the API doubles: subclasses say what is answered, this class says how it travels.

    Attributes:
        base_url: Address with the API's version part, valid inside `with`.
        requests: Everything that arrived, in order.
        faults: May be set at any time; see `Faults`.
        reply: Text of the next answers.
        connections: Number of connections accepted so far.
    """

    version_path = "/v1"
    reply = "The capital of France is Paris, on the river Seine."

    def __init__(self, faults: Faults = None, *, api_key: str = "test-key", port: int = 0) -> None:
        self.faults = faults
        self.api_key = api_key
        self.requests: list[Received] = []
        self.connections = 0
        self.port = port
        self._served = 0
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.version_path}"

    # what subclasses define

    def answer(self, request: Received, fault: Fault | None) -> Answer:
        """The API's answer to `request`; looks at the faults that concern the content."""
        raise NotImplementedError

    def error_event(self) -> Event:
        """The API's error event inside a stream."""
        raise NotImplementedError

    # life

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, started: threading.Event) -> None:
        asyncio.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, limit=2**24)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # one connection

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                if not await self._exchange(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller hung up, which callers under test often do
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    def _next_fault(self) -> Fault | None:
        faults = self.faults
        number = self._served
        self._served += 1
        if faults is None or isinstance(faults, Fault):
            return faults
        return faults[number] if number < len(faults) else None

    async def _exchange(self, request: Received, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection must end."""
        with self._lock:
            self.requests.append(request)
            fault = self._next_fault()
        kind = fault.kind if fault else ""
        if fault is not None and kind == "hang":
            await self._forever()
        if kind in ("close", "reset"):
            if kind == "reset":
                # without linger the close is a reset, not a polite end
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            return False
        if fault is not None and kind == "delay":
            await asyncio.sleep(fault.seconds)
        answer = self._spoil(self.answer(request, fault), fault)
        if answer.events is None:
            return await self._send_plain(writer, answer, fault)
        return await self._send_stream(writer, answer, answer.events, fault)

    async def _forever(self) -> None:
        await asyncio.Event().wait()

    def _spoil(self, answer: Answer, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else ""
        if answer.status != 200:
            return answer
        if kind == "html":
            return Answer(200, PAGE, content_type="text/html; charset=utf-8")
        if kind == "not_json":
            return Answer(200, b"upstream connect error")
        if kind == "no_choices":
            return Answer(200, b'{"id":"x","object":"chat.completion"}')
        if kind == "empty_body":
            return Answer(200, b"")
        if kind == "truncated_body" and answer.events is None:
            return Answer(200, answer.body[: len(answer.body) // 2])
        if kind == "keep_alive" and answer.events is None:
            return Answer(200, b"\n\n\n" + answer.body)
        return answer

    def _head(self, answer: Answer, fault: Fault | None, framing: str) -> bytes:
        lines = [
            f"HTTP/1.1 {answer.status} {'OK' if answer.status < 400 else 'Error'}",
            f"content-type: {answer.content_type}",
            framing,
            "x-request-id: req_double",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        if fault is not None and fault.kind == "huge_header":
            lines.append("x-huge: " + "h" * fault.size)
        if fault is not None and fault.kind == "gzip":
            lines.append("content-encoding: gzip")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _send_plain(self, writer: asyncio.StreamWriter, answer: Answer, fault: Fault | None) -> bool:
        kind = fault.kind if fault else ""
        body = gzip.compress(answer.body) if kind == "gzip" else answer.body
        length = len(body) + (100 if kind == "wrong_length" else 0)
        writer.write(self._head(answer, fault, f"content-length: {length}"))
        if kind in ("cut", "stall"):
            writer.write(body[: len(body) // 2])
            await writer.drain()
            if kind == "stall":
                await self._forever()
            return False
        if fault is not None and kind == "drip":
            for position in range(len(body)):
                await asyncio.sleep(fault.seconds)
                writer.write(body[position : position + 1])
                await writer.drain()
            return True
        writer.write(body)
        await writer.drain()
        return kind != "wrong_length"

    async def _send_stream(
        self, writer: asyncio.StreamWriter, answer: Answer, events: Sequence[Event], fault: Fault | None
    ) -> bool:
        answer.content_type = "text/event-stream; charset=utf-8"
        writer.write(self._head(answer, fault, "transfer-encoding: chunked"))
        kind = fault.kind if fault else ""
        if kind == "gzip":
            writer.write(_chunk(gzip.compress(b"".join(event.wire() for event in events))) + b"0\r\n\r\n")
            await writer.drain()
            return True
        texts = 0
        for event in events:
            if fault is not None and event.text and texts == fault.after and kind in _AFTER:
                return await self._break_stream(writer, kind)
            texts += event.text
            if fault is not None and kind == "drip":
                await asyncio.sleep(fault.seconds)
            if kind == "keep_alive":
                writer.write(_chunk(b": keep-alive\n\n"))
            writer.write(_chunk(event.wire()))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _break_stream(self, writer: asyncio.StreamWriter, kind: str) -> bool:
        if kind == "stall":
            await writer.drain()
            await self._forever()
        if kind == "error_event":
            writer.write(_chunk(self.error_event().wire()))
        if kind in ("end_early", "error_event"):
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return kind != "cut"


_AFTER = frozenset({"cut", "stall", "end_early", "error_event"})


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _read(reader: asyncio.StreamReader) -> Received | None:
    """The next request of the connection, None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    parsed = None
    with contextlib.suppress(ValueError):
        parsed = json.loads(body)
    return Received(method, target, headers, body, parsed)
