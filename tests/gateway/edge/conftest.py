"""A whole edge on real sockets in the test's own loop, in front of the doubles of the paid APIs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from doubles.scripted_model import Model
from doubles.wire_api import WireDouble
from roadworthy.gateway.edge.route import PublicRoutes
from roadworthy.gateway.edge.scrape import Scraper
from roadworthy.gateway.edge.server import Server
from roadworthy.gateway.edge.service import Service
from roadworthy.gateway.edge.sibling import Siblings
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.quality.rule import Quality
from roadworthy.gateway.settings import Breaker, EdgeSettings, Limits, Price, ProviderSettings, Retry, Route, Target
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.metrics import Metrics


class MemoryLedger:
    """Keeps what the edge reports, so that tests can look at it."""

    def __init__(self) -> None:
        self.recorded = asyncio.Event()
        self.records: list[Finished] = []
        self.events: list[tuple[str, str, dict[str, object]]] = []

    def add(self, record: Finished) -> None:
        self.records.append(record)
        self.recorded.set()

    def event(self, kind: str, level: str = "info", **fields: object) -> None:
        self.events.append((kind, level, fields))

    def health(self) -> dict[str, object]:
        return {"ok": True}


@dataclass
class Edge:
    """A running edge and a client for it."""

    url: str
    port: int
    service: Service
    server: Server
    ledger: MemoryLedger
    http: httpx2.AsyncClient

    async def recorded(self) -> None:
        """Wait until a request has left its record."""
        async with asyncio.timeout(30):
            await self.ledger.recorded.wait()

    async def ask(self, model: str = "chat", **more: object) -> httpx2.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "What is the capital of France?"}], **more}
        return await self.http.post("/v1/chat/completions", json=body)


StartEdge = Callable[..., Awaitable[Edge]]


@pytest_asyncio.fixture
async def start_edge(tmp_path: Path) -> AsyncIterator[StartEdge]:
    """Start an edge: `await start_edge({"openai": url, ...}, chain=["openai/gpt-4.1-mini"], ...)`."""
    started: list[Edge] = []

    async def start(
        providers: dict[str, str],
        chain: list[str],
        kinds: dict[str, str] | None = None,
        route: dict[str, object] | None = None,
        prices: dict[str, Price] | None = None,
        **more: object,
    ) -> Edge:
        targets = tuple(Target(*each.split("/", 1)) for each in chain)
        options: dict[str, object] = {
            "retry": Retry(max_tries=3, base_s=0.01, cap_s=0.05),
            "breaker": Breaker(open_s=0.3),
            "limits": Limits(drain_timeout_s=2.0),
            **more,
        }
        limits = {"deadline_s": 5.0, "try_timeout_s": 0.5, "stream_idle_timeout_s": 0.4, **(route or {})}
        settings = EdgeSettings(
            providers=tuple(
                ProviderSettings(name, (kinds or {}).get(name, "openai"), url, "test-key", prices=prices or {})
                for name, url in providers.items()
            ),
            routes=(Route("chat", targets, **limits),),  # type: ignore[arg-type]
            **options,  # type: ignore[arg-type]
        )
        ledger = MemoryLedger()
        service = Service(settings, ledger, TextMasker())  # type: ignore[arg-type]
        routes = PublicRoutes(service, Scraper(0, Siblings(0, tmp_path), Metrics().snapshot))
        server = Server(routes, settings.limits)
        routes.draining = lambda: server.draining
        port = await server.listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{port}"
        edge = Edge(url, port, service, server, ledger, httpx2.AsyncClient(base_url=url, timeout=60, verify=False))
        started.append(edge)
        return edge

    yield start
    for edge in started:
        await edge.http.aclose()
        await edge.server.drain()
        edge.service.close()


@pytest_asyncio.fixture
async def gated(start_edge: StartEdge) -> AsyncIterator[Callable[..., Any]]:
    """`edge, models = await gated(rules, answers of a, answers of b, ...)`."""
    servers: list[WireDouble] = []

    async def start(rules: Quality | None, *answers: list[Any], **more: Any) -> tuple[Edge, list[Model]]:
        models = [Model(list(each)) for each in answers]
        urls: dict[str, str] = {}
        for name, model in zip("abc", models, strict=False):
            server = WireDouble(model)
            await server.__aenter__()
            servers.append(server)
            urls[name] = server.base_url
        route = {"quality": rules, "try_timeout_s": 2.0, **more.pop("route", {})}
        edge = await start_edge(urls, [f"{name}/m" for name in urls], route=route, **more)
        return edge, models

    yield start
    for server in servers:
        await server.__aexit__()


@pytest.fixture
def reasons() -> Callable[[httpx2.Response], list[str]]:
    """The reasons of an answer's attempts, wherever the answer carries them."""

    def read(response: httpx2.Response) -> list[str]:
        body = response.json()
        attempts = body["roadworthy"]["attempts"] if "roadworthy" in body else body["error"]["attempts"]
        return [attempt["reason"] for attempt in attempts]

    return read
