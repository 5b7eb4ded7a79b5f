"""Modes on a running edge: break the better models, watch requests step down, heal them, watch them climb."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import openai
import pytest

import doubles
from doubles.fault import Fault
from roadworthy.core.ports import Lease
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances
from roadworthy.gateway.mode_state import Memory
from roadworthy.gateway.settings import (
    Breaker,
    Budget,
    Downshift,
    KeyLimits,
    Mode,
    Parameters,
    Recovery,
    Retry,
    Route,
    Target,
)

MODEL = "gpt-4.1-mini"
ERROR = Fault("status", status=500)
QUICK = Recovery(climb_after_s=0.2, max_climb_after_s=0.8, dwell_s=0.1, probes=2, shares=(0.5,))


def role(name: str, *providers: str, **more: Any) -> Route:
    limits = {"deadline_s": 3.0, "try_timeout_s": 1.0, **more}
    return Route(name, tuple(Target(provider, MODEL) for provider in providers), **limits)


def mode(name: str, *providers: str, parameters: Parameters | None = None, **rules: Any) -> Mode:
    rules = {"memory_fraction": None, **rules}
    return Mode(
        name, (role(name, *providers),), parameters or Parameters(), downshift=Downshift(**rules), recovery=QUICK
    )


MODES = (
    mode("creative", "a", parameters=Parameters(1024, 0.8, 0.95)),
    mode("balanced", "b", parameters=Parameters(512, 0.7, 0.9)),
    mode("fast", "c", parameters=Parameters(256, 0.3, 0.8)),
)


@pytest.fixture
def three():
    """Three doubles: a, b, c."""
    with doubles.openai() as a, doubles.openai() as b, doubles.openai() as c:
        yield a, b, c


@pytest.fixture
def start(start_edge, three) -> Callable[..., Any]:
    async def begin(modes: tuple[Mode, ...] = MODES, **more: Any) -> Any:
        urls = {name: double.base_url for name, double in zip("abc", three, strict=True)}
        options = {"breaker": Breaker(open_s=0.2), "retry": Retry(max_tries=1, base_s=0.01), **more}
        return await start_edge(urls, [f"c/{MODEL}"], modes=modes, **options)

    return begin


async def until(edge: Any, served: str, limit_s: float = 5.0, model: str = "creative") -> httpx2.Response:
    """Ask until the mode serves."""
    async with asyncio.timeout(limit_s):
        while True:
            response = await edge.ask(model)
            if response.headers.get("x-roadworthy-mode") == served:
                return response
            await asyncio.sleep(0.01)


def changes(edge: Any) -> list[tuple[object, ...]]:
    return [
        (fields["mode"], fields["old"], fields["new"], fields["to"])
        for kind, _, fields in edge.ledger.events if kind == "mode.changed"
    ]  # fmt: skip


async def test_a_mode_that_is_well_serves_as_asked(start, three) -> None:
    edge = await start()
    response = await edge.ask("creative")
    assert response.headers["x-roadworthy-mode"] == "creative"
    assert "x-roadworthy-mode-reason" not in response.headers
    told = response.json()["roadworthy"]
    assert (told["mode_requested"], told["mode_served"], told["mode_reason"]) == ("creative", "creative", "")
    sent = three[0].requests[0].json
    assert (sent["max_completion_tokens"], sent["temperature"], sent["top_p"]) == (1024, 0.8, 0.95)
    record = edge.ledger.records[0]
    assert (record.mode.requested, record.mode.served, record.mode.reason) == ("creative", "creative", "")
    assert (await edge.ask("chat")).json()["roadworthy"]["mode_requested"] is None


async def test_the_callers_own_parameters_stay_and_tokens_are_capped(start, three) -> None:
    edge = await start()
    await edge.ask("creative", temperature=0.1, max_tokens=9000)
    sent = three[0].requests[0].json
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"]) == (0.1, 0.95, 1024)
    assert "max_completion_tokens" not in sent
    await edge.ask("creative", max_completion_tokens=7)
    assert three[0].requests[1].json["max_completion_tokens"] == 7


async def test_one_failing_request_steps_down_inside_itself(start, three) -> None:
    three[0].faults = ERROR
    edge = await start()
    response = await edge.ask("creative", top_p=0.5)
    assert response.status_code == 200
    assert response.headers["x-roadworthy-mode"] == "balanced"
    assert response.headers["x-roadworthy-mode-requested"] == "creative"
    assert response.headers["x-roadworthy-mode-reason"] == "chain_failed"
    told = response.json()["roadworthy"]
    assert (told["mode_requested"], told["mode_served"]) == ("creative", "balanced")
    assert [attempt["reason"] for attempt in told["attempts"]] == ["http_error", "served"]
    sent = three[1].requests[0].json
    assert (sent["max_completion_tokens"], sent["temperature"], sent["top_p"]) == (512, 0.7, 0.5)
    assert edge.ledger.records[0].route == "balanced"


async def test_a_cheaper_modes_shorter_deadline_ends_its_own_turn_only(start, three) -> None:
    three[0].faults = ERROR
    three[1].faults = Fault("delay", seconds=5.0)
    balanced = Mode("balanced", (role("balanced", "b", deadline_s=0.2),), recovery=QUICK)
    edge = await start((MODES[0], balanced, MODES[2]))
    response = await edge.ask("creative")
    assert (response.status_code, response.headers["x-roadworthy-mode"]) == (200, "fast")
    reasons = [attempt["reason"] for attempt in response.json()["roadworthy"]["attempts"]]
    assert reasons == ["http_error", "timeout", "served"]


async def test_the_mode_is_chosen_when_the_keys_limits_let_the_request_pass(start, three, tmp_path: Path) -> None:
    granted = threading.Event()

    class Slow(SqliteAllowances):
        def lease(self, *args: Any) -> Lease:
            granted.wait(10.0)
            return super().lease(*args)

    edge = await start(
        (mode("creative", "a", memory_fraction=0.85), *MODES[1:]), budget=Budget(KeyLimits(tokens_per_day=100_000))
    )
    store = Slow(tmp_path / FILE)
    edge.service.limit_keys(store)
    waiting = asyncio.ensure_future(edge.ask("creative"))
    await asyncio.sleep(0.1)
    edge.service.modes.selector.settle(monotonic(), Memory(fraction=0.95))
    granted.set()
    response = await waiting
    assert (response.status_code, response.headers["x-roadworthy-mode"]) == (200, "balanced")
    assert edge.service.modes.selector.state("creative").in_flight == 0
    edge.service.allowances.close()
    store.close()


async def test_down_along_the_whole_path_and_back_up(start, three) -> None:
    """Creative, balanced, fast, emergency: then heal all, and the way back."""
    a, b, c = three
    edge = await start()
    assert (await edge.ask("creative")).headers["x-roadworthy-mode"] == "creative"
    a.faults = ERROR
    response = await until(edge, "balanced")
    while response.headers["x-roadworthy-mode-reason"] != "model_unavailable":
        assert response.status_code == 200
        response = await edge.ask("creative")
    b.faults = ERROR
    await until(edge, "fast")
    c.faults = ERROR
    response = await until(edge, "emergency")
    assert response.status_code == 503
    error = response.json()["error"]
    assert (error["code"], error["mode_requested"], error["mode_served"]) == ("llm_unavailable", "creative", None)
    assert int(response.headers["retry-after"]) >= 1
    a.faults = b.faults = c.faults = None
    await until(edge, "creative")
    async with asyncio.timeout(30):
        while edge.service.modes.selector.state("creative").phase != "up":
            assert (await edge.ask("creative")).status_code == 200
            await asyncio.sleep(0.01)
    seen = changes(edge)
    assert ("creative", "up", "down", "balanced") in seen
    assert ("balanced", "up", "down", "fast") in seen
    assert [new for name, _, new, _ in seen if name == "creative"][-3:] == ["probing", "ramping", "up"]


async def test_the_recovery_costs_no_request(start, three) -> None:
    """While a model is broken and probed again and again, every caller gets an answer."""
    three[0].faults = ERROR
    edge = await start()
    statuses = []
    for _ in range(80):
        statuses.append((await edge.ask("creative")).status_code)
        await asyncio.sleep(0.01)
    assert statuses == [200] * 80
    assert len(three[0].requests) < 20


async def test_a_slow_mode_steps_down_while_its_calls_still_wait(start, three) -> None:
    creative = mode("creative", "a", p95_s=0.3, latency_window_s=5.0)
    three[0].faults = Fault("delay", seconds=0.9)
    edge = await start((creative, *MODES[1:]))
    waiting = [asyncio.create_task(edge.ask("creative")) for _ in range(4)]
    async with asyncio.timeout(30):
        while edge.service.modes.selector.state("creative").phase == "up":
            await asyncio.sleep(0.02)
            edge.service.modes.selector.settle(monotonic(), Memory())  # as the timer does once a second
    assert not any(task.done() for task in waiting), "it stepped down before anybody had his slow answer"
    response = await edge.ask("creative")
    assert response.headers["x-roadworthy-mode"] == "balanced"
    assert response.headers["x-roadworthy-mode-reason"] == "p95_over_limit"
    assert {answer.headers["x-roadworthy-mode"] for answer in await asyncio.gather(*waiting)} == {"creative"}
    three[0].faults = None
    await until(edge, "creative")


async def test_streams_step_down_and_say_so(start, three) -> None:
    three[0].faults = Fault("cut", after=0)
    edge = await start()
    async with openai.AsyncOpenAI(base_url=f"{edge.url}/v1", api_key="x", max_retries=0) as client:
        answer = await client.chat.completions.with_raw_response.create(
            model="creative", stream=True, messages=[{"role": "user", "content": "x"}]
        )
        assert answer.headers["x-roadworthy-mode"] == "balanced"
        assert answer.headers["x-roadworthy-mode-reason"] == "chain_failed"
        last = [chunk async for chunk in answer.parse()][-1]
    assert last.model_extra["roadworthy"]["mode_served"] == "balanced"
    await edge.recorded()
    assert edge.ledger.records[0].mode.served == "balanced"


async def test_memory_steps_down_and_the_cheapest_mode_serves_as_last_resort(start) -> None:
    modes = tuple(mode(one.name, p, memory_fraction=0.85) for one, p in zip(MODES, "abc", strict=True))
    edge = await start(modes)
    edge.service.modes.sample = lambda: Memory(None, 0.9)
    edge.service.modes.watch()
    response = await edge.ask("creative")
    assert (response.status_code, response.headers["x-roadworthy-mode"]) == (200, "fast")
    assert response.headers["x-roadworthy-mode-reason"] == "memory_over_limit"
    assert (await edge.ask("fast")).headers["x-roadworthy-mode-reason"] == "last_resort"


async def test_calls_above_the_in_flight_limit_spill_over(start, three) -> None:
    modes = (mode("creative", "a", in_flight=1), *MODES[1:])
    three[0].faults = Fault("delay", seconds=0.3)
    edge = await start(modes)
    both = await asyncio.gather(edge.ask("creative"), edge.ask("creative"))
    assert sorted(answer.headers["x-roadworthy-mode"] for answer in both) == ["balanced", "creative"]
    assert edge.service.modes.selector.state("creative").phase == "up"


async def test_other_roles_are_asked_by_name_and_a_mode_needs_all_of_its_roles(start, three) -> None:
    creative = Mode(
        "creative", (role("creative", "a"), role("creative/validator", "b")), recovery=QUICK,
        downshift=Downshift(memory_fraction=None),
    )  # fmt: skip
    fast = mode("fast", "c")
    edge = await start((creative, fast))
    response = await edge.ask("creative/validator")
    assert response.headers["x-roadworthy-served-by"] == f"b/{MODEL}"
    assert response.headers["x-roadworthy-mode"] == "creative"
    edge.service.table.find("creative/validator").links[0].breaker.bench(edge.service.loop.time() + 60)
    assert (await edge.ask("creative")).headers["x-roadworthy-mode"] == "fast"
    refused = await edge.ask("creative/validator")
    assert refused.status_code == 429, "its only model asked for a rest, and fast has no validator"
    assert refused.headers["x-roadworthy-mode"] == "emergency"
    names = {model["id"]: model["owned_by"] for model in (await edge.http.get("/v1/models")).json()["data"]}
    assert names["creative"] == names["creative/validator"] == names["fast"] == "roadworthy"


async def test_the_callers_own_faults_do_not_bring_a_mode_down(start, three) -> None:
    three[0].faults = Fault("length")
    edge = await start()
    for _ in range(12):
        response = await edge.ask("creative", response_format={"type": "json_object"}, max_tokens=2)
        assert response.json()["error"]["code"] == "runtime_quality_failed"
    assert edge.service.modes.selector.state("creative").phase == "up"
    assert edge.service.modes.selector.state("creative").errors.failures == 0


async def test_a_mode_does_not_embed(start) -> None:
    edge = await start()
    response = await edge.http.post("/v1/embeddings", json={"model": "creative", "input": "x"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unsupported_parameter")
    assert edge.service.in_flight == 0


async def test_a_caller_who_hangs_up_leaves_no_call_behind(start, three) -> None:
    three[0].faults = Fault("hang")
    edge = await start()
    with pytest.raises(httpx2.TimeoutException):
        await edge.http.post(
            "/v1/chat/completions", json={"model": "creative", "messages": [{"role": "user", "content": "x"}]},
            timeout=0.2,
        )  # fmt: skip
    await edge.recorded()
    state = edge.service.modes.selector.state("creative")
    assert (state.in_flight, state.phase, state.errors.size) == (0, "up", 0)


async def test_operators_hear_of_a_limit_that_cannot_be_met(start) -> None:
    edge = await start((mode("creative", "a", p95_s=0.1), *MODES[1:]))
    state, now = edge.service.modes.selector.state("creative"), monotonic()
    for _ in range(12):
        state.served(state.begin(now - 5.0), now)
    edge.service.modes.selector.settle(now, Memory())
    (event,) = [fields for kind, level, fields in edge.ledger.events if kind == "mode.limit_unreachable"]
    assert (event["key"], event["limit_s"], event["median_s"]) == ("gateway.modes.creative.downshift.p95_s", 0.1, 5.0)
    (row, *_) = edge.service.modes.view()
    assert (row["state"], row["cause"], row["fallback"]) == ("down", "p95_over_limit", "balanced")
    assert edge.service.modes.gauge() == {("creative",): 2.0, ("balanced",): 0.0, ("fast",): 0.0}


async def test_an_incomplete_stream_counts_against_its_mode_and_says_which(start, three) -> None:
    three[0].faults = Fault("cut", after=2)
    edge = await start()
    body = {"model": "creative", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with pytest.raises(httpx2.RemoteProtocolError):
        await edge.http.post("/v1/chat/completions", json=body)
    await edge.recorded()
    assert edge.ledger.records[0].code == "stream_incomplete"
    assert edge.ledger.records[0].mode.served == "creative"
    assert edge.service.modes.selector.state("creative").errors.failures == 1
