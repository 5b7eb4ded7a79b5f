"""Paths of an edge: the public ones on its port, the internal ones on the worker's own socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from time import monotonic, time
from typing import Any
from urllib.parse import unquote

import msgspec

from roadworthy import __version__
from roadworthy.core.errors import AuthError, GatewayError, RoadworthyError, UnexpectedError, UsageError
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.edge import rekey
from roadworthy.gateway.edge.answer import error_body, error_lines
from roadworthy.gateway.edge.ask import Ask, ChatAsk, EmbeddingsAsk
from roadworthy.gateway.edge.client import ClientConnection
from roadworthy.gateway.edge.health import LiveProbe
from roadworthy.gateway.edge.request import Request
from roadworthy.gateway.edge.scrape import Scraper
from roadworthy.gateway.edge.service import Service
from roadworthy.gateway.edge.sibling import News
from roadworthy.gateway.edge.weights import LoadedWeights
from roadworthy.gateway.finished import Finished

Handle = Callable[[ClientConnection, Request, str], None]

_encode = msgspec.json.Encoder().encode
MODELS = b"/v1/models/"
BEHALF = b"/internal/as/"


class PublicRoutes:
    """What callers may ask for.

    Args:
        service: Shared state of the process.
        scraper: Collects the metrics of all workers.
    """

    def __init__(self, service: Service, scraper: Scraper) -> None:
        self._service = service
        self._scraper = scraper
        self._probe = LiveProbe(service)
        self._weights = LoadedWeights(service.upstreams.values())
        self.draining: Callable[[], bool] = lambda: False
        post, get = (b"POST",), (b"GET", b"HEAD")
        self._table: dict[bytes, tuple[tuple[bytes, ...], Handle]] = {
            b"/v1/chat/completions": (post, self._chat),
            b"/v1/embeddings": (post, self._embeddings),
            b"/v1/models": (get, self._models),
            b"/livez": (get, self._livez),
            b"/readyz": (get, self._readyz),
            b"/health": (get, self._health),
            b"/health/llm": (get, self._health_llm),
            b"/metrics": (get, self._metrics),
        }

    def handle(self, connection: ClientConnection, request: Request, identity: str) -> None:
        """Find the path's handler and let it answer."""
        found = self._table.get(request.path)
        if found is None:
            if not request.path.startswith(MODELS):
                raise UsageError("Nothing is served under this path.", "", "", code="not_found")
            found = ((b"GET", b"HEAD"), self._model)
        methods, handle = found
        if request.method not in methods:
            error = UsageError(f"The path takes {b' or '.join(methods).decode()} only.", code="method_not_allowed")
            lines = error_lines(error, identity) + b"allow: %b\r\n" % b", ".join(methods)
            connection.answer(error.spec.http_status, lines, error_body(error, identity))
            return
        if b"origin" in request.headers:
            # A web page must not use the gateway of whoever looks at it; browsers always name the page's origin.
            raise AuthError(
                "Requests of web pages are not accepted.",
                "The request has an Origin line.",
                "Let the page's own server ask.",
                code="forbidden",
            )
        handle(connection, request, identity)

    def crashed(self, where: str, error: BaseException, request_id: str = "") -> None:
        """A bug of ours was caught."""
        self._service.crashed(where, error, request_id)

    # -- language

    def _chat(self, connection: ClientConnection, request: Request, identity: str) -> None:
        self._serve(connection, request, identity, _parse_chat)

    def _embeddings(self, connection: ClientConnection, request: Request, identity: str) -> None:
        self._serve(connection, request, identity, EmbeddingsAsk.parse)

    def on_behalf(self, connection: ClientConnection, request: Request, identity: str) -> None:
        """Serve a line of a batch, `/internal/as/<key id>/v1/…`, as if the key's holder had asked."""
        key, _, path = request.path[len(BEHALF) :].partition(b"/")
        request.path = b"/" + path
        parse = _LINES.get(request.path)
        if request.method != b"POST" or parse is None:
            raise UsageError("Nothing is served under this path.", code="not_found")
        self._serve(connection, request, identity, parse, key.decode("ascii", "replace"))

    def _serve(
        self,
        connection: ClientConnection,
        request: Request,
        identity: str,
        parse: Callable[[bytes], Ask],
        behalf: str | None = None,
    ) -> None:
        service, started = self._service, monotonic()
        key = "anonymous"
        try:
            key = self._authorize(request, "use") if behalf is None else service.vouch(behalf, "use")
            cached = request.headers.get(b"cache-control")
            exchange = service.serve(parse(request.body), connection, identity, key, cached)
        except RoadworthyError as error:
            service.turned_away(
                Finished(
                    identity,
                    time(),
                    "chat" if request.path == b"/v1/chat/completions" else "embeddings",
                    "",
                    key,
                    False,
                    error.spec.http_status,
                    error.code,
                    "",
                    (),
                    (monotonic() - started) * 1e3,
                )
            )
            raise
        connection.exchange = exchange
        exchange.start()

    def _authorize(self, request: Request, scope: str) -> str:
        service = self._service
        return service.authorize(request.headers.get(b"authorization"), scope, service.settings.require_key)

    # -- models

    def _models(self, connection: ClientConnection, request: Request, identity: str) -> None:
        self._authorize(request, "use")
        data = [_model(name, owner) for name, owner in self._service.table.names()]
        _json(connection, 200, identity, {"object": "list", "data": data})

    def _model(self, connection: ClientConnection, request: Request, identity: str) -> None:
        self._authorize(request, "use")
        name = unquote(request.path[len(MODELS) :].decode("utf-8", "replace"))
        for known, owner in self._service.table.names():
            if known == name:
                _json(connection, 200, identity, _model(known, owner))
                return
        raise UsageError("No model of this name is served.", code="unknown_model", param="model")

    # -- health

    def _livez(self, connection: ClientConnection, request: Request, identity: str) -> None:
        _json(connection, 200, identity, {"status": "alive"})

    def _readyz(self, connection: ClientConnection, request: Request, identity: str) -> None:
        if self.draining():
            raise GatewayError("This gateway is draining.", code="shutting_down", retry_after_s=5.0)
        if not self._service.ready:
            raise GatewayError(
                "No provider of the default route can take a request now.",
                "Its breaker is open, or the embedded model is still loading.",
                code="llm_unavailable",
                retry_after_s=1.0,
            )
        _json(connection, 200, identity, {"status": "ready"})

    def _health(self, connection: ClientConnection, request: Request, identity: str) -> None:
        self._authorize(request, "use")
        if self._weights:
            self._later(connection, self._whole_health(connection, identity), identity)
        else:
            _json(connection, 200, identity, self._parts())

    async def _whole_health(self, connection: ClientConnection, identity: str) -> None:
        weights = await self._weights.told()
        _json(connection, 200, identity, {**self._parts(), "weights": weights})

    def _parts(self) -> dict[str, Any]:
        service = self._service
        parts: dict[str, Any] = {
            "targets": service.breakers(),
            "journal": service.journal_health(),
            "requests_in_flight": service.in_flight,
            "uptime_s": round(monotonic() - service.started_at, 1),
        }
        stores = service.store_health()
        if stores:
            parts["stores"] = stores
        if service.settings.applications:
            parts["applications"] = service.settings.applications
        ok = service.ready and all(each["ok"] for each in (service.journal_health(), *stores.values()))
        return {
            "status": "ok" if ok else "degraded",
            "version": __version__,
            "profile": service.settings.profile,
            "worker": service.worker,
            **parts,
        }

    def _health_llm(self, connection: ClientConnection, request: Request, identity: str) -> None:
        key = self._authorize(request, "use")
        self._later(connection, self._probe.answer(connection, key, identity), identity)

    def _metrics(self, connection: ClientConnection, request: Request, identity: str) -> None:
        self._authorize(request, "operate")
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        self._later(connection, self._scraper.answer(connection, accept, identity), identity)

    def _later(self, connection: ClientConnection, work: Coroutine[Any, Any, None], identity: str) -> None:
        async def door() -> None:
            try:
                await work
            except RoadworthyError as error:
                connection.fail(error, identity)

        def ended(task: asyncio.Task[None]) -> None:
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self._service.crashed("http", error, identity)
                connection.fail(UnexpectedError("The gateway failed to handle this request."), identity)

        connection.task = self._service.loop.create_task(door())
        connection.task.add_done_callback(ended)


class InternalRoutes:
    """What the control process and the other workers ask this worker; reachable only through its socket file.

    Args:
        service: Shared state of the process.
        snapshot: This worker's metrics.
        connections: Number of open public connections.
        reload_keys: Reads the key store again; returns the number of keys.
        behalf: Serves a request in the name of a key, see `PublicRoutes.on_behalf`.
    """

    def __init__(
        self,
        service: Service,
        snapshot: Callable[[], dict[str, Any]],
        connections: Callable[[], int],
        reload_keys: Callable[[], int],
        behalf: Handle,
    ) -> None:
        self._service = service
        self._snapshot = snapshot
        self._connections = connections
        self._reload_keys = reload_keys
        self._behalf = behalf

    def handle(self, connection: ClientConnection, request: Request, identity: str) -> None:
        """Answer at once."""
        what = (request.method, request.path)
        if request.path.startswith(BEHALF):
            self._behalf(connection, request, identity)
            return
        if what == (b"GET", b"/internal/status"):
            _json(connection, 200, identity, self._status())
        elif what == (b"GET", b"/internal/metrics"):
            _json(connection, 200, identity, self._snapshot())
        elif what == (b"POST", b"/internal/breakers/reset"):
            try:
                wanted = msgspec.json.decode(request.body or b"{}", type=_Reset)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                raise UsageError("The request body must be an object with provider and model.") from None
            count = self._service.reset_breakers(wanted.provider, wanted.model)
            _json(connection, 200, identity, {"reset": count})
        elif what == (b"POST", b"/internal/breakers/news"):
            self._service.follow(msgspec.json.decode(request.body, type=News))
            _json(connection, 200, identity, {})
        elif what == (b"POST", b"/internal/cache/clear"):
            cache = self._service.cache
            _json(connection, 200, identity, {"cleared": 0 if cache is None else cache.clear()})
        elif what == (b"POST", b"/internal/secrets"):
            _json(connection, 200, identity, rekey.apply(self._service, rekey.read(request.body)))
        elif what == (b"POST", b"/internal/keys/reload"):
            _json(connection, 200, identity, {"keys": self._reload_keys()})
        else:
            raise UsageError("Nothing is served under this path.", code="not_found")

    def crashed(self, where: str, error: BaseException, request_id: str = "") -> None:
        """A bug of ours was caught."""
        self._service.crashed(where, error, request_id)

    def _status(self) -> dict[str, Any]:
        service = self._service
        return {
            "worker": service.worker,
            "pid": os.getpid(),
            "uptime_s": round(monotonic() - service.started_at, 3),
            "requests_in_flight": service.in_flight,
            "connections": self._connections(),
            "keys": service.key_count,
            "ready": service.ready,
            "breakers": service.breakers(),
            "modes": [] if service.modes is None else service.modes.view(),
            "stores": service.store_health(),
            "secrets_generation": service.secrets_generation,
            "cache": {"enabled": False} if service.cache is None else service.cache.status(),
        }


class _Reset(msgspec.Struct):
    provider: str | None = None
    model: str | None = None


def _parse_chat(body: bytes) -> ChatAsk:
    return ChatAsk(ChatRequest.parse(body))


_LINES: dict[bytes, Callable[[bytes], Ask]] = {
    b"/v1/chat/completions": _parse_chat,
    b"/v1/embeddings": EmbeddingsAsk.parse,
}


def _model(name: str, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def _json(connection: ClientConnection, status: int, identity: str, value: object) -> None:
    connection.answer(status, b"x-request-id: %b\r\n" % identity.encode(), _encode(value))
