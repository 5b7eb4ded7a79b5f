"""One request of a caller as the edge keeps it, and the words of HTTP that it needs."""

from __future__ import annotations

from typing import Protocol

from roadworthy.core.errors import UsageError
from roadworthy.gateway.settings import Limits

MAX_URL_BYTES = 2_048
MAX_PIPELINED = 32
"""Requests that may wait behind one that is being answered; with more the connection closes after these."""
LARGE_BODY_BYTES = 65_536
"""A waiting request of this size stops the reading: what waits must not fill the memory."""
MOST_FRAMING = 6
"""Bytes on the wire for a byte of body that comes in chunks of one byte: no honest sender needs more."""
SLASH = 47
GONE_PROBE_S = 0.1
LINGER_S = 5.0
"""How long a refused caller may go on sending before the connection is reset."""
MOSTLY_FRAMING = UsageError("The request's body is mostly framing.", code="request_too_large")
CLOSE = b"connection: close\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WANTED = frozenset(
    b"authorization host expect content-type content-length transfer-encoding upgrade origin accept"
    b" cache-control idempotency-key prefer".split()
)
LISTS = frozenset({b"accept", b"cache-control", b"prefer"})
"""Lines that may come more than once and then mean one list (RFC 9110 §5.3)."""
PASSED_ON = (b"/v1/files", b"/v1/batches", b"/api")
"""Paths that the worker process answers; their bodies are passed on piece by piece."""
EVENT_STREAM = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
REASONS = {
    200: b"OK",
    201: b"Created",
    202: b"Accepted",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    406: b"Not Acceptable",
    408: b"Request Timeout",
    409: b"Conflict",
    410: b"Gone",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    422: b"Unprocessable Content",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}


class Work(Protocol):
    """What is done for a request while its connection waits."""

    def cancel(self) -> None:
        """The caller hung up."""
        ...

    def pause(self) -> None:
        """The caller reads slowly."""
        ...

    def resume(self) -> None:
        """The caller has caught up."""
        ...

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught at a door."""
        ...


class Request:
    """One request as received. `headers` holds only the names in `WANTED`, in lower case."""

    __slots__ = ("body", "headers", "keep_alive", "method", "path", "version")

    def __init__(self) -> None:
        self.method = b""
        self.path = b""
        self.version = "1.1"
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.keep_alive = True


def fault_of(request: Request, lines: int, target_bytes: int, limits: Limits) -> tuple[UsageError, int] | None:
    """Why a request must be refused for its head alone, with the status of the answer; None when it may go on.

    Args:
        request: With method, version and headers.
        lines: Number of its header lines.
        target_bytes: Length of its target.
        limits: Bounds of clients.
    """
    headers = request.headers
    if lines > limits.max_headers:
        return UsageError("The request has too many header lines.", code="request_too_large"), 431
    if target_bytes > MAX_URL_BYTES:
        return UsageError("The request's path is too long.", code="request_too_large"), 431
    if request.version not in {"1.1", "1.0"}:
        return UsageError("The HTTP version is not supported.", "This port speaks HTTP/1.1."), 400
    if request.version == "1.1" and b"host" not in headers:
        return UsageError("The request has no Host line.", "HTTP/1.1 requires one."), 400
    if int(headers.get(b"content-length", 0)) > limits.max_body_bytes:
        return too_large(limits)
    if request.method == b"CONNECT":
        return UsageError("The request asks for a tunnel.", "This is no proxy."), 400
    coding = headers.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or request.version == "1.0"):
        return UsageError("The transfer coding is not supported.", "HTTP/1.1 and chunked only."), 400
    return None


def too_large(limits: Limits) -> tuple[UsageError, int]:
    """The refusal of a body over the limit."""
    return UsageError(f"The body is larger than {limits.max_body_bytes} bytes.", code="request_too_large"), 413


def without_upgrade(request: Request, url: bytes) -> bytes:
    """The request's head again, without the wish for another protocol: a server may ignore it (RFC 9110 §7.8), but
    the parser stopped before the body. What follows the request is not looked at any more."""
    lines = [b"%b %b HTTP/%b" % (request.method, url, request.version.encode()), b"connection: close"]
    lines += [b"%b: %b" % line for line in request.headers.items() if line[0] != b"upgrade"]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def origin_form(target: bytes) -> bytes:
    """The path of a target in absolute form, which every server must take (RFC 9112 §3.2.2)."""
    authority, slash, path = target.partition(b"://")[2].partition(b"/")
    return slash + path if authority else target
