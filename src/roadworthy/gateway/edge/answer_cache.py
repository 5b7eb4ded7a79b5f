"""What the requests of one process share when answers are cached: the store, the lifetime, the flights, the counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from roadworthy.core.clock import SystemClock
from roadworthy.core.ports import Cache
from roadworthy.gateway.cache.directive import read_directive
from roadworthy.gateway.cache.memory import MemoryCache
from roadworthy.gateway.cache.rules import rules_of
from roadworthy.gateway.cache.ttl import AdaptiveTtl
from roadworthy.gateway.edge.ask import Ask, ChatAsk
from roadworthy.gateway.edge.deadline import Deadlines
from roadworthy.gateway.edge.flight import Flight
from roadworthy.gateway.edge.routing import Routed
from roadworthy.gateway.edge.visit import Visit
from roadworthy.gateway.settings import CacheSettings, Route, SemanticSettings

if TYPE_CHECKING:
    from roadworthy.gateway.cache.similar import SimilarQuestions
    from roadworthy.gateway.edge.caller import Caller
    from roadworthy.gateway.edge.service import Service


class AnswerCache:
    """The cache of one edge process.

    Args:
        settings: What is kept, how long, and whether similar questions share answers.
        service: The process.
        deadlines: Bounds how long a request waits for another one's answer.
        store: Where answers are kept; memory of this process when None.
    """

    def __init__(
        self, settings: CacheSettings, service: Service, deadlines: Deadlines, store: Cache | None = None
    ) -> None:
        self.settings = settings
        self.service = service
        self.deadlines = deadlines
        self.memory: MemoryCache | None = None
        if store is None:
            store = self.memory = MemoryCache(settings.max_bytes, SystemClock())
        self.store = store
        self.ttl = AdaptiveTtl(settings.ttl_start_s, settings.ttl_min_s, settings.ttl_max_s)
        self.flights: dict[bytes, Flight] = {}
        self.similar = self._similar(settings.semantic) if settings.semantic.enabled else None
        self._rules: dict[str, str] = {}
        self._keep_s = max(settings.ttl_max_s, settings.stale_s)

    def _similar(self, settings: SemanticSettings) -> SimilarQuestions:
        from roadworthy.gateway.cache.encoder import load
        from roadworthy.gateway.cache.similar import SimilarQuestions

        return SimilarQuestions(
            partial(load, settings.model),
            settings.threshold,
            settings.max_entries,
            self.service.loop.call_soon_threadsafe,
            partial(self.service.crashed, "semantic"),
        )

    def visit(
        self, ask: Ask, routed: Routed, caller: Caller, request_id: str, key_id: str, cache_control: bytes | None
    ) -> Visit | None:
        """The way of a request through the cache; None when it is to pass by.

        Args:
            ask: The checked request.
            routed: What serves it.
            caller: Who gets the answer.
            request_id: As in `x-request-id`.
            key_id: The tenant.
            cache_control: The caller's `Cache-Control` line.
        """
        if not isinstance(ask, ChatAsk) or not self._wanted(ask, routed.route):
            return None
        directive = read_directive(cache_control)
        if not directive.read and not directive.write:
            return None
        return Visit(self, ask, routed, caller, request_id, key_id, directive)

    def _wanted(self, ask: ChatAsk, route: Route) -> bool:
        """Whether answers may be kept at all: by the route's word, else where no variety is asked for."""
        if route.cache == "off":
            return False
        view = ask.request.view
        if (view.n or 1) > 1 or ask.request.fields.get("store") == b"true":
            return False
        return route.cache is not None or (view.temperature or 0.0) <= self.settings.max_temperature

    def rules(self, routed: Routed) -> str:
        """What of the configuration can change an answer of this route; a part of its keys."""
        found = self._rules.get(routed.name)
        if found is None:
            found = self._rules[routed.name] = rules_of(self.service.settings, routed.route, routed.mode)
        return found

    def fresh_s(self, route: Route) -> float:
        """How long answers of this route stay fresh now, in seconds."""
        return self.ttl.ttl_s if route.cache_ttl_s is None else route.cache_ttl_s

    def keep_s(self, route: Route) -> float:
        """How long they are kept, fresh or to be served when nothing else is to be had, in seconds."""
        return self._keep_s if route.cache_ttl_s is None else max(self._keep_s, route.cache_ttl_s)

    def note_load(self) -> None:
        """Let the lifetime follow the load."""
        service = self.service
        self.ttl.note(service.in_flight / service.settings.limits.max_requests_in_flight, monotonic())

    def status(self) -> dict[str, object]:
        """What there is, for status pages and gauges; what another process keeps is None here."""
        memory = self.memory
        return {
            "enabled": True,
            "entries": None if memory is None else len(memory),
            "bytes": None if memory is None else memory.bytes,
            "max_bytes": self.settings.max_bytes,
            "evictions": None if memory is None else memory.evictions,
            "too_large": None if memory is None else memory.refused,
            "ttl_s": self.ttl.ttl_s,
            "load": None if self.ttl.load is None else round(self.ttl.load, 4),
            "flights": len(self.flights),
            "semantic": None if self.similar is None else "ready" if self.similar.ready else "not ready",
        }

    def clear(self) -> int:
        """Forget every answer; returns how many there were."""
        if self.similar is not None:
            self.similar.clear()
        return self.store.clear()

    def close(self) -> None:
        """End what runs beside the loop."""
        if self.similar is not None:
            self.similar.close()

    def observe(self, register: Callable[[str, Callable[[], dict[tuple[str, ...], float]]], None]) -> None:
        """Offer the gauges; they are read when somebody looks."""
        memory = self.memory
        register("roadworthy_cache_ttl_seconds", lambda: {(): self.ttl.ttl_s})
        if memory is not None:
            register("roadworthy_cache_bytes", lambda: {(): float(memory.bytes)})
            register("roadworthy_cache_entries", lambda: {(): float(len(memory))})
            register("roadworthy_cache_evictions_total", lambda: {(): float(memory.evictions)})
