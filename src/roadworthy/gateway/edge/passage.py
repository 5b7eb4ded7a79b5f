"""Files, batches and requests to applications pass through the edge to the worker's socket, piece by piece both ways.

The edge checks the key, names the tenant and bounds the size; it keeps no body. When the worker is slow to take an
upload, reading from the caller pauses, and the other way round; other connections notice nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import httptools
from msgspec.structs import replace

from roadworthy.core.application import MAX_BODY_BYTES, MAX_WAIT_S
from roadworthy.core.errors import AuthError, GatewayError, RoadworthyError, UsageError
from roadworthy.core.ids import request_id
from roadworthy.gateway.edge.request import Request
from roadworthy.gateway.settings import Limits

if TYPE_CHECKING:
    from roadworthy.gateway.edge.client import ClientConnection
    from roadworthy.gateway.edge.service import Service

WHOLE_BYTES = 65_536
"""Answers up to this size are sent as a whole; larger ones, contents of files, pass through in pieces."""
FORM_BYTES = 65_536
"""What may stand around a file in a form."""
METHODS = (b"GET", b"POST", b"DELETE")
ANSWER_S = 60.0
"""The worker stores an upload and answers in that time."""
APPLICATION_ANSWER_S = MAX_WAIT_S + ANSWER_S
"""The same for an application, whose callers may wait for long work."""
CONNECT_S = 5.0
"""A worker that is being started, or started again, has that time to listen."""
_TRY_S = 0.1
APPLICATIONS = b"/api"
PASSED = (
    b"content-type", b"content-length", b"transfer-encoding", b"idempotency-key", b"prefer", b"accept",
)  # fmt: skip
"""Lines of the request that the worker gets."""
KEPT = (
    b"content-type", b"content-length", b"x-request-id", b"retry-after", b"allow", b"location", b"content-disposition",
    b"preference-applied", b"etag", b"x-content-type-options",
)  # fmt: skip
"""Lines of the answer that the caller gets."""
SERVED_BY = b"rw-application"
"""Line of the answer that names the application; for us alone."""
TYPE_LINE = b"content-type: %b\r\n"


Count = Callable[[str, str, float], None]


class Way(NamedTuple):
    """What passes, and within which bounds.

    Attributes:
        what: For messages.
        limits: `max_body_bytes` is the largest body, `request_timeout_s` the longest silence of the caller inside it.
        answer_s: Time that the worker has for its answer, in seconds.
        tell: Told the application (`none` when there is none), the class of the status (`2xx`; `gone` when the caller
            hung up), and the seconds.
    """

    what: str
    limits: Limits
    answer_s: float
    tell: Count


class Passage(asyncio.Protocol):
    """One request to the worker. Stands where an `Exchange` stands on other paths.

    Args:
        caller: Whose request it is.
        request: With its head; the body comes through `feed`.
        target: Path and query.
        identity: Request id.
        tenant: Public id of the caller's key.
        socket: Path of the worker's socket.
        way: Bounds.
        crashed: Told about a bug of ours.
    """

    def __init__(
        self,
        caller: ClientConnection,
        request: Request,
        target: bytes,
        identity: str,
        tenant: str,
        socket: str,
        way: Way,
        crashed: Callable[[BaseException], None],
    ) -> None:
        self._caller = caller
        self._request = request
        self._target = target
        self._identity = identity
        self._tenant = tenant
        self._way = way
        self._max_bytes = way.limits.max_body_bytes
        self._idle_s = way.limits.request_timeout_s
        self._report = crashed
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._parser: Any = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = [self._head()]
        self._sent = 0
        self._asked = self._told = self._done = self._full = False
        self._lines: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._streaming = False
        self._timer = self._loop.call_later(self._idle_s, self._too_slow)
        self._connecting = self._loop.create_task(self._connect(socket))

    def _head(self) -> bytes:
        request = self._request
        lines = [
            b"%b %b HTTP/1.1" % (request.method, self._target), b"host: worker", b"connection: close",
            b"rw-tenant: %b" % self._tenant.encode(), b"x-request-id: %b" % self._identity.encode(),
        ]  # fmt: skip
        lines += [b"%b: %b" % (name, request.headers[name]) for name in PASSED if name in request.headers]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    async def _connect(self, socket: str) -> None:
        until = self._loop.time() + CONNECT_S
        while True:
            try:
                await self._loop.create_unix_connection(lambda: self, socket)
                return
            except OSError:
                if self._loop.time() > until:
                    self._fail(self._away())
                    return
            await asyncio.sleep(_TRY_S)

    # -- the caller's side

    def feed(self, data: bytes) -> None:
        """A piece of the request's body."""
        self._sent += len(data)
        if self._done:
            return
        if self._sent > self._max_bytes:
            self._fail(UsageError(f"The body is larger than {self._max_bytes} bytes.", code="request_too_large"))
            return
        self._timer.cancel()
        self._timer = self._loop.call_later(self._idle_s, self._too_slow)
        if self._told:  # the worker refused it by its head and is gone; the caller hears it when it has sent all
            return
        chunked = b"transfer-encoding" in self._request.headers
        self._write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)

    def ended(self) -> None:
        """The request's body is complete."""
        self._asked = True
        if b"transfer-encoding" in self._request.headers and not self._done and not self._told:
            self._write(b"0\r\n\r\n")
        self._timer.cancel()
        self._timer = self._loop.call_later(self._way.answer_s, self._fail, self._away())
        self._tell()

    def _write(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
            if not self._full:
                self.pause_writing()
        elif not self._transport.is_closing():  # its end is told by connection_lost
            self._transport.write(data)

    def cancel(self) -> None:
        """The caller hung up."""
        self._close("gone")

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught in the handler."""
        self._report(error)
        self._fail(self._away())

    def pause(self) -> None:
        """The caller reads slowly."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """The caller has caught up."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- asyncio.Protocol: the worker's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what came meanwhile."""
        self._transport = cast(asyncio.Transport, transport)
        if self._done:
            self._transport.abort()
            return
        self._transport.writelines(self._waiting)
        self._waiting = []
        if self._full and self._transport.get_write_buffer_size() < WHOLE_BYTES:
            self.resume_writing()

    def pause_writing(self) -> None:
        """The worker takes slowly: read slowly from the caller."""
        self._full = True
        self._caller.hold()

    def resume_writing(self) -> None:
        """The worker has caught up."""
        self._full = False
        self._caller.go_on()

    def data_received(self, data: bytes) -> None:
        """Read the worker's answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(self._away())

    def connection_lost(self, exc: Exception | None) -> None:
        """The worker closed; before the end of its answer that is a failure."""
        if not self._done and not self._told:
            self._fail(self._away())

    # -- httptools callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what the caller is to see."""
        if (name := name.lower()) in KEPT or name == SERVED_BY:
            self._lines[name] = value

    def on_headers_complete(self) -> None:
        """A large answer is passed on from here."""
        large = int(self._lines.get(b"content-length", 0)) > WHOLE_BYTES
        if large and self._asked and self._parser.get_status_code() == 200 and not self._done:
            self._streaming = True
            self._timer.cancel()
            self._caller.begin(self._extra(), TYPE_LINE % self._lines.get(b"content-type", b"application/octet-stream"))

    def on_body(self, data: bytes) -> None:
        """A piece of the answer."""
        if self._done:
            return
        if self._streaming:
            self._caller.write(data)
        else:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """The answer is whole; it is told when the request's body is complete too."""
        self._told = True
        self._tell()

    # -- the end

    def _tell(self) -> None:
        if self._done or not (self._told and self._asked):
            return
        self._close(_class(self._parser.get_status_code()))
        if self._streaming:
            self._caller.end()
            return
        kind = self._lines.get(b"content-type", b"application/json")
        self._caller.answer(self._parser.get_status_code(), self._extra(), b"".join(self._parts), kind)

    def _extra(self) -> bytes:
        kept = (name for name in KEPT[2:] if name in self._lines)
        return b"".join(b"%b: %b\r\n" % (name, self._lines[name]) for name in kept)

    def _too_slow(self) -> None:
        self._fail(UsageError("The request did not arrive completely in time.", code="request_timeout"))

    def _fail(self, error: RoadworthyError) -> None:
        """Tell the caller at once; an answer while its body still comes ends the connection."""
        if self._done:
            return
        self._close(_class(error.spec.http_status))
        if not self._asked:
            self._request.keep_alive = False
        self._caller.fail(error, self._identity)

    def _away(self) -> GatewayError:
        return GatewayError(
            f"{self._way.what} are not available at the moment.",
            "The worker process does not answer.",
            code="worker_unavailable",
            retry_after_s=2.0,
        )

    def _close(self, ended: str) -> None:
        if not self._done:
            name = self._lines.get(SERVED_BY, b"none").decode("latin-1")
            self._way.tell(name, ended, self._loop.time() - self._began)
        self._done = True
        self._timer.cancel()
        self._connecting.cancel()
        self._caller.go_on()
        if self._transport is not None:
            self._transport.abort()


def _class(status: int) -> str:
    return f"{status // 100}xx"


def _uncounted(application: str, status: str, seconds: float) -> None:
    """Nobody wants to know."""


class Passages:
    """Opens passages for requests whose body is still to come.

    Args:
        service: Settings and keys.
        max_file_bytes: Largest file that may be uploaded.
        count: Told about every request to an application; see `Way`.
    """

    def __init__(self, service: Service, max_file_bytes: int, count: Count = _uncounted) -> None:
        self._service = service
        limits = service.settings.limits
        files = replace(limits, max_body_bytes=max_file_bytes + FORM_BYTES)
        self._files = Way("Files and batches", files, ANSWER_S, _uncounted)
        small = replace(limits, max_body_bytes=MAX_BODY_BYTES)
        self._applications = Way("Applications", small, APPLICATION_ANSWER_S, count)
        self.limits = self._files.limits
        """The widest bounds."""

    def way(self, path: bytes) -> Way:
        """The bounds of requests to a path."""
        return self._applications if path.startswith(APPLICATIONS) else self._files

    def open(self, caller: ClientConnection, request: Request, target: bytes) -> Passage:
        """Check the request's head and begin to pass it on.

        Raises:
            AuthError: `unauthorized`, `forbidden`.
            UsageError: `method_not_allowed`, `not_found`.
        """
        service, settings = self._service, self._service.settings
        if request.path.startswith(APPLICATIONS) and request.path[len(APPLICATIONS) :][:1] not in b"/":
            raise UsageError("Nothing is served under this path.", code="not_found")
        if request.method not in METHODS:
            raise UsageError("The path takes GET, POST and DELETE only.", code="method_not_allowed")
        if b"origin" in request.headers:
            raise AuthError("Requests of web pages are not accepted.", "It has an Origin line.", code="forbidden")
        tenant = service.authorize(request.headers.get(b"authorization"), "use", settings.require_key)
        identity = request_id()
        return Passage(
            caller,
            request,
            target,
            identity,
            tenant,
            f"{settings.state_dir}/run/worker.sock",
            self.way(request.path),
            lambda error: service.crashed("passage", error, identity),
        )
