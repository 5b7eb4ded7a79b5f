"""Limits in a real Valkey: what the store of one machine promises holds for replicas, through deaths and data loss."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rig.examples import examples
from rig.stores import PASSWORD, Valkey
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import AllowanceStore, Resource, Return, Share
from roadworthy.gateway.allowance_store import day_of, until_midnight_s
from roadworthy.gateway.shared import allowance
from roadworthy.gateway.shared.allowance import ValkeyAllowances

NOW = 1_795_219_200.0 + 3_600
DAY = day_of(NOW)
Make = Callable[..., ValkeyAllowances]


@pytest.fixture
def make(valkey: Valkey, tmp_path: Path) -> Iterator[Make]:
    """A store per replica, all on one server under one prefix."""
    made: list[ValkeyAllowances] = []

    def store(replica: str = "one", **more: float) -> ValkeyAllowances:
        made.append(ValkeyAllowances(valkey.url, tmp_path.name, replica, own_clock=True, **more))  # type: ignore[arg-type]
        return made[-1]

    yield store
    for each in made:
        each.close()


def take(store: AllowanceStore, resource: Resource, limit: int, least: int, wish: int = 0, holder: int = 0, at=NOW):
    return store.lease(holder, "key_a", DAY, at, [Share(resource, limit, least, max(least, wish))])


def sums(store: ValkeyAllowances) -> tuple[int, int, int]:
    (used,) = store.used(DAY)
    return used.spent, used.lost, used.leased


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no store that is away; one that was killed refuses at once."""
    monkeypatch.setattr(allowance, "ANSWER_S", 30.0)


def test_a_rate_returns_what_was_not_used(make: Make) -> None:
    store: AllowanceStore = make()
    assert take(store, "requests_per_minute", 60, 1, 60).granted == (60,)
    got = take(store, "requests_per_minute", 60, 1)
    assert (got.short, got.retry_in_s) == (0, 1.0)
    store.settle(0, NOW, [Return("key_a", DAY, "requests_per_minute", 60, 0, 10)])
    assert take(store, "requests_per_minute", 60, 1, 60).granted == (10,)


def test_a_debt_of_a_rate_must_be_waited_for(make: Make) -> None:
    store = make()
    take(store, "tokens_per_minute", 600, 100)
    store.settle(0, NOW, [Return("key_a", DAY, "tokens_per_minute", 600, 0, -500)])
    got = take(store, "tokens_per_minute", 600, 100)
    assert (got.short, round(got.retry_in_s, 3)) == (0, 10.0)


def test_a_clock_that_was_set_back_closes_a_rate_for_a_minute_at_most(make: Make) -> None:
    store = make()
    take(store, "requests_per_minute", 5, 5, at=NOW + 7_200)
    assert take(store, "requests_per_minute", 5, 1).retry_in_s <= 12
    assert take(store, "requests_per_minute", 5, 5, at=NOW + 61).short is None


def test_all_or_nothing(make: Make) -> None:
    store = make()
    shares = [Share("usd", 1_000, 10, 100), Share("tokens", 50, 60, 60), Share("concurrent", 3, 1, 1)]
    got = store.lease(0, "key_a", DAY, NOW, shares)
    assert (got.granted, got.left, got.short) == ((0, 0, 0), (1_000, 50, 3), 1)
    assert got.retry_in_s == until_midnight_s(NOW)
    assert store.used(DAY) == []


def test_dollars_to_the_billionth(make: Make) -> None:
    store, limit = make(), 9_007_199_254_740_991
    assert take(store, "usd", limit, 1, limit - 1).granted == (limit - 1,)
    assert take(store, "usd", limit, 2).short == 0
    assert take(store, "usd", limit, 1).granted == (1,)
    store.settle(0, NOW, [Return("key_a", DAY, "usd", limit, limit, 0)])
    assert sums(store) == (limit, 0, 0)


def test_replicas_share_one_budget_and_their_workers_do_not_collide(make: Make) -> None:
    one, two = make("one"), make("two")
    assert take(one, "usd", 100, 10, 70).granted == (70,)
    assert take(two, "usd", 100, 10, 70).granted == (30,)
    assert take(two, "usd", 100, 10, holder=1).short == 0
    one.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 20, 50)])
    got = take(two, "usd", 100, 10, 70)
    assert (got.granted, got.left) == ((50,), (0,))
    assert sums(one) == sums(two) == (20, 0, 80)


def test_a_worker_that_starts_again_closes_its_predecessors_leases(make: Make) -> None:
    store = make()
    take(store, "usd", 100, 10, 40, holder=1)
    take(store, "concurrent", 2, 2, holder=1)
    take(store, "usd", 100, 10, 30, holder=5)
    make().adopt(1, 2)
    assert sums(store) == (0, 70, 0)
    assert take(make("two"), "concurrent", 2, 2).short is None


def test_a_replica_that_died_gives_its_places_back_and_its_money_counts_as_spent(make: Make) -> None:
    dead, alive = make("dead"), make("alive", silent_s=-1.0)
    take(dead, "concurrent", 2, 2)
    take(dead, "usd", 100, 60)
    assert take(make("patient"), "concurrent", 2, 1).short == 0
    assert take(alive, "concurrent", 2, 2).short is None
    assert take(alive, "usd", 100, 41).short == 0
    assert sums(alive) == (0, 60, 0)


def test_a_replica_that_was_taken_for_dead_tells_what_became_of_it(make: Make) -> None:
    slow, other = make("slow"), make("other", silent_s=-1.0)
    take(slow, "usd", 100, 60)
    take(slow, "concurrent", 2, 2)
    take(other, "usd", 100, 90)
    assert sums(other) == (0, 60, 0)
    take(other, "concurrent", 2, 2)
    slow.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 15, 25), Return("key_a", DAY, "concurrent", 2, 0, 2)])
    assert sums(other) == (15, 20, 0)
    assert take(slow, "concurrent", 2, 1).short == 0


def test_a_server_that_lost_everything_is_told_again(make: Make, valkey: Valkey) -> None:
    one, two = make("one"), make("two")
    take(one, "usd", 100, 10, 50)
    one.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 20, 0)])
    take(two, "usd", 100, 10, 40)
    valkey.kill()
    with pytest.raises(StorageError) as caught:
        take(one, "usd", 100, 10)
    assert PASSWORD not in f"{caught.value} {caught.value.why} {caught.value.mend}"
    valkey.start()
    assert take(two, "usd", 100, 1).short is None
    assert take(one, "usd", 100, 10).short == 0
    assert sums(one) == (20, 0, 71)


def test_many_at_once_never_lease_more_than_there_is(make: Make) -> None:
    stores, got = [make(f"r{n}") for n in range(4)], []

    def work(store: ValkeyAllowances, holder: int) -> None:
        for _ in range(40):
            lease = take(store, "tokens", 1_000, 3, 7, holder=holder)
            got.append(lease.granted[0])

    threads = [threading.Thread(target=work, args=(store, holder)) for store in stores for holder in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 998 <= sum(got) <= 1_000
    assert sums(stores[0]) == (0, 0, sum(got))


LIMIT = 1_000


class Replicas(RuleBasedStateMachine):
    """Two replicas whose steps lose their answers, whose server forgets; the budget must hold in every state."""

    server: Valkey
    count = 0

    @initialize()
    def begin(self) -> None:
        Replicas.count += 1
        self.prefix = f"machine{Replicas.count}"
        self.stores = [self.fresh(n) for n in range(2)]
        self.held = [0, 0]
        self.untold = [[0, 0], [0, 0]]
        self.spent = 0
        self.lost = 0

    def fresh(self, n: int) -> ValkeyAllowances:
        return ValkeyAllowances(self.server.url, self.prefix, f"r{n}", own_clock=True)

    def teardown(self) -> None:
        for store in getattr(self, "stores", []):
            store.close()

    def faulty(self, n: int, fault: str) -> Callable[[], None]:
        """Have the next script of a store fail before or after the server carried it out."""
        store = self.stores[n]
        plain = store._run

        def run(text: str, words: list) -> object:
            store._run = plain  # type: ignore[method-assign]
            if fault == "after":
                plain(text, words)
            raise StorageError("No answer.", "")

        if fault != "none":
            store._run = run  # type: ignore[method-assign,assignment]

        def mend() -> None:
            store._run = plain  # type: ignore[method-assign]

        return mend

    @rule(n=st.integers(0, 1), wish=st.integers(1, 300), fault=st.sampled_from(["none", "none", "before", "after"]))
    def lease(self, n: int, wish: int, fault: str) -> None:
        mend = self.faulty(n, fault)
        try:
            got = take(self.stores[n], "tokens", LIMIT, 1, wish)
        except StorageError:
            return
        finally:
            mend()
        self.held[n] += got.granted[0]

    @rule(n=st.integers(0, 1), share=st.floats(0, 1), back=st.floats(0, 1),
          fault=st.sampled_from(["none", "none", "before", "after"]))  # fmt: skip
    def settle(self, n: int, share: float, back: float, fault: str) -> None:
        spent = int((self.held[n] - sum(self.untold[n])) * share)
        unused = int((self.held[n] - sum(self.untold[n]) - spent) * back)
        told = [self.untold[n][0] + spent, self.untold[n][1] + unused]
        mend = self.faulty(n, fault)
        self.spent += spent
        try:
            self.stores[n].settle(0, NOW, [Return("key_a", DAY, "tokens", LIMIT, *told)])
        except StorageError:
            self.untold[n] = told
            return
        finally:
            mend()
        self.held[n] -= sum(told)
        self.untold[n] = [0, 0]

    @rule(n=st.integers(0, 1))
    def die_and_start_again(self, n: int) -> None:
        self.lost += self.held[n]
        self.held[n], self.untold[n] = 0, [0, 0]
        self.stores[n].close()
        self.stores[n] = self.fresh(n)
        self.stores[n].adopt(0, 1)

    @rule(n=st.integers(0, 1))
    def be_taken_for_dead(self, n: int) -> None:
        hasty = ValkeyAllowances(self.server.url, self.prefix, "hasty", silent_s=-1.0, own_clock=True)
        take(hasty, "tokens", LIMIT, LIMIT + 1)
        hasty.close()

    @precondition(lambda self: not self.lost)
    @rule()
    def forget(self) -> None:
        """The server loses its data; whoever lives still knows what it had."""
        client = self.stores[0]
        client._run("for _, k in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do redis.call('DEL', k) end return 1",
                    [f"{self.prefix}:"])  # fmt: skip
        for n in range(2):
            take(self.stores[n], "tokens", LIMIT, LIMIT + 1)

    @invariant()
    def the_budget_holds(self) -> None:
        if not hasattr(self, "stores"):
            return
        # What was settled without an answer can be used by nobody here, whether the server took it back or not.
        truth = self.spent + sum(self.held) - sum(map(sum, self.untold))
        assert truth <= LIMIT
        rows = self.stores[0].used(DAY)
        if rows and not any(store._unsure for store in self.stores):
            assert rows[0].spent + rows[0].lost + rows[0].leased >= truth


def test_the_budget_holds_through_lost_answers_deaths_and_data_loss(valkey: Valkey) -> None:
    Replicas.server = valkey
    run_state_machine_as_test(
        Replicas,
        settings=settings(
            max_examples=examples(40), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
