"""What the console needs of the admin API: sessions to sign people in with, and what stands behind the routes."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.errors import AuthError, GatewayError, UsageError
from roadworthy.gateway.console_session import SessionStore
from roadworthy.gateway.keys import KeyStore
from roadworthy.serve.control_access import SIGN_IN
from roadworthy.serve.control_routes import answer, key_told, read_body
from roadworthy.serve.control_workers import Workers

FAILURES = 5
"""So many refused keys of one address within `WINDOW_S` seconds are looked at; then it waits."""
WINDOW_S = 60.0
_PEERS = 256


class TargetSettings(msgspec.Struct, frozen=True):
    """One model that routes can be served by.

    Attributes:
        provider: Its provider's name.
        model: Its name there; `*` for any.
        kind: Kind of the provider.
        has_key: Whether a key is configured for it.
        routes: Names of the routes and modes whose chain it is in.
    """

    provider: str
    model: str
    kind: str
    has_key: bool
    routes: tuple[str, ...]


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /admin/console/session`: a key or a ticket, and the address of the browser that sent it."""

    key: str | None = None
    ticket: str | None = None
    peer: str = ""


class FailureLimit:
    """Counts refused sign-ins by address; the most recent addresses only, so that it cannot grow.

    Args:
        clock: Time.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, peer: str) -> float:
        """Seconds until this address may try again; 0 when it may now."""
        times = self._seen.get(peer)
        if times is None or len(times) < FAILURES:
            return 0.0
        return max(0.0, times[0] + WINDOW_S - self._clock.monotonic())

    def failed(self, peer: str) -> None:
        """Note a refusal."""
        self._seen.setdefault(peer, deque(maxlen=FAILURES)).append(self._clock.monotonic())
        self._seen.move_to_end(peer)
        if len(self._seen) > _PEERS:
            self._seen.popitem(last=False)


class ConsoleDesk:
    """Signs in and out, and tells what the console shows of the configuration.

    Args:
        keys: The key store.
        sessions: Sessions on it.
        workers: The edge workers, who learn of new and revoked keys.
        targets: What routes can be served by.
        limit: Counts refused sign-ins.
    """

    def __init__(
        self,
        keys: KeyStore,
        sessions: SessionStore,
        workers: Workers,
        targets: tuple[TargetSettings, ...] = (),
        limit: FailureLimit | None = None,
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._workers = workers
        self._targets = targets
        self._limit = limit or FailureLimit()

    def routes(self) -> list[Route]:
        """Paths and what answers them."""
        return [
            Route(SIGN_IN, self.sign_in, methods=["POST"]),
            Route(SIGN_IN, self.who, methods=["GET"]),
            Route(SIGN_IN, self.sign_out, methods=["DELETE"]),
            Route("/admin/targets", self.targets, methods=["GET"]),
        ]

    async def sign_in(self, request: Request) -> JSONResponse:
        """A session for an admin key or a ticket. Its door is here: `AdminOnly` lets this one request pass."""
        asked = await read_body(request, SignIn)
        peer = asked.peer[:64] or (request.client.host if request.client else "")
        if (asked.key is None) == (asked.ticket is None):
            raise UsageError("A sign-in needs a key or a ticket.", "It has both or none.", param="key")
        if asked.ticket is not None:
            # 256 random bits that live ten minutes cannot be guessed, and the owner must get in past any flood.
            found = await run_in_threadpool(self._sessions.sign_in_by_ticket, asked.ticket, peer)
        else:
            found = await self._by_key(asked.key or "", peer)
        await self._tell_workers()
        key, secret = found
        return answer(request, {"key": key_told(key), "secret": secret}, 201)

    async def _by_key(self, secret: str, peer: str) -> Any:
        wait = self._limit.wait_s(peer)
        if wait > 0:
            raise GatewayError(
                "Too many keys were refused.",
                f"{FAILURES} within {WINDOW_S:.0f} s from one address.",
                "Wait, or run `roadworthy console` where the gateway runs: its link always works.",
                code="rate_limited",
                retry_after_s=wait,
            )
        try:
            return await run_in_threadpool(self._sessions.sign_in_by_key, secret, peer)
        except AuthError:
            self._limit.failed(peer)
            raise

    async def who(self, request: Request) -> JSONResponse:
        """The key that asks, and whether it is that of a session."""
        key = await run_in_threadpool(self._keys.get, request.state.key_id)
        session = await run_in_threadpool(self._sessions.is_session, key.id)
        return answer(request, {"key": key_told(key), "session": session, "now": time.time()})

    async def sign_out(self, request: Request) -> JSONResponse:
        """Revoke the session that asks; a key that is none is left alone."""
        ended = await run_in_threadpool(self._sessions.sign_out, request.state.key_id)
        if not ended:
            raise UsageError("This key is not that of a session.", "It was left as it is.")
        await self._tell_workers()
        return answer(request, {"ended": True})

    async def targets(self, request: Request) -> JSONResponse:
        """What routes can be served by, as configured; whether they can be asked now, `/admin/breakers` tells."""
        return answer(request, {"targets": [msgspec.to_builtins(target) for target in self._targets]})

    async def _tell_workers(self) -> None:
        await self._workers.ask("POST", "/internal/keys/reload")
