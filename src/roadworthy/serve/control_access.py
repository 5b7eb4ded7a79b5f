"""Who may use the admin API: holders of a key with scope `admin`, for every path and method, known or not."""

from __future__ import annotations

import hashlib
import math
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from roadworthy.core.errors import AuthError, RoadworthyError, StorageError
from roadworthy.core.ids import request_id
from roadworthy.gateway.edge.answer import error_object
from roadworthy.gateway.keys import Key

SIGN_IN = "/admin/console/session"
"""A POST to it carries a key or a ticket in its body and is checked by its route."""


class AdminKeys(Protocol):
    """What is asked of a key store here."""

    def has_admin(self) -> bool:
        """Whether a valid admin key exists."""
        ...

    def find(self, sha256: str) -> Key | None:
        """The valid key with this SHA-256 (hex), if there is one."""
        ...


class AdminOnly:
    """ASGI middleware that lets admins through and answers everyone else, before any route is looked up.

    Args:
        app: What admins reach.
        keys: The key store; asked for each request, so that a revocation holds at once.
    """

    def __init__(self, app: ASGIApp, keys: AdminKeys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        scope["state"]["request_id"] = request_id()
        if scope["path"] == SIGN_IN and scope["method"] == "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            key = await run_in_threadpool(self._check, request.headers.get("authorization", ""))
        except (AuthError, StorageError) as error:
            await error_response(request, error)(scope, receive, send)
            return
        scope["state"]["key_id"] = key.id
        await self._app(scope, receive, send)

    def _check(self, header: str) -> Key:
        if not self._keys.has_admin():
            raise AuthError("The admin API is off.", "No admin key exists.", code="admin_disabled")
        kind, _, secret = header.partition(" ")
        # surrogatepass: header bytes that are no text must lead to a refusal, not to an exception.
        digest = hashlib.sha256(secret.strip().encode("utf-8", "surrogatepass")).hexdigest()
        key = self._keys.find(digest) if kind.lower() == "bearer" and secret.strip() else None
        if key is None:
            raise AuthError(
                "A valid admin key is needed.",
                "The request has none." if not header else "The key is not valid.",
                "Send `Authorization: Bearer <key>`; `roadworthy key create NAME --scope admin` makes one.",
            )
        if "admin" not in key.scopes:
            raise AuthError("The key may not use the admin API.", "It lacks the scope admin.", code="forbidden")
        return key


def error_response(request: Request, error: RoadworthyError) -> JSONResponse:
    """An error in the shape of all our HTTP answers."""
    number = request.state.request_id
    headers = {"x-request-id": number, "cache-control": "no-store"}
    if error.spec.http_status == 401:
        headers["www-authenticate"] = "Bearer"
    if error.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    return JSONResponse({"error": error_object(error, number)}, error.spec.http_status, headers)
