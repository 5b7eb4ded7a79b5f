"""GET /health/llm: one real request through the real chain, at most one at a time and not more often than every 5 s."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import msgspec

from roadworthy.core.errors import GatewayError, RoadworthyError
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.edge.ask import ChatAsk
from roadworthy.gateway.edge.client import ClientConnection
from roadworthy.gateway.edge.service import Service

FRESH_S = 5.0
"""A result younger than this is given again, marked with its age: health checks must not become a bill."""
QUESTION = "Answer with one short sentence: what is the capital of France?"
MAX_TOKENS = 24
_JUDGED_BAD = frozenset({"runtime_quality_failed", "stub_in_production_forbidden"})


class _Reply(msgspec.Struct):
    """The part of our own answers that is looked at."""

    error: dict[str, Any] | None = None
    roadworthy: dict[str, Any] | None = None
    model: str = ""


class _Capture:
    """Takes the answer of an exchange instead of a connection."""

    def __init__(self) -> None:
        self.result: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """The whole answer."""
        if not self.result.done():
            self.result.set_result((status, body))

    def begin(self, lines: bytes) -> None:
        """Never called: the probe does not stream."""

    def write(self, data: bytes) -> None:
        """Never called."""

    def end(self) -> None:
        """Never called."""

    def cut(self) -> None:
        """Never called."""


class LiveProbe:
    """Asks the default route.

    Args:
        service: Shared state of the process.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: asyncio.Task[dict[str, Any]] | None = None
        self._last: dict[str, Any] | None = None
        self._last_at = 0.0

    async def answer(self, connection: ClientConnection, key_id: str, identity: str) -> None:
        """Answer a health request; 200 when the model answered, 503 when not."""
        age = monotonic() - self._last_at
        if self._last is None or age > FRESH_S:
            if self._running is None:
                self._running = asyncio.create_task(self._measure(key_id, identity))
            self._last = await asyncio.shield(self._running)
            age = monotonic() - self._last_at
        report = {**self._last, "age_s": round(age, 3)}
        lines = b"x-request-id: %b\r\n" % identity.encode()
        connection.answer(200 if report["ok"] else 503, lines, msgspec.json.encode(report))

    async def _measure(self, key_id: str, identity: str) -> dict[str, Any]:
        try:
            return await self._ask(key_id, identity)
        finally:
            self._last_at = monotonic()
            self._running = None

    async def _ask(self, key_id: str, identity: str) -> dict[str, Any]:
        routed, started = self._service.table.default, monotonic()
        if routed is None:
            return _report(GatewayError("No route is configured.", code="llm_unavailable"), started)
        body = msgspec.json.encode(
            {
                "model": routed.name,
                "max_tokens": MAX_TOKENS,
                "messages": [{"role": "user", "content": QUESTION}],
            }
        )
        capture = _Capture()
        try:
            exchange = self._service.serve(ChatAsk(ChatRequest.parse(body)), capture, identity, key_id, b"no-store")
        except RoadworthyError as error:
            return _report(error, started)
        exchange.start()
        status, answer = await capture.result
        reply = msgspec.json.decode(answer, type=_Reply)
        if status != 200 or reply.roadworthy is None:
            error_object = reply.error or {}
            return {
                "ok": False,
                "llm_ready": False,
                "used_stub": False,
                "quality_passed": False if error_object.get("code") in _JUDGED_BAD else None,
                "pack_key": None,
                "error_type": error_object.get("code", "unexpected_error"),
                "debug_hint": error_object.get("debug_hint", ""),
                "latency_ms": round((monotonic() - started) * 1e3, 1),
                "served_by": None,
            }
        served = reply.roadworthy["attempts"][-1]
        return {
            "ok": True,
            "llm_ready": True,
            "used_stub": reply.roadworthy["stub_used"],
            "quality_passed": {"passed": True, "failed": False}.get(reply.roadworthy["quality"]),
            "pack_key": None,
            "error_type": None,
            "debug_hint": None,
            "latency_ms": round((monotonic() - started) * 1e3, 1),
            "served_by": f"{served['provider']}/{served['model']}",
        }


def _report(error: RoadworthyError, started: float) -> dict[str, Any]:
    return {
        "ok": False,
        "llm_ready": False,
        "used_stub": False,
        "quality_passed": None,
        "pack_key": None,
        "error_type": error.code,
        "debug_hint": str(error),
        "latency_ms": round((monotonic() - started) * 1e3, 1),
        "served_by": None,
    }
