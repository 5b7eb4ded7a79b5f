"""The upstream half of the data plane: pooled HTTP/1.1 client connections as asyncio protocols.

One connection serves one call at a time, and a call reports its end to its `Sink` exactly once. Framing errors,
oversized answers and unexpected bytes between answers close the connection: a connection in an unknown state is
never used again (RFC 9112 §9.3, §11.1).
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import httptools

from roadworthy.core.attempts import Reason
from roadworthy.gateway.edge.deadline import Deadlines
from roadworthy.gateway.edge.decompress import decompress
from roadworthy.gateway.edge.parts import MANY, compact

MAX_IDLE_S = 55.0
"""An idle connection older than this is not used: servers close theirs at 60 s and later."""
STALE_AFTER_S = 1.0
"""A connection idle for longer may have been closed by the server while our request was on its way."""
MAX_HEADER_BYTES = 65_536
MOST_FRAMING = 6
"""Bytes on the wire for a byte of body that comes in chunks of one byte: no honest server needs more."""


class Sink(Protocol):
    """Receives one answer. `streamed` is fixed before the call: true asks for the body piece by piece."""

    streamed: bool

    def replied(self, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        """The whole answer; for a streamed call only when the status is not 200."""
        ...

    def began(self, headers: dict[bytes, bytes]) -> None:
        """A streamed call got its 200; pieces follow."""
        ...

    def piece(self, data: bytes) -> None:
        """Bytes of a streamed body."""
        ...

    def ended(self) -> None:
        """A streamed body is complete."""
        ...

    def broke(self, reason: Reason, detail: str) -> None:
        """No answer, or only a part of one."""
        ...

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught while the sink was told something."""
        ...


class Waiter(Protocol):
    """Whoever must be told when what was done for it went wrong."""

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught."""
        ...


def door(sink: Waiter, step: Callable[[], None]) -> None:
    """The HTTP handler's door for all that happens after its call returned: timers, failed dials, lost connections."""
    try:
        step()
    except Exception as error:  # this door and the next are one: whoever waits is told, the process goes on
        sink.crashed(error)


class Call:
    """One request on its way: its time limit, its connection, and where its answer goes."""

    bucket = 0
    heard = False
    stale = False
    _lingering = False
    _dialling: asyncio.Task[None] | None = None
    _connection: UpstreamConnection | None = None

    def __init__(self, endpoint: Endpoint, request: bytes, sink: Sink) -> None:
        self._endpoint = endpoint
        self.request = request
        self.sink: Sink | None = sink

    def cancel(self) -> None:
        """End the call without a report."""
        self._close()

    @property
    def sent(self) -> bool:
        """Whether the request has left: there is a connection."""
        return self._connection is not None

    def stop_timer(self) -> None:
        """Lift the time limit: a stream has its own limits after its commit point."""
        if self.bucket:
            self._endpoint.deadlines.lift(self)

    def linger(self, seconds: float) -> None:
        """The answer's content is complete: give the transfer a moment to end, so that the connection can be kept."""
        if self._connection is not None:
            self._lingering = True
            self._endpoint.deadlines.set(self, seconds)

    def pause(self) -> None:
        """Take no more bytes from the provider: the caller's client is slow."""
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Take bytes again."""
        if self._connection is not None:
            self._connection.resume()

    def on(self, connection: UpstreamConnection) -> None:
        """Send on this idle connection."""
        self._connection = connection
        connection.send(self)

    def dial(self) -> None:
        """Send on a new connection."""
        self._connection = None
        self._dialling = self._endpoint.loop.create_task(self._dial())

    def released(self) -> Sink | None:
        """The answer is complete: the connection may serve others. Returns the sink that is to be told."""
        if self.bucket:
            self._endpoint.deadlines.lift(self)
        sink, self.sink, self._connection = self.sink, None, None
        return sink

    def broke(self, reason: Reason, detail: str) -> None:
        """Close and report."""
        sink = self.sink
        self._close()
        if sink is not None:
            door(sink, lambda: sink.broke(reason, detail))

    def timed_out(self) -> None:
        """The time limit passed."""
        if self._lingering:
            self._close()
            return
        self.broke(Reason.TIMEOUT, "the answer was not complete in time" if self.heard else "no answer in time")

    def _close(self) -> None:
        self.stop_timer()
        self.sink = None
        connection, self._connection = self._connection, None
        if self._dialling is not None:
            self._dialling.cancel()
            self._dialling = None
        if connection is not None:
            connection.drop()

    async def _dial(self) -> None:
        try:
            connection = await self._endpoint.connect()
        except TimeoutError:
            self._dialling = None
            self.broke(Reason.CONNECT_FAILED, "no connection in time")
        except (OSError, UnicodeError) as error:  # the second: a host name that none can be
            self._dialling = None
            self.broke(Reason.CONNECT_FAILED, getattr(error, "strerror", None) or type(error).__name__)
        else:
            self._dialling = None
            self.on(connection)


class UpstreamConnection(asyncio.Protocol):
    """One TCP or TLS connection to one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # set before any other callback
        self._parser: Any = httptools.HttpResponseParser(self)
        self._call: Call | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._headers: dict[bytes, bytes] = {}
        self._wire = 0
        self._status = 0
        self._streaming = False
        self._complete = False
        self._keep_alive = False
        self._idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def send(self, call: Call) -> None:
        """Start a call on this idle connection."""
        self._call = call
        self._complete = self._streaming = self._keep_alive = False
        self._status = self._size = self._wire = 0
        self._headers = {}
        self._transport.write(call.request)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bytes that belong to no call close the connection."""
        call = self._call
        if call is None:
            self._transport.abort()
            return
        call.heard = True
        self._wire += len(data)
        sink = call.sink
        try:
            self._parser.feed_data(data)
            if self._wire > self._size * MOST_FRAMING + MAX_HEADER_BYTES:
                call.broke(Reason.MALFORMED, "the answer's header is too large")
            elif self._complete:
                self._finish(call)
            elif self._streaming and sink is not None:
                if self._body:
                    chunk = b"".join(self._body)
                    self._body.clear()
                    sink.piece(chunk)
            else:
                self._hold(call)
        except httptools.HttpParserUpgrade:
            call.broke(Reason.MALFORMED, "the answer switches protocols")
        except httptools.HttpParserError as error:
            self._stopped(call, sink, error)
        except Exception as error:  # the HTTP handler's door for what a provider says
            self._crashed(call, sink, error)

    def _hold(self, call: Call) -> None:
        if self._size > self._endpoint.max_reply_bytes:  # a stream that nobody listens to any more
            call.broke(Reason.MALFORMED, "the answer is too large")
        elif len(self._body) > MANY:
            compact(self._body)

    def _stopped(self, call: Call, sink: Sink | None, error: Exception) -> None:
        if self._complete:  # the answer is whole; whatever follows it is nobody's
            self._keep_alive = False
            if sink is not None:
                door(sink, lambda: self._finish(call))
        elif isinstance(error.__context__, _TooLarge):
            call.broke(Reason.MALFORMED, "the answer is too large")
        elif isinstance(error, httptools.HttpParserCallbackError) and isinstance(error.__context__, Exception):
            self._crashed(call, sink, error.__context__)
        else:
            call.broke(Reason.MALFORMED, f"not valid HTTP: {error}")

    def _crashed(self, call: Call, sink: Sink | None, error: Exception) -> None:
        self._transport.abort()
        call.cancel()
        if sink is not None:
            sink.crashed(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of an answer without length, a cut answer, or an idle connection that leaves the pool."""
        call, self._parser = self._call, None  # it refers to us, and would keep half an answer until some collection
        if call is None:
            self._endpoint.forget(self)
        elif call.stale and not call.heard:
            self._call = None
            call.stale = False
            call.dial()
        elif exc is None and call.sink is not None and self._ends_with_connection():
            self._complete = True
            door(call.sink, lambda: self._finish(call))
        else:
            call.broke(Reason.CONNECTION_CUT, "the connection closed before the answer was complete")

    def drop(self) -> None:
        """Leave the call and close at once."""
        self._call = None
        self._transport.abort()

    def close(self) -> None:
        """Close an idle connection."""
        self._transport.close()

    def pause(self) -> None:
        """Stop reading."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def unused_s(self) -> float:
        """Seconds since the last call; infinite when the connection is closing."""
        return inf if self._transport.is_closing() else monotonic() - self._idle_since

    # -- httptools callbacks

    def on_message_begin(self) -> None:
        """A second answer to one request, in the same read as the first, must not become part of it."""
        if self._complete:
            raise _Surplus

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep header lines, names in lower case; a repeated name keeps its last value; a trailer is no header."""
        if not self._status:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The status is known; a streamed 200 begins."""
        self._status = self._parser.get_status_code()
        call = self._call
        if call is not None and call.sink is not None and self._status == 200 and call.sink.streamed:
            self._streaming = True
            call.sink.began(self._headers)

    def on_body(self, data: bytes) -> None:
        """Collect, within the limit."""
        self._size += len(data)
        if self._size <= self._endpoint.max_reply_bytes or self._streaming:
            self._body.append(data)
        else:
            raise _TooLarge

    def on_message_complete(self) -> None:
        """A final answer is complete; an interim one (1xx) is not an answer (RFC 9110 §15.2)."""
        if self._status >= 200:
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive()  # only valid inside this callback
        else:
            self._status = 0
            self._headers = {}

    # -- ends

    def _ends_with_connection(self) -> bool:
        headers = self._headers
        return (
            self._status >= 200
            and b"content-length" not in headers
            and b"chunked" not in headers.get(b"transfer-encoding", b"").lower()
        )

    def _finish(self, call: Call) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._call = None
        sink = call.released()
        transport = self._transport
        if self._keep_alive and not transport.is_closing() and not transport.get_write_buffer_size():
            self._idle_since = monotonic()
            self._endpoint.release(self)
        else:
            transport.abort()
        if sink is None:
            return
        if self._streaming:
            if body:
                sink.piece(body)
            sink.ended()
            return
        encoding = self._headers.get(b"content-encoding")
        if encoding is not None:
            plain = decompress(body, encoding, self._endpoint.max_reply_bytes)
            if plain is None:
                sink.broke(Reason.MALFORMED, "the answer's content-encoding cannot be undone")
                return
            body = plain
        sink.replied(self._status, self._headers, body)


class _Surplus(Exception):
    """Bytes after the end of an answer."""


class _TooLarge(Exception):
    """More body than may be kept."""


@functools.cache
def _trust() -> ssl.SSLContext:
    """One for the process: each reads the trust store, which takes 50 ms of CPU and a megabyte."""
    return ssl.create_default_context()


class Endpoint:
    """One scheme, host and port: its pool of idle connections and the header lines that all requests share.

    Args:
        base_url: For example `https://api.example.com/v1`.
        headers: Header lines of every request.
        connect_timeout_s: Seconds a new connection may take, TLS included.
        max_reply_bytes: A larger plain answer is broken off; a stream may be longer.
        deadlines: Time limits of all calls of the process.
    """

    def __init__(
        self,
        base_url: str,
        headers: tuple[tuple[str, str], ...],
        connect_timeout_s: float,
        max_reply_bytes: int,
        deadlines: Deadlines,
    ) -> None:
        url = urlsplit(base_url)
        self.loop = asyncio.get_running_loop()
        self.max_reply_bytes = max_reply_bytes
        self.deadlines = deadlines
        self._host = url.hostname or ""
        self._tls = _trust() if url.scheme == "https" else None
        self._port = url.port or (443 if self._tls else 80)
        self._prefix = url.path.rstrip("/")
        self._authority = url.netloc.rpartition("@")[2]
        self.carry(headers)
        self._connect_timeout_s = connect_timeout_s
        self._idle: list[UpstreamConnection] = []

    def carry(self, headers: tuple[tuple[str, str], ...]) -> None:
        """The header lines of heads that are written from now on."""
        self.lines = headers
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in headers)

    def head(self, path: str) -> bytes:
        """Everything of a POST request to `path` up to the value of Content-Length."""
        return (
            f"POST {self._prefix}{path} HTTP/1.1\r\nhost: {self._authority}\r\ncontent-type: application/json\r\n"
            f"accept-encoding: identity\r\n{self._lines}content-length: "
        ).encode("latin-1")

    def call(self, head: bytes, body: bytes, sink: Sink, timeout_s: float) -> Call:
        """Send one request. The sink hears of its end within `timeout_s` seconds unless the timer is stopped."""
        call = Call(self, b"%b%d\r\n\r\n%b" % (head, len(body), body), sink)
        self.deadlines.set(call, timeout_s)
        idle = self._idle
        while idle:
            connection = idle.pop()
            unused_s = connection.unused_s()
            if unused_s < MAX_IDLE_S:
                if unused_s > STALE_AFTER_S:
                    call.stale = True
                call.on(connection)
                return call
            connection.close()
        call.dial()
        return call

    async def connect(self) -> UpstreamConnection:
        """A new connection.

        Raises:
            OSError: Refused, unknown host, TLS failure (`TimeoutError` after the connect timeout).
        """
        async with asyncio.timeout(self._connect_timeout_s):
            _, connection = await self.loop.create_connection(
                lambda: UpstreamConnection(self), self._host, self._port, ssl=self._tls
            )
        return connection

    async def healthy(self, path: str) -> bool:
        """Whether `GET path` on the server's root answers 200 now; for the embedded model's own process."""
        writer = None
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
                writer.write(f"GET {path} HTTP/1.1\r\nhost: {self._authority}\r\nconnection: close\r\n\r\n".encode())
                status_line = await reader.readline()
        except (OSError, ValueError):  # TimeoutError is the first, a line without end the second
            return False
        finally:
            if writer is not None:
                writer.close()
        return status_line.split(b" ", 2)[1:2] == [b"200"]

    def release(self, connection: UpstreamConnection) -> None:
        """Put a connection back for the next call."""
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """An idle connection was closed."""
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close all idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
