"""Requests to applications over HTTP, on the worker's own socket. The edge has checked the key and names its tenant."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roadworthy.core.application import MAX_BODY_BYTES, MAX_WAIT_S, REPLY_HEADERS, Call, Later, Reply
from roadworthy.core.errors import UnexpectedError, UsageError
from roadworthy.serve.application_host import Hosted, RouteTable
from roadworthy.serve.worker_header import TENANT, served_by

POLL_S = 0.2
"""How often a reply that is not there yet is asked for."""
MAX_REPLY_BYTES = 64 * 1024 * 1024
MAX_OTHER_BYTES = 4 * 1024 * 1024
"""Largest body with another status than 200, which the edge keeps in memory."""
MAX_FIELDS = 100
PASSED_HEADERS = ("content-type", "idempotency-key", "prefer", "accept")
_STATUSES = frozenset({200, 201, 202, *range(400, 600)})
_LINE = re.compile(r"[ -~]{0,4096}")

Parts = Callable[[], Awaitable[Sequence[Hosted]]]


class ApplicationRoutes:
    """Answers the edge.

    Args:
        parts: Gives the applications; they are started at the first use.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._table: RouteTable | None = None

    def routes(self) -> list[Route]:
        """Paths and what answers them."""
        return [
            Route("/api", self.list_applications, methods=["GET"]),
            Route("/api/{rest:path}", self.answer, methods=["GET", "POST", "DELETE"]),
        ]

    async def list_applications(self, request: Request) -> Response:
        """The applications of this installation."""
        return _response(request, Reply({"applications": [one.view() for one in await self._parts()]}))

    async def answer(self, request: Request) -> Response:
        """Let the application answer whose route it is."""
        hosted = await self._parts()
        if self._table is None:
            self._table = RouteTable(hosted)
        found = self._table.find(request.method, request.scope["raw_path"])
        call = Call(
            request.headers[TENANT],
            request.headers.get("x-request-id", ""),
            found.values,
            _query(request),
            {name: request.headers[name] for name in PASSED_HEADERS if name in request.headers},
            await _body(request),
        )
        request.state.application = found.application
        reply = await run_in_threadpool(found.route.answer, call)
        if isinstance(reply, Later):
            reply = await _wait(request, reply)
        return _response(request, reply)


async def _wait(request: Request, later: Later) -> Reply:
    """Ask until the reply is there, its time is over, or the caller is gone; what it is about goes on."""
    until = time.monotonic() + min(later.wait_s, MAX_WAIT_S)
    while (reply := await run_in_threadpool(later.ready)) is None:
        left = until - time.monotonic()
        if left <= 0 or await request.is_disconnected():
            return await run_in_threadpool(later.late)
        await asyncio.sleep(min(POLL_S, left))
    return reply


def _query(request: Request) -> dict[str, str]:
    raw = request.scope["query_string"].decode("latin-1")
    try:
        return dict(parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
    except ValueError:  # UnicodeDecodeError is one
        raise UsageError(
            "The query string is not usable.", f"It is no UTF-8, or has over {MAX_FIELDS} fields."
        ) from None


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise UsageError(f"The body is larger than {MAX_BODY_BYTES} bytes.", code="request_too_large")
        pieces.append(piece)
    return b"".join(pieces)


def _response(request: Request, reply: Reply) -> Response:
    """The reply on the wire, held to the contract.

    Raises:
        UnexpectedError: `unexpected_error`: the application broke it.
    """
    body, kind = reply.body, reply.content_type
    if not isinstance(body, bytes):
        body, kind = msgspec.json.encode(body), "application/json"
    lines = {name.lower(): value for name, value in reply.headers.items()}
    most = MAX_REPLY_BYTES if reply.status == 200 else MAX_OTHER_BYTES
    if reply.status not in _STATUSES or len(body) > most or not REPLY_HEADERS.issuperset(lines):
        raise UnexpectedError("The application gave a reply that cannot be sent: a bug of it.")
    if not all(map(_LINE.fullmatch, (kind, *lines.values()))):
        raise UnexpectedError("The application gave a header line that cannot be sent: a bug of it.")
    lines["content-type"] = kind
    lines["x-content-type-options"] = "nosniff"
    lines["x-request-id"] = request.headers.get("x-request-id", "")
    lines.update(served_by(request))
    return Response(body, reply.status, lines)
