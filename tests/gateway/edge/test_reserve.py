"""Budgets and rates on a whole edge: every end of a request settles its reservation once, refusals tell the truth."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

import doubles
from doubles import Fault
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Lease, Share
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances, Used, day_of
from roadworthy.gateway.edge import reserve
from roadworthy.gateway.settings import Budget, Key, KeyLimits, Price, Retry

PRICES = {"gpt-4.1-mini": Price(400.0, 1_600.0, 100.0, 400.0)}
"""A thousand times the list, so that small answers move a budget."""
ONE = "a/gpt-4.1-mini"
TWO = [ONE, "b/gpt-4.1-mini"]


class Limited:
    """An edge whose callers have limits."""

    def __init__(self, edge, store: SqliteAllowances) -> None:
        self.edge = edge
        self.store = store

    def settled(self) -> dict[str, Used]:
        """What the store was told by the time everything is settled and returned."""
        self.edge.service.allowances.close()
        return {used.resource: used for used in self.store.used(day_of(time.time()))}


@pytest_asyncio.fixture
async def start(start_edge, tmp_path: Path):
    made: list[SqliteAllowances] = []

    async def run(limits: KeyLimits, chain: list[str] | None = None, budget: dict | None = None, **providers):
        edge = await start_edge(
            providers,
            chain or [ONE],
            prices=PRICES,
            retry=Retry(max_tries=1, base_s=0.0, cap_s=0.0),
            budget=Budget(limits, **({"max_output_tokens": 100} | (budget or {}))),
        )
        store = SqliteAllowances(tmp_path / FILE)
        made.append(store)
        edge.service.limit_keys(store)
        return Limited(edge, store)

    yield run
    for store in made:
        store.close()


def cost(response: httpx2.Response) -> float:
    return response.json()["roadworthy"]["cost"]


async def test_a_plain_answer_is_charged_what_it_cost(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(usd_per_day=5.0, tokens_per_day=100_000), a=a.base_url)
        answer = await limited.edge.ask()
        usage = answer.json()["usage"]
        used = limited.settled()
    price = (usage["prompt_tokens"] * 400 + usage["completion_tokens"] * 1_600) / 1e6
    assert cost(answer) == pytest.approx(price)
    assert answer.headers["x-roadworthy-cost"] == f"{price:.12g}"
    assert (used["usd"].spent, used["usd"].leased, used["usd"].lost) == (round(price * 1e9), 0, 0)
    assert (used["tokens"].spent, used["tokens"].leased) == (usage["total_tokens"], 0)
    (record,) = limited.edge.ledger.records
    assert record.cost_usd == pytest.approx(price)


@pytest.mark.parametrize("asked", [True, False])
async def test_a_stream_is_charged_by_its_last_event_whether_the_caller_wants_it_or_not(start, asked: bool) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(usd_per_day=5.0), a=a.base_url)
        more = {"stream_options": {"include_usage": True}} if asked else {}
        answer = await limited.edge.ask(stream=True, **more)
        used = limited.settled()
    assert ('"choices": []' in answer.text) is asked, "the usage chunk is for those who asked"
    (record,) = limited.edge.ledger.records
    price = (record.prompt_tokens * 400 + record.completion_tokens * 1_600) / 1e6
    assert record.cost_usd == pytest.approx(price)
    assert f'"cost":{price:.6g}'.rstrip("0") in answer.text
    assert '"cost_estimated":false' in answer.text
    assert used["usd"].spent == pytest.approx(price * 1e9, abs=1)


@pytest.mark.parametrize(
    ("fault", "reason", "free"),
    [
        (Fault("status", status=500), "http_error", True),
        (Fault("close"), "connection_cut", False),
        (Fault("hang"), "timeout", False),
        (Fault("empty"), "empty_answer", False),
        (Fault("html"), "malformed_body", False),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
async def test_failed_attempts_that_cost_money_are_counted(start, fault: Fault, reason: str, free: bool) -> None:
    with doubles.openai(faults=fault) as a, doubles.openai() as b:
        limited = await start(KeyLimits(usd_per_day=5.0), TWO, a=a.base_url, b=b.base_url)
        answer = await limited.edge.ask()
        used = limited.settled()
    failed, served = answer.json()["roadworthy"]["attempts"]
    assert failed["reason"] == reason
    assert (failed["cost_usd"] == 0) is free
    assert served["cost_usd"] > 0
    assert cost(answer) == pytest.approx(failed["cost_usd"] + served["cost_usd"])
    assert (used["usd"].spent, used["usd"].leased) == (pytest.approx(cost(answer) * 1e9, abs=1), 0)


async def test_a_cut_stream_is_charged_by_estimate(start) -> None:
    with doubles.openai(faults=Fault("cut", after=3)) as a:
        limited = await start(KeyLimits(usd_per_day=5.0), a=a.base_url)
        with pytest.raises(httpx2.RemoteProtocolError):
            await limited.edge.ask(stream=True)
        await limited.edge.recorded()
        used = limited.settled()
    (record,) = limited.edge.ledger.records
    (attempt,) = record.attempts
    assert (record.code, attempt.cost_estimated) == ("stream_incomplete", True)
    assert attempt.cost_usd > 0
    assert (used["usd"].spent, used["usd"].leased) == (pytest.approx(attempt.cost_usd * 1e9, abs=1), 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_hangs_up_pays_for_what_was_sent(start, stream: bool) -> None:
    with doubles.openai(faults=Fault("hang")) as a:
        limited = await start(KeyLimits(usd_per_day=5.0), a=a.base_url)
        with pytest.raises(httpx2.ReadTimeout):
            await limited.edge.http.post(
                "/v1/chat/completions",
                timeout=0.2,
                json={"model": "chat", "stream": stream, "messages": [{"role": "user", "content": "Hello?"}]},
            )
        await limited.edge.recorded()
        used = limited.settled()
    (record,) = limited.edge.ledger.records
    assert record.code == "client_gone"
    assert used["usd"].spent == pytest.approx(record.cost_usd * 1e9, abs=1)
    assert (used["usd"].spent > 0, used["usd"].leased) == (True, 0)


async def test_an_answer_without_a_count_is_estimated(start, monkeypatch: pytest.MonkeyPatch) -> None:
    with doubles.openai() as a:
        monkeypatch.setattr(a, "usage", lambda body, text: None)
        a.reply = "It is Paris. " * 40
        limited = await start(KeyLimits(tokens_per_day=100_000), a=a.base_url)
        answer = await limited.edge.ask()
        used = limited.settled()
    told = answer.json()["roadworthy"]
    assert told["cost_estimated"] is True
    assert told["cost"] > len(a.reply) / 4 * 1_600 / 1e6 * 0.9
    assert used["tokens"].spent > len(a.reply) / 4 * 0.9


async def test_a_budget_is_spent_to_its_end_and_not_beyond(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(usd_per_day=1.0), a=a.base_url)
        answers = [await limited.edge.ask(max_tokens=50, stream=number % 2 == 1) for number in range(60)]
        used = limited.settled()
    codes = [answer.status_code for answer in answers]
    assert codes == sorted(codes)
    assert set(codes) == {200, 429}
    refused = answers[-1]
    assert refused.json()["error"]["code"] == "budget_exceeded"
    assert refused.json()["error"]["type"] == "insufficient_quota"
    assert refused.headers["x-should-retry"] == "false"
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert used["usd"].spent <= 1_000_000_000
    assert used["usd"].spent > 1_000_000_000 - 2 * (50 * 1_600 + 40 * 400) * 1_000
    told = sum(record.cost_usd for record in limited.edge.ledger.records)
    assert told * 1e9 == pytest.approx(used["usd"].spent, abs=60)


async def test_many_at_once_do_not_overspend(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(usd_per_day=1.0), a=a.base_url)
        answers = await asyncio.gather(*(limited.edge.ask(max_tokens=50) for _ in range(60)))
        used = limited.settled()
    assert {answer.status_code for answer in answers} == {200, 429}
    assert (used["usd"].spent <= 1_000_000_000, used["usd"].leased) == (True, 0)


@pytest.mark.parametrize("limits", [KeyLimits(usd_per_day=0.0), KeyLimits(tokens_per_day=0)])
async def test_a_budget_of_0_allows_nothing(start, limits: KeyLimits) -> None:
    with doubles.openai() as a:
        limited = await start(limits, a=a.base_url)
        answer = await limited.edge.ask()
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (429, "budget_exceeded")
    assert error["why"] == "A budget of 0 allows nothing."
    assert "retry-after" not in answer.headers
    assert not a.requests


async def test_a_request_that_could_cost_more_than_the_budget_says_how_to_mend_it(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(usd_per_day=0.1), a=a.base_url)
        answer = await limited.edge.ask(max_tokens=100_000)
        assert (await limited.edge.ask(max_tokens=10)).status_code == 200
    error = answer.json()["error"]
    assert error["code"] == "budget_exceeded"
    assert "$0.1 is left today" in error["why"]
    assert "max_tokens" in error["mend"]


async def test_a_model_without_a_price_is_refused_to_a_budget_in_dollars(start) -> None:
    with doubles.openai() as a, doubles.openai() as b:
        chain = [ONE, "b/secret-model"]
        limited = await start(KeyLimits(usd_per_day=5.0), chain, a=a.base_url, b=b.base_url)
        answer = await limited.edge.ask()
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "model_unpriced")
    assert "b/secret-model" in error["why"]


async def test_a_model_without_a_price_is_let_pass_where_that_is_allowed(start) -> None:
    with doubles.openai() as a:
        limits = KeyLimits(usd_per_day=5.0, tokens_per_day=10_000)
        limited = await start(limits, ["a/secret-model"], {"unpriced": "allow"}, a=a.base_url)
        answer = await limited.edge.ask()
        used = limited.settled()
    assert answer.status_code == 200
    assert cost(answer) is None
    assert "x-roadworthy-cost" not in answer.headers
    assert "usd" not in used
    assert used["tokens"].spent == answer.json()["usage"]["total_tokens"]


async def test_a_rate_limit_says_when_and_what_is_left(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(requests_per_minute=3), a=a.base_url)
        answers = [await limited.edge.ask() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert {answer.headers["x-ratelimit-limit-requests"] for answer in answers} == {"3"}
    assert answers[0].headers["x-ratelimit-reset-requests"] in {"20s", "19.99s", "19.98s"}
    assert answers[3].json()["error"]["code"] == "rate_limited"
    assert 19 <= int(answers[3].headers["retry-after"]) <= 20
    assert "x-should-retry" not in answers[3].headers


async def test_waiting_as_told_is_enough(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(requests_per_minute=60), a=a.base_url)
        answers = await asyncio.gather(*(limited.edge.ask() for _ in range(61)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 1
        assert refused[0].headers["retry-after"] == "1"
        await asyncio.sleep(1.0)
        assert (await limited.edge.ask()).status_code == 200


async def test_tokens_per_minute_are_settled_with_what_was_used(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(tokens_per_minute=400), a=a.base_url)
        answers = [await limited.edge.ask(max_tokens=100) for _ in range(4)]
        too_large = await limited.edge.ask(max_tokens=500)
    assert [answer.status_code for answer in answers] == [200] * 4
    left = [int(answer.headers["x-ratelimit-remaining-tokens"]) for answer in answers]
    assert left[0] > left[-1] > 0
    assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "request_too_large")


async def test_places_are_counted_and_given_back(start) -> None:
    with doubles.openai(faults=Fault("hang")) as a:
        limited = await start(KeyLimits(concurrent=1), a=a.base_url)
        first = asyncio.create_task(limited.edge.ask())
        while not a.requests:  # noqa: ASYNC110 - the double runs in a thread
            await asyncio.sleep(0.01)
        second = await limited.edge.ask()
        await first
        a.faults = None
        third = await limited.edge.ask()
    assert (second.status_code, second.headers["retry-after"]) == (429, "1")
    assert third.status_code == 200


async def test_a_key_has_its_own_limits_and_they_change_while_it_runs(start) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(), a=a.base_url)
        service = limited.edge.service
        assert (await limited.edge.ask()).status_code == 200
        secret = {"authorization": "Bearer rw_test"}
        limited.edge.http.headers.update(secret)
        sha = hashlib.sha256(b"rw_test").hexdigest()
        service.load_keys([Key("key_a", sha, ("use",), KeyLimits(requests_per_minute=1))])
        codes = [(await limited.edge.ask()).status_code for _ in range(2)]
        service.load_keys([Key("key_a", sha, ("use",), KeyLimits(requests_per_minute=10_000))])
        codes.append((await limited.edge.ask()).status_code)
        service.load_keys([Key("key_a", sha, ("use",))])
        answer = await limited.edge.ask()
    assert codes == [200, 429, 200]
    assert "x-ratelimit-limit-requests" not in answer.headers


class Away(SqliteAllowances):
    """A store that refuses while it is told to."""

    away = False

    def lease(self, *arguments) -> Lease:
        if self.away:
            raise StorageError("The budgets cannot be read or written.")
        return super().lease(*arguments)

    def settle(self, *arguments) -> None:
        if self.away:
            raise StorageError("The budgets cannot be read or written.")
        super().settle(*arguments)


async def test_a_store_that_is_away_refuses_only_those_with_limits_and_forgets_nothing(start, tmp_path: Path) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(usd_per_day=5.0), a=a.base_url)
        limited.store = Away(tmp_path / "other.db")
        limited.edge.service.limit_keys(limited.store)
        first = await limited.edge.ask()
        limited.store.away = True
        await asyncio.sleep(0.05)  # the sweep of what is too much fails, too
        second = await limited.edge.ask(max_tokens=100_000)
        limited.store.away = False
        used = limited.settled()
        limited.store.close()
    assert (second.status_code, second.json()["error"]["code"]) == (503, "store_unavailable")
    assert (used["usd"].spent, used["usd"].leased) == (pytest.approx(cost(first) * 1e9, abs=1), 0)


async def test_what_a_killed_worker_held_is_closed_when_the_store_is_back_whoever_asks(start, monkeypatch) -> None:
    tries: list[int] = []

    def adopt(*given: int) -> None:
        tries.append(given[0])
        if len(tries) < 3:
            raise StorageError("The budgets cannot be read or written.")

    monkeypatch.setattr(SqliteAllowances, "adopt", lambda self, *given: adopt(*given))
    monkeypatch.setattr(reserve, "SWEEP_S", 0.02)
    limited = await start(KeyLimits(usd_per_day=5.0), a="http://127.0.0.1:9/v1")
    async with asyncio.timeout(30):
        while len(tries) < 3:  # noqa: ASYNC110 - a thread has no event to wait for
            await asyncio.sleep(0.01)
    limited.edge.service.allowances.close()


async def test_who_hangs_up_while_a_slice_is_leased_is_not_asked_for(start, monkeypatch: pytest.MonkeyPatch) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(usd_per_day=5.0), a=a.base_url)
        slow: Callable = limited.store.lease

        def lease(*arguments) -> Lease:
            time.sleep(0.3)
            return slow(*arguments)

        monkeypatch.setattr(limited.store, "lease", lease)
        with pytest.raises(httpx2.ReadTimeout):
            await limited.edge.http.post(
                "/v1/chat/completions",
                timeout=0.1,
                json={"model": "chat", "messages": [{"role": "user", "content": "Hello?"}]},
            )
        await limited.edge.recorded()
        await asyncio.sleep(0.4)
        used = limited.settled()
        assert not a.requests
    assert "usd" not in used or (used["usd"].spent, used["usd"].leased) == (0, 0)


async def test_places_of_a_killed_predecessor_come_back_before_the_first_request(start_edge, tmp_path: Path) -> None:
    store, place = SqliteAllowances(tmp_path / FILE), [Share("concurrent", 1, 1, 1)]
    today = day_of(time.time())
    assert store.lease(0, "anonymous", today, time.time(), place).granted == (1,)
    assert store.lease(1, "anonymous", today, time.time(), place).granted == (0,)
    with doubles.openai() as a:
        edge = await start_edge({"a": a.base_url}, [ONE], budget=Budget(KeyLimits(concurrent=1)))
        edge.service.limit_keys(store)
        edge.service.allowances.close()  # waits for its thread
        assert store.lease(1, "anonymous", today, time.time(), place).granted == (1,)
    store.close()


async def test_a_slow_store_does_not_outlast_the_deadline(start_edge, tmp_path: Path) -> None:
    asked = threading.Event()

    class Slow(SqliteAllowances):
        def lease(self, *args: object) -> Lease:
            asked.wait(10.0)
            return super().lease(*args)  # type: ignore[arg-type]

    store = Slow(tmp_path / FILE)
    with doubles.openai() as a:
        budget = Budget(KeyLimits(tokens_per_day=100_000))
        edge = await start_edge({"a": a.base_url}, [ONE], budget=budget, route={"deadline_s": 0.2})
        edge.service.limit_keys(store)
        late = await edge.ask()
        asked.set()
        assert (late.status_code, late.json()["error"]["code"]) == (503, "store_unavailable")
        assert not a.requests
        assert (await edge.ask()).status_code == 200
        edge.service.allowances.close()
    assert [(used.resource, used.leased) for used in store.used(day_of(time.time()))] == [("tokens", 0)]
    assert [record.code for record in edge.ledger.records] == ["store_unavailable", "ok"]
    store.close()


async def test_a_place_that_comes_after_midnight_is_given_back(
    start_edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "SWEEP_S", 0.01)
    free, now = threading.Event(), [time.time()]

    class Slow(SqliteAllowances):
        def lease(self, *args: object) -> Lease:
            free.wait(10.0)
            return super().lease(*args)  # type: ignore[arg-type]

    store = Slow(tmp_path / FILE)
    with doubles.openai() as a:
        edge = await start_edge({"a": a.base_url}, [ONE], budget=Budget(KeyLimits(concurrent=1)))
        edge.service.limit_keys(store)
        monkeypatch.setattr(edge.service.allowances, "_wall", lambda: now[0])
        first = asyncio.create_task(edge.ask())
        await asyncio.sleep(0.05)
        now[0] += 86_400.0
        second = asyncio.create_task(edge.ask())
        await asyncio.sleep(0.2)  # sweeps look after the day that is over while its lease is under way
        free.set()
        codes = sorted(answer.status_code for answer in await asyncio.gather(first, second))
        assert 200 in codes
        await asyncio.sleep(0.2)
        edge.service.allowances.close()
    assert store.lease(1, "anonymous", day_of(now[0]), now[0], [Share("concurrent", 1, 1, 1)]).granted == (1,)
    store.close()


async def test_a_store_that_is_away_at_the_end_is_no_bug_of_ours(start, monkeypatch: pytest.MonkeyPatch) -> None:
    with doubles.openai() as a:
        limited = await start(KeyLimits(tokens_per_day=100_000), a=a.base_url)
        await limited.edge.ask()

        def away(*_: object) -> None:
            raise StorageError("The budgets cannot be read or written.")

        monkeypatch.setattr(limited.store, "settle", away)
        limited.edge.service.allowances.close()
    assert [kind for kind, _, _ in limited.edge.ledger.events] == []
