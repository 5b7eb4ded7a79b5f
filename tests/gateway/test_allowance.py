"""Slices of budgets: whatever workers do, lose or forget, a limit holds, and every reservation is settled once."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rig.examples import examples
from roadworthy.core.ports import Lease
from roadworthy.gateway.allowance import (
    CONCURRENT,
    REQUESTS,
    RESOURCES,
    TOKENS,
    USD,
    Account,
    Need,
    merged,
    need,
    whole_limits,
)
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances, Used, day_of
from roadworthy.gateway.settings import KeyLimits

START = 1_795_219_200.0 - 30
"""Half a minute before a midnight of UTC."""
WORKERS = 3
KEY = "key_a"
LIMITS = KeyLimits(usd_per_day=1e-6, tokens_per_day=600, concurrent=4)


@dataclass
class Running:
    """A request between its reservation and its end."""

    account: Account
    reserved: Need


@dataclass
class Worker:
    """One worker, and what it really spent, which it may forget when it is killed."""

    account: Account | None = None
    past: list[Account] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)


class Budgets(RuleBasedStateMachine):
    """Workers that reserve, settle, sweep, die and come back around midnight, against one real store."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = SqliteAllowances(self.folder / FILE)
        self.workers = [Worker() for _ in range(WORKERS)]
        self.now = START
        self.spent: dict[tuple[str, int], int] = {}
        self.excess: dict[tuple[str, int], int] = {}
        self.killed = False

    def teardown(self) -> None:
        """Ends in any case with nothing open."""
        try:
            self.settled()
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    def settled(self) -> None:
        """When all is over, what the store was told is what was spent, and nobody holds anything."""
        for number, worker in enumerate(self.workers):
            for running in list(worker.running):
                self._settle(worker, running, running.reserved.usd, running.reserved.tokens)
            for account in [*worker.past, *([worker.account] if worker.account else [])]:
                self.store.settle(number, self.now, account.sweep(keep=False))
        for (day, resource), amount in self.spent.items():
            rows = {used.resource: used for used in self.store.used(day)}
            told = rows.get(RESOURCES[resource], Used(KEY, day, RESOURCES[resource], 0, 0, 0))
            assert told.leased == 0
            assert told.spent + told.lost >= amount - self.excess[day, resource]  # a killed worker's debt is forgotten
            if not self.killed:
                assert (told.spent, told.lost) == (amount, 0)

    @rule(number=st.integers(0, WORKERS - 1), usd=st.integers(0, 400), tokens=st.integers(0, 250))
    def ask(self, number: int, usd: int, tokens: int) -> None:
        """Reserve, from memory or with a new slice."""
        worker, day = self.workers[number], day_of(self.now)
        if worker.account is None or worker.account.day != day:
            if worker.account is not None:
                worker.past.append(worker.account)
            worker.account = Account(KEY, day, whole_limits(LIMITS), WORKERS)
        account, wanted = worker.account, need(usd, tokens)
        reserved = account.take(wanted)
        if reserved is None:
            shares = account.shares(wanted, [wanted])
            lease = self.store.lease(number, KEY, day, self.now, shares)
            account.granted(shares, lease, self.now)
            reserved = account.take(wanted)
            assert (reserved is None) == (lease.short is not None)
        if reserved is not None:
            worker.running.append(Running(account, reserved))

    @precondition(lambda self: any(worker.running for worker in self.workers))
    @rule(data=st.data(), usd=st.integers(0, 500), tokens=st.integers(0, 300))
    def end(self, data: st.DataObject, usd: int, tokens: int) -> None:
        """A request ends with less than was reserved, or with more."""
        worker = data.draw(st.sampled_from([worker for worker in self.workers if worker.running]))
        self._settle(worker, data.draw(st.sampled_from(worker.running)), usd, tokens)

    def _settle(self, worker: Worker, running: Running, usd: int, tokens: int) -> None:
        worker.running.remove(running)
        running.account.settle(running.reserved, usd, tokens)
        for resource, used in ((USD, usd), (TOKENS, tokens)):
            place = (running.account.day, resource)
            self.spent[place] = self.spent.get(place, 0) + used
            self.excess[place] = self.excess.get(place, 0) + max(0, used - running.reserved[resource])

    @rule(number=st.integers(0, WORKERS - 1), keep=st.booleans())
    def sweep(self, number: int, keep: bool) -> None:
        """Tell the store."""
        worker = self.workers[number]
        if worker.account is not None:
            self.store.settle(number, self.now, worker.account.sweep(keep))
        for account in list(worker.past):
            self.store.settle(number, self.now, account.sweep(keep=False))
            if not account.running:
                worker.past.remove(account)

    @rule(number=st.integers(0, WORKERS - 1))
    def kill(self, number: int) -> None:
        """Nothing is told; the next worker of the same number closes what it held."""
        self.killed = True
        self.workers[number] = Worker()
        self.store.adopt(number, WORKERS)

    @rule(seconds=st.sampled_from([1.0, 40.0]))
    def wait(self, seconds: float) -> None:
        """Time goes by, now and then over midnight."""
        self.now += seconds

    @invariant()
    def the_limit_holds(self) -> None:
        """Spent, lost and held together are within the limit, but for answers that cost more than was reserved."""
        for day in {day_of(START), day_of(self.now)}:
            for used in self.store.used(day):
                place = RESOURCES.index(used.resource)
                limit = whole_limits(LIMITS)[place] or 0
                assert used.spent >= 0
                assert used.lost >= 0
                assert used.leased >= 0
                assert used.spent + used.lost + used.leased <= limit + self.excess.get((day, place), 0), used

    @invariant()
    def no_more_at_once_than_allowed(self) -> None:
        """Places are counted over all workers."""
        assert sum(len(worker.running) for worker in self.workers) <= (LIMITS.concurrent or 0)

    @invariant()
    def what_was_spent_is_within_the_limit(self) -> None:
        """The same for the truth, which no worker may hide."""
        for (_, resource), amount in self.spent.items():
            assert amount <= (whole_limits(LIMITS)[resource] or 0) + sum(self.excess.values())


Budgets.TestCase.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
TestBudgets = Budgets.TestCase


def account(limits: KeyLimits, workers: int = 1) -> Account:
    return Account(KEY, "2026-11-21", whole_limits(limits), workers)


def grant(one: Account, wanted: Need, *amounts: int) -> None:
    shares = one.shares(wanted, [wanted])
    one.granted(shares, Lease(amounts, (0,) * len(amounts)), 0.0)


def test_what_is_not_limited_is_neither_leased_nor_told() -> None:
    one = account(KeyLimits(tokens_per_day=1_000))
    wanted = need(usd=50, tokens=100)
    assert [(share.resource, share.least) for share in one.shares(wanted, [wanted])] == [("tokens", 100)]
    grant(one, wanted, 131)
    reserved = one.take(wanted)
    assert reserved == Need(0, 100, 0, 0, 0)
    one.settle(reserved, usd=40, tokens=30)
    assert [(told.resource, told.spent, told.unused) for told in one.sweep(keep=False)] == [("tokens", 30, 101)]
    assert one.sweep(keep=False) == []


def test_a_slice_is_kept_and_the_rest_returned() -> None:
    one = account(KeyLimits(tokens_per_day=6_400), workers=2)
    grant(one, need(0, 10), 1_000)
    (told,) = one.sweep(keep=True)
    assert (told.spent, told.unused, one.pot(TOKENS)) == (0, 900, 100)


def test_more_spent_than_reserved_is_told_as_a_debt() -> None:
    one = account(KeyLimits(tokens_per_day=1_000))
    grant(one, need(0, 10), 10)
    reserved = one.take(need(0, 10))
    assert reserved is not None
    one.settle(reserved, 0, 25)
    (told,) = one.sweep(keep=True)
    assert (told.spent, told.unused) == (25, -15)
    assert one.pot(TOKENS) == 0


def test_a_limit_that_is_set_while_a_request_runs_gives_nothing_away() -> None:
    one = account(KeyLimits())
    reserved = one.take(need(500, 500))
    assert reserved == Need(0, 0, 0, 0, 0)
    one.limit(whole_limits(KeyLimits(usd_per_day=1.0)))
    one.settle(reserved, usd=300, tokens=1)
    (told,) = one.sweep(keep=False)
    assert (told.resource, told.spent, told.unused) == ("usd", 300, -300)


def test_a_limit_that_is_taken_away_while_a_request_runs_is_settled() -> None:
    one = account(KeyLimits(usd_per_day=1.0, concurrent=1))
    grant(one, need(100, 0), 100, 1)
    reserved = one.take(need(100, 0))
    assert reserved is not None
    one.limit(whole_limits(KeyLimits()))
    one.settle(reserved, usd=60, tokens=0)
    assert [(told.resource, told.spent, told.unused) for told in one.sweep(keep=True)] == [
        ("usd", 60, 40),
        ("concurrent", 0, 1),
    ]


def test_remaining_grows_with_time_and_never_over_the_limit() -> None:
    one = account(KeyLimits(requests_per_minute=60))
    shares = one.shares(need(0, 0), [need(0, 0)])
    one.granted(shares, Lease((3,), (10,)), 100.0)
    assert [one.remaining(REQUESTS, now) for now in (100.0, 101.0, 102.5, 500.0)] == [13, 14, 15, 60]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, KeyLimits(usd_per_day=5.0, concurrent=2)),
        (KeyLimits(usd_per_day=1.0), KeyLimits(usd_per_day=1.0, concurrent=2)),
        (KeyLimits(usd_per_day=0.0, tokens_per_day=7), KeyLimits(0.0, 7, None, None, 2)),
    ],
)
def test_a_keys_own_limit_goes_before_the_default(own: KeyLimits | None, expected: KeyLimits) -> None:
    assert merged(own, KeyLimits(usd_per_day=5.0, concurrent=2)) == expected


def test_whole_limits_are_in_the_order_of_the_resources() -> None:
    assert whole_limits(KeyLimits(0.25, 2, 3, 4, 5)) == (250_000_000, 2, 3, 4, 5)
    assert RESOURCES[CONCURRENT] == "concurrent"
