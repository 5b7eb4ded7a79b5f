"""The breaker's rules as tables, and its invariants under any sequence of events."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rig.examples import examples
from roadworthy.gateway.breaker import Breaker, Ticket
from roadworthy.gateway.settings import Breaker as Rules

RULES = Rules(consecutive_failures=3, error_rate=0.30, window=10, open_s=10.0)


def feed(breaker: Breaker, outcomes: str, now: float = 0.0) -> None:
    for outcome in outcomes:
        ticket = breaker.admit(now)
        if ticket is None:
            return
        if outcome == "f":
            breaker.failed(ticket, now)
        else:
            breaker.succeeded(ticket, 0.0)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("", "closed"),
        ("ff", "closed"),
        ("fff", "open"),
        ("ffsf", "closed"),
        ("ffsff", "open"),  # 4 of 10 failed, whatever the other five will be
        ("sfsfsfssss", "closed"),  # 3 of 10 is not more than 30 %
        ("sfsfsfsf", "open"),  # 4 is
        ("fsfsfsf", "open"),
        ("fsfsfssssssssssf", "closed"),
        ("fssssssssssssfsfsf", "closed"),  # the first failure has left the window
    ],
)
def test_when_it_opens(outcomes: str, state: str) -> None:
    breaker = Breaker(RULES)
    feed(breaker, outcomes)
    assert breaker.state == state


def test_exactly_one_probe_after_the_pause() -> None:
    breaker = Breaker(RULES)
    feed(breaker, "fff", now=100.0)
    assert breaker.admit(109.99) is None
    assert breaker.retry_in_s(104.0) == pytest.approx(6.0)
    probe = breaker.admit(110.0)
    assert probe is not None
    assert [breaker.admit(110.0) for _ in range(50)] == [None] * 50
    breaker.succeeded(probe, 0.0)
    assert breaker.state == "closed"
    assert breaker.admit(110.0) is not None


def test_a_failed_probe_opens_for_another_pause() -> None:
    breaker = Breaker(RULES)
    feed(breaker, "fff", now=0.0)
    probe = breaker.admit(10.0)
    assert probe is not None
    breaker.failed(probe, 10.0)
    assert breaker.state == "open"
    assert breaker.admit(19.9) is None
    assert breaker.admit(20.0) is not None


def test_a_probe_without_verdict_frees_the_place() -> None:
    breaker = Breaker(RULES)
    feed(breaker, "fff")
    probe = breaker.admit(10.0)
    assert probe is not None
    breaker.abandoned(probe, 10.0)
    assert breaker.admit(10.0) is not None


def test_reports_of_an_earlier_state_change_nothing() -> None:
    breaker = Breaker(RULES)
    late = breaker.admit(0.0)
    assert late is not None
    feed(breaker, "fff")
    breaker.succeeded(late, 0.0)
    assert breaker.state == "open"
    probe = breaker.admit(10.0)
    assert probe is not None
    breaker.failed(late, 10.0)
    assert breaker.state == "half_open"
    breaker.succeeded(probe, 0.0)
    breaker.failed(late, 11.0)
    assert breaker.consecutive_failures == 0


def test_bench_keeps_away_and_is_never_shortened() -> None:
    breaker = Breaker(RULES)
    breaker.bench(5.0)
    breaker.bench(3.0)
    assert breaker.admit(4.9) is None
    assert breaker.state == "closed"
    assert breaker.admit(5.0) is not None


def test_transitions_are_told_with_their_reason() -> None:
    told: list[tuple[str, str, str]] = []
    breaker = Breaker(RULES, lambda old, new, why: told.append((old, new, why)))
    feed(breaker, "fff")
    breaker.reset()
    assert told == [("closed", "open", "3 consecutive failures"), ("open", "closed", "reset by operator")]


def test_another_workers_finding_is_taken_over_without_being_told_again() -> None:
    told: list[str] = []
    breaker = Breaker(RULES, lambda old, new, why: told.append(new))
    breaker.follow("open", 10.0, 100.0)
    assert breaker.admit(109.9) is None
    breaker.follow("half_open", 10.0, 109.9)  # the other one probes: wait for what it finds
    assert breaker.admit(110.0) is None
    breaker.follow("closed", 0.0, 110.1)
    assert breaker.admit(110.1) is not None
    breaker.follow(None, 5.0, 110.1)
    assert breaker.admit(115.0) is None
    assert told == []


def test_news_of_a_probe_that_comes_late_opens_nothing() -> None:
    breaker = Breaker(RULES)
    breaker.follow("open", 10.0, 100.0)
    breaker.follow("closed", 0.0, 110.2)  # overtook the news of the probe
    breaker.follow("half_open", 10.0, 110.21)
    assert breaker.admit(110.3) is not None


class AnyTraffic(RuleBasedStateMachine):
    """Any order of admissions, ends, waits and resets."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(RULES)
        self.now = 0.0
        self.running: list[tuple[Ticket, str]] = []
        self.opened_at = 0.0

    @rule()
    def ask(self) -> None:
        before = self.breaker.state
        ticket = self.breaker.admit(self.now)
        if ticket is not None:
            assert before != "half_open"
            assert before == "closed" or self.now - self.opened_at >= RULES.open_s - 1e-6
            self.running.append((ticket, self.breaker.state))

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 1000), end=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def end(self, which: int, end: str) -> None:
        ticket, _ = self.running.pop(which % len(self.running))
        before = self.breaker.state
        if end == "succeeded":
            self.breaker.succeeded(ticket, self.now)
        elif end == "failed":
            self.breaker.failed(ticket, self.now)
        else:
            self.breaker.abandoned(ticket, self.now)
        if before != "open" and self.breaker.state == "open":
            self.opened_at = self.now if end != "abandoned" else self.now - RULES.open_s

    @rule(seconds=st.floats(0.0, 15.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        assert self.breaker.admit(self.now) is not None

    @invariant()
    def counts_are_bounded(self) -> None:
        assert 0 <= self.breaker.window_failures <= self.breaker.window_size <= RULES.window
        assert self.breaker.consecutive_failures < RULES.consecutive_failures or self.breaker.state != "closed"

    @invariant()
    def it_always_comes_back(self) -> None:
        if self.breaker.state == "open":
            assert self.breaker.retry_in_s(self.now) <= RULES.open_s + 1e-6


TestAnyTraffic = AnyTraffic.TestCase
TestAnyTraffic.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
