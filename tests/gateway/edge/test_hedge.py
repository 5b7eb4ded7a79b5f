"""A second target beside a slow one, on real sockets: who serves, who is cancelled, what is recorded and paid."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, whole
from raw_http import Wire, chat, post
from roadworthy.core.attempts import Reason
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances, day_of
from roadworthy.gateway.quality.rule import Quality
from roadworthy.gateway.request_metrics import fold
from roadworthy.gateway.request_record import recorded
from roadworthy.gateway.settings import Breaker, Budget, Hedge, KeyLimits, Price, Retry
from roadworthy.runtime.metrics import Metrics

FREE = Price(0.0, 0.0, 0.0, 0.0)
DEAR = Price(1_000.0, 1_000.0, 1_000.0, 1_000.0)
SOON = Hedge(after_s=0.02, max_extra_cost=1.0)
BROKEN = whole(b"{}", status=b"500 Oops")
QUICK = whole(completion("I was asked at once."))
LONG_S = 30.0
"""So long does nothing here take, on however busy a machine."""


def counted(text: str, tokens: int = 10) -> bytes:
    body = json.loads(completion(text))
    body["usage"] = {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}
    return whole(json.dumps(body).encode())


def piece(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


REST = piece(chunk("", "stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n"


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


class Target:
    """A provider that says what the test tells it to, when it tells it to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.calls = 0
        self._words: asyncio.Queue[bytes] = asyncio.Queue()

    def say(self, *words: bytes) -> None:
        for each in words:
            self._words.put_nowait(each)

    async def __call__(self, call: Call) -> bool:
        self.calls += 1
        self.asked.set()
        gone = asyncio.create_task(call.reader.read(1))
        try:
            while True:
                word = asyncio.create_task(self._words.get())
                await asyncio.wait({gone, word}, return_when=asyncio.FIRST_COMPLETED)
                if not word.done():
                    word.cancel()
                    self.left.set()
                    return False
                await call.send(word.result())
                if not call.streamed or word.result().endswith(b"0\r\n\r\n"):
                    return True
        finally:
            gone.cancel()
            await asyncio.wait({gone})


class Race:
    """An edge before three targets, and one request on its way."""

    def __init__(self, edge: Any, targets: list[Target]) -> None:
        self.edge = edge
        self.first, self.second, self.third = targets

    async def begin(self, **more: object) -> asyncio.Task[Any]:
        """Ask, and wait until both are asked."""
        task = asyncio.create_task(self.edge.ask(**more))
        async with asyncio.timeout(LONG_S):
            await self.first.asked.wait()
            await self.second.asked.wait()
        return task

    async def alone(self, model: str = "chat", **more: object) -> asyncio.Task[Any]:
        """Ask, and wait until the first is asked and the time has passed at which a second would have been."""
        self.first.asked.clear()
        task = asyncio.create_task(self.edge.ask(model, **more))
        async with asyncio.timeout(LONG_S):
            await self.first.asked.wait()
        await asyncio.sleep(0.05)
        return task

    @property
    def record(self) -> Any:
        return self.edge.ledger.records[-1]

    def reasons(self) -> list[tuple[str, str, bool]]:
        return [(a.provider, a.reason.value, a.hedge) for a in self.record.attempts]

    def states(self) -> list[tuple[str, int]]:
        return [(row["state"], row["window_failures"]) for row in self.edge.service.breakers()]

    async def settled(self, target: Target) -> None:
        async with asyncio.timeout(LONG_S):
            await target.left.wait()
        assert self.edge.service.in_flight == 0


Start = Callable[..., Any]


@pytest_asyncio.fixture
async def race(start_edge) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(hedge: Hedge | None = SOON, price: Price = FREE, links: int = 3, **more: Any) -> Race:
            targets = [Target() for _ in range(3)]
            doubles = [await stack.enter_async_context(WireDouble(target)) for target in targets]
            urls = {name: double.base_url for name, double in zip("abc", doubles, strict=True)}
            route: dict[str, Any] = {"deadline_s": LONG_S, "try_timeout_s": LONG_S, "stream_idle_timeout_s": LONG_S}
            route |= {"hedge": hedge, **more.pop("route", {})}
            options = {"retry": Retry(max_tries=1, base_s=0.0, cap_s=0.0), **more}
            chain = [f"{name}/m" for name in "abc"[:links]]
            return Race(await start_edge(urls, chain, route=route, prices={"m": price}, **options), targets)

        yield start


# -- who serves


async def test_the_faster_second_target_serves_and_the_first_is_cancelled(race: Start) -> None:
    run = await race()
    task = await run.begin()
    run.second.say(QUICK)
    answer = await task
    assert answer.json()["choices"][0]["message"]["content"] == "I was asked at once."
    head = answer.headers
    assert (head["x-roadworthy-served-by"], head["x-roadworthy-hedge"]) == ("b/m", "won")
    assert (head["x-roadworthy-attempts"], head["x-roadworthy-fallback"]) == ("2", "hedge_lost")
    told = answer.json()["roadworthy"]["attempts"]
    assert [(a["reason"], a.get("hedge", False)) for a in told] == [("hedge_lost", False), ("served", True)]
    await run.settled(run.first)
    assert run.reasons() == [("a", "hedge_lost", False), ("b", "served", True)]
    assert run.states() == [("closed", 0)] * 3
    assert run.record.hedge == "won"
    assert 0 <= run.record.overhead_ms < run.record.latency_ms


async def test_the_first_target_serves_after_all_and_the_second_is_cancelled(race: Start) -> None:
    run = await race()
    task = await run.begin()
    run.first.say(QUICK)
    answer = await task
    assert (answer.headers["x-roadworthy-served-by"], answer.headers["x-roadworthy-hedge"]) == ("a/m", "lost")
    assert answer.headers["x-roadworthy-fallback"] == "false"
    await run.settled(run.second)
    assert run.reasons() == [("b", "hedge_lost", True), ("a", "served", False)]
    assert (run.record.hedge, run.record.fallback) == ("lost", "")
    assert run.states() == [("closed", 0)] * 3


@pytest.mark.parametrize("early", ["first", "second"])
async def test_the_other_is_waited_for_when_one_fails(race: Start, early: str) -> None:
    run = await race()
    task = await run.begin()
    late = "second" if early == "first" else "first"
    getattr(run, early).say(BROKEN)
    await until(lambda: any(failures for _, failures in run.states()))
    assert run.third.calls == 0
    getattr(run, late).say(QUICK)
    answer = await task
    assert answer.status_code == 200
    failed, served = ("a", "b") if early == "first" else ("b", "a")
    assert run.reasons() == [(failed, "http_error", failed == "b"), (served, "served", served == "b")]
    assert answer.headers["x-roadworthy-fallback"] == ("http_error" if early == "first" else "false")
    assert run.record.hedge == ("won" if early == "first" else "lost")


async def test_when_both_fail_the_chain_goes_on_and_nobody_is_hedged_again(race: Start) -> None:
    run = await race()
    task = await run.begin()
    run.first.say(BROKEN)
    run.second.say(BROKEN)
    async with asyncio.timeout(LONG_S):
        await run.third.asked.wait()
    await asyncio.sleep(0.05)
    run.third.say(QUICK)
    assert (await task).headers["x-roadworthy-served-by"] == "c/m"
    assert sorted(run.reasons()[:2]) == [("a", "http_error", False), ("b", "http_error", True)]
    assert run.reasons()[2] == ("c", "served", False)
    assert (run.first.calls, run.second.calls, run.third.calls) == (1, 1, 1)


async def test_a_request_that_one_target_finds_wrong_is_still_waited_for_at_the_other(race: Start) -> None:
    run = await race()
    task = await run.begin()
    run.second.say(whole(b'{"error":{"message":"no"}}', status=b"400 Bad Request"))
    await asyncio.sleep(0.05)
    assert not task.done()
    run.first.say(QUICK)
    assert (await task).status_code == 200
    assert run.reasons() == [("b", "bad_request", True), ("a", "served", False)]


async def test_a_request_that_both_find_wrong_is_the_callers_fault(race: Start) -> None:
    run = await race()
    task = await run.begin()
    for target in (run.second, run.first):
        target.say(whole(b'{"error":{"message":"no"}}', status=b"400 Bad Request"))
    assert (await task).json()["error"]["code"] == "provider_rejected_request"
    assert run.third.calls == 0


async def test_the_second_try_of_a_failed_over_request_is_hedged_too(race: Start) -> None:
    run = await race()
    task = asyncio.create_task(run.edge.ask())
    run.first.say(BROKEN)
    async with asyncio.timeout(LONG_S):
        await run.second.asked.wait()
        await run.third.asked.wait()
    run.third.say(QUICK)
    await task
    assert [reason for _, reason, _ in run.reasons()] == ["http_error", "hedge_lost", "served"]
    assert run.record.fallback == "http_error"


async def test_a_caller_who_hangs_up_cancels_both(race: Start) -> None:
    run = await race()
    wire = await Wire.open(run.edge.port)
    await wire.send(post(chat("x")))
    async with asyncio.timeout(LONG_S):
        await run.second.asked.wait()
    await wire.close()
    await run.settled(run.first)
    await run.settled(run.second)
    await run.edge.recorded()
    assert run.reasons() == [("a", "client_gone", False), ("b", "client_gone", True)]
    assert run.states() == [("closed", 0)] * 3


async def test_embeddings_are_hedged_too(race: Start) -> None:
    run = await race()
    body = {"model": "chat", "input": "x"}
    task = asyncio.create_task(run.edge.http.post("/v1/embeddings", json=body))
    async with asyncio.timeout(LONG_S):
        await run.second.asked.wait()
    vector = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}
    run.second.say(whole(json.dumps(vector).encode()))
    assert (await task).headers["x-roadworthy-hedge"] == "won"


# -- streams


async def test_the_first_useful_piece_of_a_stream_decides(race: Start) -> None:
    run = await race()
    task = await run.begin(stream=True)
    run.first.say(EVENT_STREAM + piece(chunk("")))  # a beginning, nothing of use
    run.second.say(EVENT_STREAM + piece(chunk("Second")), REST)
    answer = await task
    assert "Second" in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")
    assert answer.headers["x-roadworthy-hedge"] == "won"
    await run.settled(run.first)
    assert run.reasons() == [("a", "hedge_lost", False), ("b", "served", True)]
    assert '"reason":"hedge_lost"' in answer.text


async def test_a_stream_that_has_begun_to_speak_is_not_hedged(race: Start) -> None:
    run = await race(Hedge(after_s=0.5, max_extra_cost=1.0))
    task = asyncio.create_task(run.edge.ask(stream=True))
    run.first.say(EVENT_STREAM + piece(chunk("First")))
    await asyncio.sleep(0.6)
    run.first.say(REST)
    assert "First" in (await task).text
    assert (run.second.calls, run.record.hedge) == (0, "")


async def test_a_stream_that_says_all_in_its_last_piece_tells_of_the_loser(race: Start) -> None:
    run = await race()
    task = await run.begin(stream=True)
    run.second.say(EVENT_STREAM + piece(chunk("All", "stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n")
    answer = await task
    assert '"reason":"hedge_lost"' in answer.text
    assert run.reasons() == [("a", "hedge_lost", False), ("b", "served", True)]


async def test_of_two_streams_that_are_held_back_the_one_that_passes_serves(race: Start) -> None:
    run = await race(route={"quality": Quality(required_terms=("cedar",), repairs=0)})
    task = await run.begin(stream=True)
    run.second.say(EVENT_STREAM + piece(chunk("musk")), REST)
    await until(lambda: run.edge.service.table.find("chat").links[1].breaker.window_size == 1)
    run.first.say(EVENT_STREAM + piece(chunk("cedar")), REST)
    answer = await task
    assert "cedar" in answer.text
    assert "musk" not in answer.text
    assert run.reasons() == [("b", "quality_failed", True), ("a", "served", False)]
    assert answer.text.count('"roadworthy"') == 1


async def test_a_stream_that_breaks_after_it_won_ends_incomplete(race: Start) -> None:
    run = await race(route={"stream_idle_timeout_s": 0.1})
    wire = await Wire.open(run.edge.port)
    await wire.send(post(chat("x", stream=True)))
    async with asyncio.timeout(LONG_S):
        await run.second.asked.wait()
    run.second.say(EVENT_STREAM + piece(chunk("Half")))
    assert await wire.end() == "closed"
    assert b"stream_incomplete" in wire.data
    await wire.close()
    assert run.reasons() == [("a", "hedge_lost", False), ("b", "stream_stalled", True)]
    assert run.edge.service.in_flight == 0


# -- when there is none


async def test_a_repair_is_not_hedged(race: Start) -> None:
    run = await race(Hedge(after_s=0.5, max_extra_cost=1.0), route={"quality": Quality(required_terms=("cedar",))})
    task = asyncio.create_task(run.edge.ask())
    run.first.say(whole(completion("musk")))
    await until(lambda: run.first.calls == 2)
    await asyncio.sleep(0.6)
    run.first.say(whole(completion("cedar")))
    assert (await task).headers["x-roadworthy-served-by"] == "a/m"
    assert run.second.calls == 0


async def test_a_target_whose_breaker_is_not_closed_is_no_hedge(race: Start) -> None:
    run = await race(links=2, breaker=Breaker(consecutive_failures=1, open_s=0.05))
    link = run.edge.service.table.find("chat").links[1]
    link.breaker.failed(link.breaker.admit(time.monotonic()), time.monotonic())
    await asyncio.sleep(0.06)  # it would take a probe now
    task = await run.alone()
    run.first.say(QUICK)
    await task
    assert (run.second.calls, run.record.hedge, link.breaker.state) == (0, "no_target", "open")


async def test_a_probe_is_not_hedged_because_its_verdict_is_needed(race: Start) -> None:
    run = await race(breaker=Breaker(consecutive_failures=1, open_s=0.02))
    link = run.edge.service.table.find("chat").links[0]
    link.breaker.failed(link.breaker.admit(time.monotonic()), time.monotonic())
    await asyncio.sleep(0.03)
    task = await run.alone()
    assert link.breaker.state == "half_open"
    run.first.say(QUICK)
    await task
    assert (run.second.calls, link.breaker.state) == (0, "closed")


async def test_a_lost_try_says_nothing_about_its_target(race: Start) -> None:
    run = await race(breaker=Breaker(consecutive_failures=1, open_s=9.0))
    for _ in range(4):
        run.second.asked.clear()
        task = await run.begin()
        run.second.say(QUICK)
        assert (await task).headers["x-roadworthy-hedge"] == "won"
    assert [row["window_size"] for row in run.edge.service.breakers()] == [0, 4, 0]


async def test_too_little_time_is_left(race: Start) -> None:
    run = await race(Hedge(after_s=0.06, max_extra_cost=1.0), route={"deadline_s": 0.1})
    assert (await run.edge.ask()).status_code == 502
    assert (run.second.calls, run.record.hedge) == (0, "too_late")


async def test_without_a_price_there_is_no_hedge(race: Start) -> None:
    run = await race()
    run.edge.service.table.find("chat").links[1].price = None
    task = await run.alone()
    run.first.say(QUICK)
    await task
    assert (run.second.calls, run.record.hedge) == (0, "unpriced")


async def test_a_route_without_hedge_and_a_pinned_target_ask_one(race: Start) -> None:
    for hedge, model in ((None, "chat"), (SOON, "a/m")):
        run = await race(hedge)
        task = await run.alone(model)
        run.first.say(QUICK)
        assert "x-roadworthy-hedge" not in (await task).headers
        assert (run.second.calls, run.record.hedge) == (0, "")


async def test_nothing_is_hedged_above_the_cost_cap(race: Start) -> None:
    run = await race(Hedge(after_s=0.02, max_extra_cost=0.5), price=DEAR)
    results = []
    for tokens in (10, 1_000, 10, 10):
        task = await run.alone(max_tokens=100)
        run.first.say(counted("Here.", tokens))
        assert (await task).status_code == 200
        results.append(run.record.hedge)
        run.second.left.clear()
    # Nothing is spent at first; then a dear answer leaves room for some.
    assert results[:2] == ["over_cost_cap", "over_cost_cap"]
    assert results[2] == "lost"
    lost = run.edge.ledger.records[2].attempts[0]
    assert (lost.reason, lost.cost_estimated, lost.hedge) == (Reason.HEDGE_LOST, True, True)
    assert lost.cost_usd is not None
    assert lost.cost_usd > 0


async def test_the_delay_follows_the_targets_own_latencies(race: Start) -> None:
    run = await race(Hedge(after_percentile=95, max_extra_cost=1.0))
    for _ in range(20):
        run.first.say(QUICK)
        assert (await run.edge.ask()).status_code == 200
    assert run.second.calls == 0
    task = await run.begin()
    run.second.say(QUICK)
    answer = await task
    assert answer.headers.get("x-roadworthy-hedge") == "won", answer.text


# -- money, records


@pytest.mark.parametrize("winner", ["first", "second"])
async def test_both_tries_are_reserved_for_and_settled_once(race: Start, tmp_path: Path, winner: str) -> None:
    limits = KeyLimits(usd_per_day=50.0, tokens_per_day=1_000_000, requests_per_minute=60, concurrent=2)
    run = await race(Hedge(after_s=0.3, max_extra_cost=1.0), price=DEAR, budget=Budget(limits, max_output_tokens=100))
    store = SqliteAllowances(tmp_path / FILE)
    run.edge.service.limit_keys(store)
    run.first.say(counted("Spend something first.", 500))
    first = await run.edge.ask()
    assert first.status_code == 200, first.text
    task = await run.begin(max_tokens=100)
    getattr(run, winner).say(counted("Here."))
    assert (await task).status_code == 200, (await task).text
    spent = sum(a.cost_usd for record in run.edge.ledger.records for a in record.attempts)
    tokens = sum(a.tokens for record in run.edge.ledger.records for a in record.attempts)
    assert run.record.hedge == ("lost" if winner == "first" else "won")
    assert len(run.record.attempts) == 2
    run.edge.service.allowances.close()
    used = {one.resource: one for one in store.used(day_of(time.time()))}
    assert (used["usd"].spent, used["usd"].leased) == (pytest.approx(spent * 1e9, abs=3), 0)
    assert (used["tokens"].spent, used["tokens"].leased) == (tokens, 0)
    assert all(one.leased == 0 for one in used.values())
    store.close()


async def test_a_budget_that_does_not_cover_two_tries_allows_one(race: Start, tmp_path: Path) -> None:
    limits = KeyLimits(tokens_per_day=250)
    run = await race(budget=Budget(limits, max_output_tokens=100))
    store = SqliteAllowances(tmp_path / FILE)
    run.edge.service.limit_keys(store)
    task = asyncio.create_task(run.edge.ask(max_tokens=200))
    await run.first.asked.wait()
    await asyncio.sleep(0.5)  # ten times the delay after which a second target would be asked
    run.first.say(counted("Here."))
    assert (await task).status_code == 200
    assert (run.second.calls, run.record.hedge) == (0, "over_budget")
    run.edge.service.allowances.close()
    (used,) = store.used(day_of(time.time()))
    assert (used.spent, used.leased) == (20, 0)
    store.close()


async def test_a_hedge_is_in_the_journal_and_in_the_metrics(race: Start) -> None:
    run = await race()
    task = await run.begin()
    run.second.say(QUICK)
    await task
    assert recorded(run.record).hedge == "won"
    metrics = Metrics()
    fold(metrics, run.edge.ledger.records)
    assert "hedge_lost" in str(metrics.snapshot())
    assert "roadworthy_hedges_total" in str(metrics.snapshot())
