"""The client half of the data plane: one caller's HTTP/1.1 connection as an asyncio protocol.

llhttp (strict mode) parses; this class bounds what may arrive, keeps pipelined requests in order, and answers. Sources:
RFC 9112 (framing, §6.3 message body length, §9.3.2 pipelining, §9.6 tear-down), RFC 9110 §10.1.1 (Expect).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools

from roadworthy.core.errors import GatewayError, RoadworthyError, UsageError
from roadworthy.core.ids import request_id
from roadworthy.gateway.edge.answer import error_body, error_lines, refusal
from roadworthy.gateway.edge.parts import MANY, compact, slices
from roadworthy.gateway.edge.request import (
    CLOSE,
    CONTINUE,
    EVENT_STREAM,
    GONE_PROBE_S,
    LARGE_BODY_BYTES,
    LINGER_S,
    LISTS,
    MAX_PIPELINED,
    MAX_URL_BYTES,
    MOST_FRAMING,
    MOSTLY_FRAMING,
    PASSED_ON,
    REASONS,
    SLASH,
    WANTED,
    Request,
    Work,
    fault_of,
    origin_form,
    too_large,
    without_upgrade,
)

if TYPE_CHECKING:
    from roadworthy.gateway.edge.passage import Passage, Passages
    from roadworthy.gateway.edge.server import Server


class ClientConnection(asyncio.Protocol):
    """One caller. Implements `exchange.Caller` for the request that is being answered.

    Args:
        server: Limits, routes and the set of live connections.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # set before any other callback
        self._parser: Any = httptools.HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._incoming: Request | None = None
        self._current: Request | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._url = b""
        self._header_bytes = 0
        self._headers = 0
        self._in_head = self._in_chunks = False
        self._max_header_bytes = server.limits.max_header_bytes
        self._wire = 0  # bytes of the body with its framing
        self._expects = False
        self._passage: Passage | None = None
        self._upgrading: Request | None = None
        self._refusal: RoadworthyError | None = None
        self._refusal_status = 0
        self._deaf = False  # nothing more is read: an error was answered or is about to be
        self._dropped = 0
        self._version: str | None = None
        self._eof = False
        self._chunked = False
        self._began = False
        self._since = server.now
        self._paused_since: float | None = None
        self.exchange: Work | Passage | None = None
        self.task: asyncio.Task[None] | None = None

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register; over the limit of connections say so and close."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._server.register(self):
            self._deaf = True
            self._refuse(
                GatewayError("This gateway is at its limit of connections.", code="overloaded", retry_after_s=1)
            )

    def data_received(self, data: bytes) -> None:
        """Feed the parser within the limits."""
        if self._deaf:
            self._drop(data)
            return
        size = counted = len(data)
        if self._incoming is None:
            self._since = self._server.now
            self._header_bytes = size
        elif self._in_head:
            self._header_bytes = counted = self._header_bytes + size
        else:
            self._wire += size
        if counted > self._max_header_bytes and (self._incoming is None or self._in_head or self._in_chunks):
            self._in_slices(data)
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError) as error:
            self._stopped(data, error)
        if self._in_head or self._wire:
            self._check_size()
        if self._queue and (len(self._queue) >= MAX_PIPELINED // 2 or self._size > LARGE_BODY_BYTES):
            self.hold()

    def _in_slices(self, data: bytes) -> None:
        """A header or a chunk extension over the limit could hide in so much."""
        if self._in_chunks:
            self._wire -= len(data)
        else:
            self._header_bytes -= len(data)
        for piece in slices(data, self._max_header_bytes - self._header_bytes, self._max_header_bytes):
            self.data_received(piece)

    def _stopped(self, data: bytes, why: Exception) -> None:
        if self._deaf:
            return
        request, self._upgrading = self._upgrading, None
        if isinstance(why, httptools.HttpParserError):
            self._bad(UsageError("The request is not valid HTTP.", f"{why}."), 400)
        elif request is not None:
            self._parser = httptools.HttpRequestParser(self)
            self.data_received(without_upgrade(request, self._url) + data[why.args[0] :])

    def _check_size(self) -> None:
        if len(self._parts) > MANY:
            compact(self._parts)
        if self._deaf:
            return
        if self._in_head and self._header_bytes >= self._max_header_bytes:
            self._bad(UsageError("The request's header is too large.", code="request_too_large"), 431)
        elif not self._in_head and self._mostly_framing():
            self._bad(MOSTLY_FRAMING, 413)

    def _mostly_framing(self) -> bool:
        return self._wire > self._size * MOST_FRAMING + self._max_header_bytes

    def hold(self) -> None:
        """Read no more for now."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _drop(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > (self._server.passages or self._server).limits.max_body_bytes:
            self._transport.abort()

    def eof_received(self) -> bool:
        """A half-closed caller still gets its answers (RFC 9112 §9.6); with nothing to answer the connection closes."""
        self._eof = True
        if self._current is not None:
            self._is_anybody_there(self._current)
            self._server.loop.call_later(GONE_PROBE_S, self._is_anybody_there, self._current)
        return self._current is not None or bool(self._queue) or self._refusal is not None

    def _is_anybody_there(self, request: Request) -> None:
        """Whoever hung up looks like whoever only finished sending, until something is sent: an interim answer, which
        every HTTP/1.1 caller must skip (RFC 9110 §15.2). The first provokes a reset, the second runs into it."""
        if self._current is request and not self._began and request.version == "1.1":
            self._transport.write(CONTINUE)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone: stop working for it."""
        self._deaf = True
        self._queue.clear()
        self._incoming = self._current = self._upgrading = None
        self._parts = []
        self._parser = None  # it refers to us: what nobody refers to any more is freed now, not at some collection
        self._server.unregister(self)
        if self.exchange is not None:
            self.exchange.cancel()
            self.exchange = None
        if self.task is not None:
            self.task.cancel()
            self.task = None

    def pause_writing(self) -> None:
        """The caller reads slowly: read slowly from the provider, and take no more requests."""
        self._paused_since = self._server.now
        self.hold()
        if self.exchange is not None:
            self.exchange.pause()

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._paused_since = None
        if self._deaf:
            self._since = self._server.now
        if self.exchange is not None:
            self.exchange.resume()
        if self._current is None:
            self._turn()
        if not self._queue and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- httptools callbacks

    def on_message_begin(self) -> None:
        """A request begins."""
        self._incoming = Request()
        self._in_head = True
        self._in_chunks = False
        self._url = b""
        self._size = self._headers = self._wire = 0
        self._parts = []

    def on_url(self, url: bytes) -> None:
        """The target, possibly in parts."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is needed; refuse what is ambiguous."""
        self._headers += 1
        name = name.lower()
        if name not in WANTED or self._incoming is None or not self._in_head:  # a trailer is no header
            return
        headers = self._incoming.headers
        if name in headers and name not in LISTS:
            self._refuse_later(UsageError("A header line is given twice.", f"`{name.decode()}` may appear once."), 400)
        headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value

    def on_headers_complete(self) -> None:
        """All header lines are known: check them before any body is read."""
        self._in_head = False
        request = self._incoming
        if request is None:
            return
        parser, limits, headers, url = self._parser, self._server.limits, request.headers, self._url
        request.method = parser.get_method()
        if self._version is None:  # asking costs as much as all the rest; see `_check_head` for who changes it
            self._version = parser.get_http_version()
        request.version = self._version
        request.path = url.partition(b"?")[0] if b"?" in url else url
        if (
            self._headers > limits.max_headers
            or len(url) > MAX_URL_BYTES
            or url[0] != SLASH
            or self._version != "1.1"
            or b"host" not in headers
            or b"expect" in headers
            or b"transfer-encoding" in headers
            or b"upgrade" in headers
            or int(headers.get(b"content-length", 0)) > limits.max_body_bytes
            or url.startswith(PASSED_ON)
        ):
            self._check_head(request)

    def _check_head(self, request: Request) -> None:
        request.version = self._parser.get_http_version()
        passages = self._server.passages if request.path.startswith(PASSED_ON) else None
        bounds = self._server if passages is None else passages.way(request.path)
        fault = fault_of(request, self._headers, len(self._url), bounds.limits)
        if fault is not None:
            self._refuse_later(*fault)
            return
        self._in_chunks = b"transfer-encoding" in request.headers
        if request.path[0] != SLASH:
            request.path = origin_form(request.path)
        if self._parser.should_upgrade():
            self._upgrading = request
        elif request.headers.get(b"expect", b"").lower() == b"100-continue" and request.version == "1.1":
            self._expects = True
            if self._current is None:
                self._turn()
        if passages is not None:
            self._pass_on(request, passages)

    def _pass_on(self, request: Request, passages: Passages) -> None:
        """The worker answers this one, and gets the body while it comes; so nothing may be answered before it."""
        try:
            if self._current is not None or self._queue or self._upgrading is not None:
                raise UsageError("Requests for files, batches and applications can neither be pipelined nor upgraded.")
            self.exchange = self._passage = passages.open(self, request, self._url)
            self._current = request
        except RoadworthyError as error:
            self._refuse_later(error, error.spec.http_status)

    def on_body(self, data: bytes) -> None:
        """Collect, within the limit."""
        self._size += len(data)
        if self._passage is not None:
            self._passage.feed(data)
            return
        if self._size > self._server.limits.max_body_bytes:
            self._parts.clear()
            self._refuse_later(*too_large(self._server.limits))
        elif self._refusal is None:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """A request is complete: answer it, or let it wait its turn."""
        request, self._incoming = self._incoming, None
        self._header_bytes = 0
        in_chunks, self._in_chunks = self._in_chunks, False
        if request is None or self._deaf or self._refusal is not None or self._upgrading is not None:
            return
        if in_chunks and self._mostly_framing():  # the last slice may hold 1 limit of the next request, no more
            self._refuse_later(MOSTLY_FRAMING, 413)
            return
        if self._passage is not None:
            passage, self._passage = self._passage, None
            passage.ended()
            return
        request.keep_alive = self._parser.should_keep_alive()
        if not request.keep_alive:  # as in HTTP/1.0
            request.version = self._parser.get_http_version()
        parts = self._parts
        request.body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = []
        if self._current is None and self._paused_since is None:
            self._current = request
            self._server.handle(self, request)
        elif len(self._queue) < MAX_PIPELINED:
            self._queue.append(request)
        else:
            self._deaf = True

    # -- Caller: the answer to the current request

    def answer(self, status: int, lines: bytes, body: bytes, kind: bytes = b"application/json") -> None:
        """A whole answer."""
        request = self._current
        if request is None or self._transport.is_closing():
            return
        last = self._last(request)
        reason, date, close = REASONS.get(status, b"Unknown"), self._server.date, CLOSE if last else b""
        shown = b"" if request.method == b"HEAD" else body
        self._transport.write(
            b"HTTP/1.1 %d %b\r\ndate: %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (status, reason, date, kind, len(body), lines, close, shown)
        )
        self._answered(last)

    def fail(self, error: RoadworthyError, identity: str) -> None:
        """An error as answer; inside a stream there is no place for one."""
        if self._began:
            self.cut()
            return
        self.answer(error.spec.http_status, error_lines(error, identity), error_body(error, identity))

    def begin(self, lines: bytes, kind: bytes = EVENT_STREAM) -> None:
        """The header of a stream; HTTP/1.0 callers get it without transfer coding, ended by the connection's end."""
        request = self._current
        if request is None:
            return
        self._began = True
        self._chunked = request.version == "1.1"
        if not self._chunked:
            request.keep_alive = False
        coding = b"transfer-encoding: chunked\r\n" if self._chunked else b""
        head = (self._server.date, kind, lines, coding, CLOSE if self._last(request) else b"")
        self._transport.write(b"HTTP/1.1 200 OK\r\ndate: %b\r\n%b%b%b%b\r\n" % head)

    def write(self, data: bytes) -> None:
        """Bytes of a stream."""
        if self._transport.is_closing():
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        """The stream is complete."""
        if self._current is None or self._transport.is_closing():
            return
        if self._chunked:
            self._transport.write(b"0\r\n\r\n")
        self._answered(self._last(self._current))

    def cut(self) -> None:
        """The stream is not complete: what was written leaves, the end mark of the transfer coding never does."""
        self._answered(True)

    # -- turns

    @property
    def idle(self) -> bool:
        """Nothing is being received or answered."""
        return self._current is None and self._incoming is None

    def close(self) -> None:
        """Close after what was written has left."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def sweep(self, now: float) -> None:
        """Close what takes too long: silent, slow to send, slow to read. Called about twice a second."""
        limits = self._server.limits
        waited = now - self._since
        if self._paused_since is not None:
            if now - self._paused_since > limits.write_timeout_s:
                self._transport.abort()
        elif self._current is not None:
            return
        elif self._deaf:
            if waited > (limits.write_timeout_s if self._transport.get_write_buffer_size() else LINGER_S):
                self._transport.abort()
        elif self._incoming is None:
            if waited > limits.idle_timeout_s:
                self._transport.abort() if self._transport.get_write_buffer_size() else self._transport.close()
        elif waited > (limits.header_timeout_s if self._in_head else limits.request_timeout_s):
            self._bad(UsageError("The request did not arrive completely in time.", code="request_timeout"), 408)

    def _last(self, request: Request) -> bool:
        return (
            not request.keep_alive
            or self._server.draining
            or (self._deaf and not self._queue and self._refusal is None)
        )

    def _answered(self, last: bool) -> None:
        self._current = self.exchange = self.task = None
        self._began = False
        self._since = self._server.now
        if last:
            self._deaf = True
            self._refusal = None
            self._queue.clear()
            self._transport.close()
        elif self._queue or self._expects or self._eof or self._refusal is not None:
            self._turn()

    def _turn(self) -> None:
        """Nothing is being answered: what is next on this connection?"""
        if self._queue:
            if self._paused_since is None:
                self._current = self._queue.popleft()  # now, so that nothing that arrives can overtake it
                self._server.loop.call_soon(self._next, self._current)
        elif self._refusal is not None:
            if self._deaf:
                self._refuse(self._refusal, self._refusal_status)
        elif self._eof:
            self._transport.close()
        elif self._expects:
            self._expects = False
            if self._incoming is not None:
                self._transport.write(CONTINUE)

    def _next(self, request: Request) -> None:
        if self._current is request and not self._transport.is_closing():
            self._server.handle(self, request)
            if not self._queue and not self._deaf and self._paused_since is None:
                self._transport.resume_reading()

    # -- refusals: the connection's state is unknown afterwards, so it closes
    def _refuse_later(self, error: RoadworthyError, status: int) -> None:
        if self._refusal is None:
            self._refusal, self._refusal_status = error, status
            self._server.loop.call_soon(self._settle)

    def _settle(self) -> None:
        if self._refusal is not None and not self._deaf:
            self._bad(self._refusal, self._refusal_status)

    def _bad(self, error: RoadworthyError, status: int) -> None:
        """Refuse and close; earlier requests of the connection are answered first."""
        self._deaf = True
        self._refusal, self._refusal_status = error, status
        if self._current is None and not self._queue:
            self._refuse(error, status)

    def _refuse(self, error: RoadworthyError, status: int = 0) -> None:
        self._refusal = None
        identity = request_id()
        status = status or error.spec.http_status
        self._transport.write(refusal(error, status, identity, REASONS.get(status, b"Unknown"), self._server.date))
        self._server.refused(error, status)
        self._since = self._server.now
        self._linger()

    def _linger(self) -> None:
        """Say that nothing follows, then read on and drop it: closing at once would reset the connection and with it
        the answer that is still on its way (RFC 9112 §9.6)."""
        if self._eof or not self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.write_eof()
            self._transport.resume_reading()
