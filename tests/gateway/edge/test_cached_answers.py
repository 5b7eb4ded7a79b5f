"""The cache on a running edge: miss, hit, stream from the cache, stale as the last link, one flight per key."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import httpx2
import openai
import pytest
import pytest_asyncio

import doubles
from doubles import Fault
from roadworthy.gateway.settings import CacheSettings, Key, Retry

ASK = {"model": "chat", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
ON = CacheSettings(enabled=True)


@pytest.fixture
def double():
    with doubles.openai() as server:
        yield server


@pytest_asyncio.fixture
async def edge(start_edge, double) -> AsyncIterator[object]:
    return await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON)


def result(response: httpx2.Response) -> str:
    told = response.json().get("roadworthy", {}).get("cache")
    assert told is None or told == response.headers["x-roadworthy-cache"]
    return response.headers.get("x-roadworthy-cache", "none")


async def stream(edge, headers=None, **more) -> tuple[httpx2.Headers, list[dict], bool]:
    events, done = [], False
    body = ASK | {"stream": True} | more
    async with edge.http.stream("POST", "/v1/chat/completions", json=body, headers=headers or {}) as response:
        assert response.status_code == 200, await response.aread()
        async for line in response.aiter_lines():
            if line == "data: [DONE]":
                done = True
            elif line.startswith("data: "):
                events.append(json.loads(line[6:]))
    return response.headers, events, done


def text(events: list[dict]) -> str:
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


async def test_off_by_default_says_off(start_edge, double) -> None:
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"])
    answers = [await edge.ask() for _ in range(2)]
    assert [result(answer) for answer in answers] == ["off", "off"]
    assert len(double.requests) == 2
    assert edge.service.cache is None


async def test_second_answer_comes_from_the_cache(edge, double) -> None:
    first, second = await edge.ask(), await edge.ask()
    assert (result(first), result(second)) == ("miss", "hit")
    assert len(double.requests) == 1
    one, two = first.json(), second.json()
    extra = two.pop("roadworthy")
    one.pop("roadworthy")
    assert one == two
    assert extra["attempts"] == []
    assert extra["cost"] == 0
    assert extra["request_id"] == second.headers["x-request-id"] != first.headers["x-request-id"]
    assert second.headers["x-roadworthy-served-by"] == "openai/gpt-4.1-mini"
    assert second.headers["x-roadworthy-attempts"] == "0"
    assert second.headers["age"] == "0"
    records = edge.ledger.records
    assert [record.cache for record in records] == ["miss", "hit"]
    assert records[1].attempts == ()
    assert records[1].cache_age_s is not None
    assert edge.service.in_flight == 0


async def test_order_of_keys_and_white_space_do_not_matter(edge, double) -> None:
    await edge.ask(temperature=0, top_p=0.5)
    body = b'{"top_p":0.5,\n "messages" : [ {"content":"What is the capital of France?", "role":"user"} ],'
    body += b'"temperature":0, "model":"chat"}'
    assert result(await edge.http.post("/v1/chat/completions", content=body)) == "hit"


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 0.2}, {"seed": 1}, {"max_tokens": 50}, {"user": "someone else"}, {"stop": ["x"]},
        {"response_format": {"type": "text"}}, {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"messages": [{"role": "system", "content": "Be brief."}, *ASK["messages"]]},
        {"messages": [{"role": "user", "content": "What is the capital of Spain?"}]},
        {"model": "openai/gpt-4.1-mini"},
    ],
)  # fmt: skip
async def test_whatever_changes_the_answer_changes_the_key(edge, more) -> None:
    await edge.ask()
    assert result(await edge.ask(**more)) == "miss"


async def test_tenants_never_share(start_edge, double) -> None:
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON)
    edge.service.load_keys([Key(name, hashlib.sha256(name.encode()).hexdigest(), ("use",)) for name in ("ann", "bob")])
    seen = []
    for who in ("ann", "bob", "ann", "bob"):
        answer = await edge.http.post("/v1/chat/completions", json=ASK, headers={"authorization": f"Bearer {who}"})
        seen.append(result(answer))
    assert seen == ["miss", "miss", "hit", "hit"]


async def test_streams_are_answered_from_whole_answers_and_the_other_way_round(edge, double) -> None:
    whole = (await edge.ask()).json()["choices"][0]["message"]["content"]
    headers, events, done = await stream(edge, stream_options={"include_usage": True})
    assert headers["x-roadworthy-cache"] == "hit"
    assert headers["content-type"].startswith("text/event-stream")
    assert text(events) == whole
    assert done
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [event["choices"][0]["finish_reason"] for event in events if event["choices"]][-1] == "stop"
    assert events[-1]["usage"]["prompt_tokens"] > 0
    assert [event["roadworthy"]["cache"] for event in events if "roadworthy" in event] == ["hit"]
    assert all(event["object"] == "chat.completion.chunk" for event in events)

    double.reply = "Madrid."
    other = [{"role": "user", "content": "And of Spain?"}]
    headers, events, done = await stream(edge, messages=other)
    assert (headers["x-roadworthy-cache"], done) == ("miss", True)
    assert [event["roadworthy"]["cache"] for event in events if "roadworthy" in event] == ["miss"]
    again = await edge.ask(messages=other)
    assert result(again) == "hit"
    assert again.json()["choices"][0]["message"]["content"] == "Madrid."
    assert again.json()["object"] == "chat.completion"
    assert len(double.requests) == 2


async def test_the_official_sdk_reads_both_forms(edge, double) -> None:
    await edge.ask()
    async with openai.AsyncOpenAI(base_url=f"{edge.url}/v1", api_key="none", max_retries=0) as client:
        whole = await client.chat.completions.create(**ASK)
        assert whole.choices[0].message.content == double.reply
        pieces = [chunk async for chunk in await client.chat.completions.create(**ASK, stream=True)]
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == double.reply
    assert len(double.requests) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [("no-store", "off"), ("no-cache", "miss"), ("max-age=0", "miss"), ("max-age=60", "hit"), ("private", "hit")],
)
async def test_cache_control_of_the_caller(edge, line: str, expected: str) -> None:
    await edge.ask()
    await asyncio.sleep(0.01)
    answer = await edge.http.post("/v1/chat/completions", json=ASK, headers={"cache-control": line})
    assert result(answer) == expected


async def test_cache_control_in_two_lines_is_one_list(edge) -> None:
    await edge.ask()
    headers = [("cache-control", "max-age=60"), ("cache-control", "no-store")]
    assert result(await edge.http.post("/v1/chat/completions", json=ASK, headers=headers)) == "off"


async def test_no_store_leaves_nothing_behind_and_no_cache_does(edge) -> None:
    await edge.http.post("/v1/chat/completions", json=ASK, headers={"cache-control": "no-store"})
    assert edge.service.cache.status()["entries"] == 0
    await edge.http.post("/v1/chat/completions", json=ASK, headers={"cache-control": "no-cache"})
    assert result(await edge.ask()) == "hit"


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("error", Fault("status", status=500)), ("empty", Fault("empty")), ("cut at the limit", Fault("length")),
        ("malformed", Fault("not_json")), ("filtered", Fault("filtered")),
    ],
)  # fmt: skip
async def test_what_is_no_good_answer_is_not_kept(edge, double, kind, fault) -> None:
    double.faults = fault
    await edge.ask()
    assert edge.service.cache.status()["entries"] == 0


@pytest.mark.parametrize("fault", [Fault("cut"), Fault("end_early"), Fault("error_event"), Fault("stall")])
async def test_an_incomplete_stream_is_not_kept(edge, double, fault) -> None:
    double.faults = fault
    with pytest.raises(httpx2.RemoteProtocolError):
        await stream(edge)
    assert edge.service.cache.status()["entries"] == 0


async def test_answers_with_tool_calls_are_not_kept(edge, double) -> None:
    tool = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object", "properties": {}}}}
    for _ in range(2):
        answer = await edge.ask(tools=[tool], tool_choice="required")
        assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
        assert result(answer) == "miss"
    await stream(edge, tools=[tool], tool_choice="required")
    assert len(double.requests) == 3


async def test_variety_is_not_cached_unless_the_route_says_so(start_edge, double) -> None:
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON)
    assert [result(await edge.ask(temperature=1.5)) for _ in range(2)] == ["off", "off"]
    assert result(await edge.ask(n=2)) == "off"
    exact = {"cache": "exact"}
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON, route=exact)
    assert [result(await edge.ask(temperature=1.5)) for _ in range(2)] == ["miss", "hit"]
    off = {"cache": "off"}
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON, route=off)
    assert [result(await edge.ask()) for _ in range(2)] == ["off", "off"]


async def test_stale_is_the_last_link(start_edge, double, reasons) -> None:
    route = {"cache": "exact", "cache_ttl_s": 0.05}
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON, route=route)
    await edge.ask()
    await asyncio.sleep(0.06)
    double.faults = Fault("status", status=500)
    answer = await edge.ask()
    assert (answer.status_code, result(answer)) == (200, "stale")
    extra = answer.json()["roadworthy"]
    assert "expired" in extra["warning"]
    assert extra["age_s"] >= 0.05
    assert set(reasons(answer)) == {"http_error"}
    record = edge.ledger.records[-1]
    assert (record.code, record.cache, record.served_by) == ("ok", "stale", "openai/gpt-4.1-mini")
    headers, events, done = await stream(edge)
    assert (headers["x-roadworthy-cache"], text(events), done) == ("stale", double.reply, True)
    refused = await edge.http.post("/v1/chat/completions", json=ASK, headers={"cache-control": "no-cache"})
    assert refused.status_code >= 500
    double.faults = None
    await asyncio.sleep(0.35)
    assert result(await edge.ask()) == "miss"


async def test_a_stale_answers_age_counts_the_time_that_the_providers_took(start_edge, double) -> None:
    route = {"cache": "exact", "cache_ttl_s": 0.01, "deadline_s": 0.4}
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON, route=route)
    await edge.ask()
    await asyncio.sleep(0.02)
    double.faults = Fault("hang")
    answer = await edge.ask()
    assert result(answer) == "stale"
    assert answer.json()["roadworthy"]["age_s"] >= 0.4


async def test_too_old_is_not_served_even_then(start_edge, double) -> None:
    cache = CacheSettings(enabled=True, stale_s=0.05, ttl_max_s=0.05)
    route = {"cache": "exact", "cache_ttl_s": 0.01}
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=cache, route=route)
    await edge.ask()
    await asyncio.sleep(0.06)
    double.faults = Fault("status", status=500)
    assert (await edge.ask()).status_code == 502


async def test_the_callers_own_fault_is_no_reason_for_a_stale_answer(start_edge, double) -> None:
    route = {"cache": "exact", "cache_ttl_s": 0.01}
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON, route=route)
    await edge.ask()
    await asyncio.sleep(0.02)
    double.faults = Fault("status", status=400)
    assert (await edge.ask()).status_code == 400


async def test_fifty_at_once_are_one_call(edge, double) -> None:
    double.faults = Fault("delay", seconds=0.1)
    answers = await asyncio.gather(*(edge.ask() for _ in range(50)))
    assert len(double.requests) == 1
    assert sorted(result(answer) for answer in answers) == ["hit"] * 49 + ["miss"]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 50
    assert len(edge.ledger.records) == 50
    assert edge.service.in_flight == 0
    assert not edge.service.cache.flights


async def test_fifty_streams_at_once_are_one_call(edge, double) -> None:
    double.faults = Fault("drip", seconds=0.01)
    seen = await asyncio.gather(*(stream(edge) for _ in range(50)))
    assert len(double.requests) == 1
    assert {text(events) for _, events, _ in seen} == {double.reply}
    assert all(done for _, _, done in seen)


async def test_after_a_failed_leader_exactly_one_leads(start_edge, double) -> None:
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON, retry=Retry(max_tries=1))
    double.faults = [Fault("status", status=500), None]
    answers = await asyncio.gather(*(edge.ask() for _ in range(10)))
    assert len(double.requests) == 2
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [502]
    assert not edge.service.cache.flights


async def test_answers_that_cannot_be_shared_are_asked_for_by_each(edge, double) -> None:
    tool = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object", "properties": {}}}}
    double.faults = [Fault("delay", seconds=0.1)]
    answers = await asyncio.gather(*(edge.ask(tools=[tool], tool_choice="required") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(double.requests) == 5


async def test_a_leader_that_hangs_up_does_not_take_the_others_with_it(edge, double) -> None:
    double.faults = [Fault("delay", seconds=0.2)]
    leader = asyncio.create_task(edge.ask())
    await _until(lambda: len(double.requests) == 1)
    others = [asyncio.create_task(edge.ask()) for _ in range(3)]
    await _until(lambda: edge.service.in_flight == 4)
    leader.cancel()
    answers = await asyncio.gather(*others)
    assert [result(answer) for answer in answers] == ["hit"] * 3
    assert len(double.requests) == 1
    assert sorted(record.code for record in edge.ledger.records) == ["client_gone", "ok", "ok", "ok"]
    assert edge.service.in_flight == 0


async def test_when_all_hang_up_the_call_stops(edge, double) -> None:
    double.faults = Fault("hang")
    tasks = [asyncio.create_task(edge.ask()) for _ in range(3)]
    await _until(lambda: edge.service.in_flight == 3 and len(double.requests) == 1)
    for task in tasks:
        task.cancel()
    await _until(lambda: edge.service.in_flight == 0)
    assert [record.code for record in edge.ledger.records] == ["client_gone"] * 3
    assert not edge.service.cache.flights


async def test_a_follower_keeps_its_own_deadline(start_edge, double) -> None:
    double.faults = Fault("drip", seconds=0.3)
    route = {"deadline_s": 0.6, "try_timeout_s": None, "stream_idle_timeout_s": 5.0}
    edge = await start_edge({"openai": double.base_url}, ["openai/gpt-4.1-mini"], cache=ON, route=route)
    first = asyncio.create_task(stream(edge))
    await _until(lambda: len(double.requests) == 1)
    double.faults = None
    second = await edge.ask()
    assert result(second) == "miss"
    assert len(double.requests) == 2
    assert not first.done()
    first.cancel()


async def test_the_live_probe_is_never_answered_from_the_cache(edge, double) -> None:
    await edge.http.get("/health/llm")
    assert [record.cache for record in edge.ledger.records] == ["off"]


async def test_clear_forgets_everything(edge, double) -> None:
    await edge.ask()
    assert edge.service.cache.clear() == 1
    assert result(await edge.ask()) == "miss"


async def _until(true) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nothing tells when the server has come so far
            await asyncio.sleep(0.005)
