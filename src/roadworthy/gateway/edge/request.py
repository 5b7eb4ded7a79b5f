"""One request of a caller as the edge keeps it, and the words of HTTP that it needs."""

from __future__ import annotations

WANTED = frozenset(b"authorization host expect content-length transfer-encoding upgrade origin accept".split())
REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    422: b"Unprocessable Content",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
}


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
