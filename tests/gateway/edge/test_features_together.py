"""Modes, cache, limits and streams at once: what one of them does must not tell another one a lie."""

from __future__ import annotations

import asyncio

import pytest

import doubles
from doubles import Fault
from roadworthy.gateway.prompts.template import Template
from roadworthy.gateway.quality.rule import Quality
from roadworthy.gateway.settings import (
    Breaker,
    CacheSettings,
    Downshift,
    Limits,
    Mode,
    Parameters,
    Price,
    Retry,
    Route,
    Target,
)

MODEL = "gpt-4.1-mini"
PROMPT = Template("short", 1, {"en": "Be brief.", "ko": "짧게 답하십시오."})
STALE_AT_ONCE = CacheSettings(enabled=True, ttl_start_s=0.001, ttl_min_s=0.001)


@pytest.fixture
def double():
    with doubles.openai() as server:
        yield server


async def test_a_call_that_a_stale_answer_replaced_is_no_success_of_its_mode(start_edge, double) -> None:
    rules = Downshift(error_rate=0.3, window=4, memory_fraction=None)
    chain = (Target("openai", MODEL),)
    mode = Mode("good", (Route("good", chain, deadline_s=0.3, try_timeout_s=0.3),), Parameters(), downshift=rules)
    edge = await start_edge(
        {"openai": double.base_url}, [f"openai/{MODEL}"], modes=(mode,), cache=STALE_AT_ONCE, retry=Retry(max_tries=1)
    )
    await edge.ask("good")
    double.faults = Fault("hang")
    for _ in range(2):
        await asyncio.sleep(0.01)
        response = await edge.ask("good")
        assert response.headers["x-roadworthy-cache"] == "stale"
    state = edge.service.modes.selector.states[0]
    assert (state.errors.failures, state.in_flight) == (2, 0)


async def test_who_waits_for_somebody_elses_answer_takes_none_older_than_he_allows(start_edge, double) -> None:
    edge = await start_edge(
        {"openai": double.base_url}, [f"openai/{MODEL}"], cache=STALE_AT_ONCE, retry=Retry(max_tries=1)
    )
    await edge.ask()
    await asyncio.sleep(1.1)
    double.faults = [None, Fault("hang"), None]
    first = asyncio.create_task(edge.ask())
    while not edge.service.cache.flights:  # noqa: ASYNC110 - the edge has no event for it
        await asyncio.sleep(0.005)
    body = {"model": "chat", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
    second = await edge.http.post("/v1/chat/completions", json=body, headers={"cache-control": "max-age=1"})
    assert (await first).headers["x-roadworthy-cache"] == "stale"
    assert second.headers["x-roadworthy-cache"] == "miss"


async def test_an_estimate_counts_the_words_of_its_own_attempt_alone(start_edge, double) -> None:
    price = {MODEL: Price(0.0, 1e6, 0.0, 0.0)}  # a dollar a token
    edge = await start_edge(
        {"openai": double.base_url}, [f"openai/{MODEL}"], prices=price, retry=Retry(max_tries=2, base_s=0.01)
    )
    double.faults = [Fault("truncated_json"), Fault("hang"), None]
    double.usage = lambda body, text: None
    response = await edge.ask(response_format={"type": "json_object"})
    costs = [attempt["cost_usd"] for attempt in response.json()["roadworthy"]["attempts"]]
    assert costs[1] == 0


async def test_whoever_is_cut_off_at_the_end_of_a_drain_leaves_a_record(start_edge, double) -> None:
    edge = await start_edge({"openai": double.base_url}, [f"openai/{MODEL}"], limits=Limits(drain_timeout_s=0.05))
    double.faults = Fault("hang")
    asking = asyncio.create_task(edge.ask())
    while not edge.service.in_flight:  # noqa: ASYNC110 - the edge has no event for it
        await asyncio.sleep(0.005)
    await edge.server.drain()
    assert [record.code for record in edge.ledger.records] == ["client_gone"]
    asking.cancel()


async def test_what_cannot_be_read_in_the_cache_is_a_miss(start_edge, double, monkeypatch) -> None:
    edge = await start_edge({"openai": double.base_url}, [f"openai/{MODEL}"], cache=CacheSettings(enabled=True))
    await edge.ask()
    entries = edge.service.cache.memory._entries
    for key, entry in entries.items():
        entries[key] = entry._replace(value=b"\x93\xc4")
    assert [(await edge.ask()).headers.get("x-roadworthy-cache") for _ in range(2)] == ["miss", "hit"]


OTHER_RULES = {
    "gate": {"route": {"quality": Quality(forbidden_terms=("zebra",))}},
    "model": {"chain": ["openai/gpt-4.1"]},
    "second target": {"chain": [f"openai/{MODEL}", "openai/gpt-4.1"]},
    "prompt": {"route": {"prompt": "short"}, "prompts": (PROMPT,)},
}


@pytest.mark.parametrize("other", [None, *OTHER_RULES])
async def test_an_answer_kept_under_other_rules_is_not_served(start_edge, double, other: str | None) -> None:
    """The store that replicas share outlives a restart with another configuration."""
    plain = {"chain": [f"openai/{MODEL}"], "cache": CacheSettings(enabled=True), "route": {}}
    first = await start_edge({"openai": double.base_url}, **plain)
    second = await start_edge({"openai": double.base_url}, **plain | OTHER_RULES.get(other or "", {}))
    second.service.cache.store = first.service.cache.store
    assert (await first.ask()).headers["x-roadworthy-cache"] == "miss"
    assert (await second.ask()).headers["x-roadworthy-cache"] == ("hit" if other is None else "miss")


async def test_an_answer_of_the_same_name_on_another_server_is_not_served(start_edge, double) -> None:
    with doubles.openai() as elsewhere:
        edges = [
            await start_edge({"openai": url}, [f"openai/{MODEL}"], cache=CacheSettings(enabled=True))
            for url in (double.base_url, elsewhere.base_url)
        ]
        edges[1].service.cache.store = edges[0].service.cache.store
        assert [(await edge.ask()).headers["x-roadworthy-cache"] for edge in edges] == ["miss", "miss"]


async def test_an_answer_of_a_mode_with_other_parameters_is_not_served(start_edge, double) -> None:
    edges = []
    for tokens in (100, 100, 200):
        mode = Mode("good", (Route("good", (Target("openai", MODEL),)),), Parameters(tokens))
        edges.append(
            await start_edge(
                {"openai": double.base_url}, [f"openai/{MODEL}"], modes=(mode,), cache=CacheSettings(enabled=True)
            )
        )
        edges[-1].service.cache.store = edges[0].service.cache.store
    assert [(await edge.ask("good")).headers["x-roadworthy-cache"] for edge in edges] == ["miss", "hit", "miss"]


def prompted_modes() -> tuple[Mode, ...]:
    return tuple(
        Mode(name, (Route(name, (Target(name, MODEL),), deadline_s=1.0, try_timeout_s=0.5, prompt=prompt),))
        for name, prompt in (("good", "short"), ("cheap", None))
    )


async def test_a_stale_answer_is_recorded_with_the_prompt_and_the_cost_that_it_tells(start_edge, double) -> None:
    modes = prompted_modes()[:1]
    edge = await start_edge(
        {"good": double.base_url}, [f"good/{MODEL}"], modes=modes, prompts=(PROMPT,), cache=STALE_AT_ONCE,
        retry=Retry(max_tries=1), breaker=Breaker(consecutive_failures=1, open_s=30),
    )  # fmt: skip
    await edge.ask("good")
    double.faults = Fault("status", status=500)
    for asked in (1, 0):  # the second time the breaker is open
        await asyncio.sleep(0.01)
        told = (await edge.ask("good")).json()["roadworthy"]
        record = edge.ledger.records[-1]
        assert (told["cache"], told["prompt"]["id"], told["cost"]) == ("stale", "short", 0)
        assert (record.cache, record.prompt.id, record.cost_usd) == ("stale", "short", 0)
        assert len(double.requests) == 2, asked


async def test_who_shares_a_cheaper_modes_answer_is_recorded_with_what_it_tells(start_edge, double) -> None:
    with doubles.openai() as cheap:
        edge = await start_edge(
            {"good": double.base_url, "cheap": cheap.base_url}, [f"good/{MODEL}"], modes=prompted_modes(),
            prompts=(PROMPT,), cache=CacheSettings(enabled=True), retry=Retry(max_tries=1),
        )  # fmt: skip
        double.faults = Fault("status", status=500)
        cheap.faults = Fault("delay", seconds=0.2)
        answers = await asyncio.gather(edge.ask("good"), edge.ask("good"))
        assert sorted(answer.headers["x-roadworthy-cache"] for answer in answers) == ["hit", "miss"]
        assert all("prompt" not in answer.json()["roadworthy"] for answer in answers)
        assert [record.prompt for record in edge.ledger.records] == [None, None]
