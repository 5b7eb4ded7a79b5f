"""When a dead process is started again, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.clock import ManualClock
from roadworthy.serve.restart import Backoff, RestartPolicy


def test_waits_double_up_to_the_cap() -> None:
    clock, policy = ManualClock(), RestartPolicy()
    waits = []
    for _ in range(10):
        policy.started(clock.monotonic())
        clock.advance(0.01)
        waits.append(policy.died(clock.monotonic()))
        clock.advance(waits[-1])
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0])


def test_a_healthy_spell_starts_the_count_again() -> None:
    clock, policy = ManualClock(), RestartPolicy()
    for _ in range(6):
        policy.started(clock.monotonic())
        policy.died(clock.monotonic())
    assert policy.looping
    policy.started(clock.monotonic())
    clock.advance(30.0)
    assert policy.died(clock.monotonic()) == pytest.approx(0.1)
    assert not policy.looping


def test_one_second_short_of_healthy_is_not_healthy() -> None:
    clock, policy = ManualClock(), RestartPolicy()
    policy.started(clock.monotonic())
    policy.died(clock.monotonic())
    policy.started(clock.monotonic())
    clock.advance(29.0)
    assert policy.died(clock.monotonic()) == pytest.approx(0.2)


def test_it_is_a_loop_from_the_fifth_death_on() -> None:
    policy, seen = RestartPolicy(), []
    for _ in range(6):
        policy.started(0.0)
        policy.died(0.0)
        seen.append(policy.looping)
    assert seen == [False, False, False, False, True, True]
    assert policy.restarts == 5


@given(st.lists(st.floats(0, 100), max_size=60), st.floats(0.01, 1), st.floats(1, 60))
def test_waits_stay_between_base_and_cap(lives: list[float], base: float, cap: float) -> None:
    clock, policy = ManualClock(), RestartPolicy(Backoff(base, cap))
    for life in lives:
        policy.started(clock.monotonic())
        clock.advance(life)
        wait = policy.died(clock.monotonic())
        assert base <= wait <= cap
        if life >= 30.0:
            assert wait == base
        clock.advance(wait)
