"""The chain's decisions in virtual time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway.breaker import Breaker
from roadworthy.gateway.chain import Chain, Spent, Try, Wait
from roadworthy.gateway.settings import Breaker as Rules
from roadworthy.gateway.settings import Retry

RETRY = Retry(max_tries=3, base_s=0.2, cap_s=2.0)


@dataclass(eq=False)
class FakeLink:
    provider_name: str
    model: str = "m"
    breaker: Breaker = field(default_factory=lambda: Breaker(Rules()))
    ready: bool = True


def chain(*links: FakeLink, deadline: float = 30.0, try_s: float | None = None) -> Chain[FakeLink]:
    return Chain(links, deadline, try_s, RETRY, lambda: 1.0)


def test_the_first_healthy_target_is_asked_first() -> None:
    a, b = FakeLink("a"), FakeLink("b")
    step = chain(a, b).next(0.0)
    assert isinstance(step, Try)
    assert step.link is a


def test_a_healthy_target_comes_before_a_second_try_and_without_a_wait() -> None:
    a, b = FakeLink("a"), FakeLink("b")
    run = chain(a, b)
    first = run.next(0.0)
    assert isinstance(first, Try)
    run.failed(first, Reason.HTTP_ERROR, 0.001)
    second = run.next(0.001)
    assert isinstance(second, Try)
    assert second.link is b


def test_three_tries_with_growing_waits_when_there_is_nobody_else() -> None:
    a = FakeLink("a", breaker=Breaker(Rules(consecutive_failures=99)))
    run, now, waits, tries = chain(a), 0.0, [], 0
    while not isinstance(step := run.next(now), Spent):
        if isinstance(step, Wait):
            waits.append(round(step.seconds, 3))
            now += step.seconds
        else:
            tries += 1
            run.failed(step, Reason.HTTP_ERROR, now)
    assert tries == 3
    assert waits == [0.2, 0.4]
    assert step.deadline_passed is False


@pytest.mark.parametrize("reason", [Reason.UNAUTHORIZED, Reason.MODEL_NOT_FOUND, Reason.CONTENT_FILTERED])
def test_what_a_retry_cannot_heal_is_not_retried(reason: Reason) -> None:
    run = chain(FakeLink("a"))
    step = run.next(0.0)
    assert isinstance(step, Try)
    run.failed(step, reason, 0.0)
    assert isinstance(run.next(0.0), Spent)


def test_requests_that_a_restart_broke_open_no_breaker() -> None:
    a = FakeLink("a")
    runs = [chain(a) for _ in range(5)]
    steps = [run.next(0.0) for run in runs]
    a.ready = False  # its process died under all of them; its supervisor starts it again
    for run, step in zip(runs, steps, strict=True):
        assert isinstance(step, Try)
        run.failed(step, Reason.CONNECTION_CUT, 1.0)
        assert isinstance(run.next(1.0), Wait)
    a.ready = True
    assert all(isinstance(run.next(2.0), Try) for run in runs)


def test_the_callers_own_mistake_is_neither_retried_nor_counted() -> None:
    a = FakeLink("a")
    for _ in range(20):
        run = chain(a)
        step = run.next(0.0)
        assert isinstance(step, Try)
        run.failed(step, Reason.BAD_REQUEST, 0.0)
        assert run.callers_fault
    assert a.breaker.state == "closed"
    assert a.breaker.window_failures == 0


def test_a_rate_limit_benches_the_target_for_as_long_as_it_says() -> None:
    a, b = FakeLink("a"), FakeLink("b")
    run = chain(a, b)
    step = run.next(0.0)
    assert isinstance(step, Try)
    run.failed(step, Reason.RATE_LIMITED, 0.0, retry_after_s=7.0)
    assert a.breaker.admit(6.9) is None
    assert a.breaker.state == "closed"
    following = chain(a, b).next(1.0)
    assert isinstance(following, Try)
    assert following.link is b


def test_retry_after_is_waited_for_when_there_is_nobody_else_and_time_enough() -> None:
    run = chain(FakeLink("a"), deadline=30.0)
    step = run.next(0.0)
    assert isinstance(step, Try)
    run.failed(step, Reason.RATE_LIMITED, 0.0, retry_after_s=7.0)
    wait = run.next(0.0)
    assert isinstance(wait, Wait)
    assert wait.seconds == pytest.approx(7.0)


def test_retry_after_beyond_the_deadline_is_told_at_once() -> None:
    run = chain(FakeLink("a"), deadline=5.0)
    step = run.next(0.0)
    assert isinstance(step, Try)
    run.failed(step, Reason.RATE_LIMITED, 0.0, retry_after_s=60.0)
    spent = run.next(0.0)
    assert isinstance(spent, Spent)
    assert spent.retry_in_s == pytest.approx(60.0)


def test_open_breakers_are_passed_over_and_noted_once() -> None:
    a, b = FakeLink("a"), FakeLink("b")
    for _ in range(3):
        a.breaker.failed(a.breaker.admit(0.0) or 0, 0.0)
    run = chain(a, b)
    step = run.next(1.0)
    assert isinstance(step, Try)
    assert step.link is b
    assert run.attempts == [Attempt("a", "m", Reason.BREAKER_OPEN, 0.0)]


def test_only_open_breakers_fail_fast_with_the_seconds_to_the_probe() -> None:
    a = FakeLink("a")
    for _ in range(3):
        a.breaker.failed(a.breaker.admit(0.0) or 0, 0.0)
    spent = chain(a, deadline=60.0).next(4.0)
    assert isinstance(spent, Spent)
    assert spent.retry_in_s == pytest.approx(6.0)


def test_a_starting_target_is_waited_for() -> None:
    a = FakeLink("a", ready=False)
    run = chain(a)
    assert isinstance(run.next(0.0), Wait)
    a.ready = True
    assert isinstance(run.next(0.1), Try)


def test_each_unasked_target_gets_its_share_of_the_deadline() -> None:
    a, b, c = FakeLink("a"), FakeLink("b"), FakeLink("c")
    run, now, shares = chain(a, b, c), 0.0, []
    for _ in range(3):
        step = run.next(now)
        assert isinstance(step, Try)
        shares.append(step.timeout_s)
        now += step.timeout_s
        run.failed(step, Reason.TIMEOUT, now)
    assert shares == pytest.approx([10.0, 10.0, 10.0])


def test_an_unsupported_parameter_passes_the_target_over_without_blame() -> None:
    a, b = FakeLink("a"), FakeLink("b")
    run = chain(a, b)
    step = run.next(0.0)
    assert isinstance(step, Try)
    run.unsupported(step, "logprobs", 0.0)
    following = run.next(0.0)
    assert isinstance(following, Try)
    assert following.link is b
    assert a.breaker.window_size == 0
    assert run.attempts[0].detail == "logprobs"


FAILURES = [
    Reason.HTTP_ERROR, Reason.TIMEOUT, Reason.CONNECT_FAILED, Reason.EMPTY, Reason.RATE_LIMITED,
    Reason.UNAUTHORIZED, Reason.MODEL_NOT_FOUND,
]  # fmt: skip


@settings(max_examples=examples(100), deadline=None)
@given(
    seed=st.integers(0, 2**32),
    outcomes=st.lists(st.one_of(st.none(), st.sampled_from(FAILURES)), max_size=60),
    width=st.integers(1, 4),
    deadline=st.floats(0.05, 40.0),
)
def test_any_faults_end_in_time_and_within_the_tries(
    seed: int, outcomes: list[Reason | None], width: int, deadline: float
) -> None:
    dice = random.Random(seed)
    links = [FakeLink(str(i)) for i in range(width)]
    script, now = iter(outcomes), 0.0
    while True:  # several requests after each other on the same breakers
        run = Chain(links, now + deadline, None, RETRY, dice.random)
        tries = {link.provider_name: 0 for link in links}
        started, steps = now, 0
        while not isinstance(step := run.next(now), Spent):
            steps += 1
            assert steps < 1_000
            if isinstance(step, Wait):
                now += step.seconds
                assert now <= started + deadline
                continue
            assert 0 < step.timeout_s <= started + deadline - now + 1e-9
            tries[step.link.provider_name] += 1
            now += min(dice.uniform(0.0, 3.0), step.timeout_s)
            outcome = next(script, None)
            if outcome is None:
                run.served(step, now)
                break
            run.failed(step, outcome, now, dice.choice([None, 0.5, 20.0]) if outcome is Reason.RATE_LIMITED else None)
        assert now <= started + deadline + 1e-6
        assert max(tries.values()) <= RETRY.max_tries
        now += dice.uniform(0.0, 5.0)
        if next(script, None) is None:
            return
