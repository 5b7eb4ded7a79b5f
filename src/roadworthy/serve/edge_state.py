"""One worker's part in what replicas share. Imported only where they do."""

from __future__ import annotations

import asyncio
import socket

from roadworthy.gateway.cache.shared import CLEARED, SharedCache
from roadworthy.gateway.edge.replica import BEAT_S, Replicas, places
from roadworthy.gateway.edge.service import Service
from roadworthy.gateway.edge.sibling import News
from roadworthy.gateway.settings import State
from roadworthy.gateway.shared.allowance import allowances_of
from roadworthy.gateway.shared.failover import ClosingStore, FailoverAllowances
from roadworthy.runtime.metrics import Metrics


class SharedState:
    """This worker's part in what replicas share. Create inside the running event loop; the client is loaded here.

    Args:
        state: Where it is kept.
        service: Told what the others found out; its own findings are passed on.
        metrics: Gets the gauges.
        own: This machine's store of allowances, for the time when the shared one is away.

    Attributes:
        allowances: The keys' limits, shared by all replicas.
    """

    def __init__(self, state: State, service: Service, metrics: Metrics, own: ClosingStore) -> None:
        from roadworthy.runtime.valkey_link import ValkeyLink

        settings, loop = service.settings, asyncio.get_running_loop()
        self.replicas = Replicas(
            state.replica, service.worker, state.prefix, places(settings.providers, socket.gethostname()),
            lambda: list(service.table.links()), service.follow, service.event,
        )  # fmt: skip
        self.link = ValkeyLink(state.url, self.replicas.channel, self._heard, self._changed)
        self.replicas.line = self.link
        self._cache = self._shared_cache(service, state.prefix)
        shared = allowances_of(state)
        self.allowances = FailoverAllowances(shared, own, lambda: self.replicas.last_count)
        tell_siblings, tell_replicas = service.tell, self.replicas.tell

        def tell(news: News) -> None:
            if tell_siblings is not None:
                tell_siblings(news)
            tell_replicas(news)

        service.tell = tell
        service.stores["state"] = self.replicas.health
        metrics.observe("roadworthy_state_up", lambda: {(): float(self.link.up)})
        metrics.observe("roadworthy_replicas", self._count)
        self.link.start()
        self._beating = loop.create_task(self._beat())

    async def close(self) -> None:
        """Say goodbye and hang up."""
        self._beating.cancel()
        self.replicas.leave()
        await self.link.close()

    def _shared_cache(self, service: Service, prefix: str) -> SharedCache | None:
        cache = service.cache
        if cache is None or cache.memory is None:
            return None
        shared = SharedCache(cache.memory, self.link, prefix, self.replicas.channel)
        cache.store = shared
        return shared

    def _changed(self, up: bool, why: str) -> None:
        self.replicas.changed(up, why)
        if up and self._cache is not None:
            self._cache.back()

    def _heard(self, message: bytes) -> None:
        if message != CLEARED:
            self.replicas.heard(message)
        elif self._cache is not None:
            self._cache.cleared()

    def _count(self) -> dict[tuple[str, ...], float]:
        count = self.replicas.replicas
        return {} if count is None else {(): float(count)}

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self.replicas.beat()
