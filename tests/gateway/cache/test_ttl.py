"""Adaptive lifetimes in virtual time: doubled above 0.8, halved below 0.3, one step a minute, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.cache.ttl import PERIOD_S, AdaptiveTtl, step


@pytest.mark.parametrize(
    ("ttl", "load", "expected"),
    [
        (3600, 0.81, 7200), (3600, 0.8, 3600), (3600, 0.3, 3600), (3600, 0.29, 1800), (700, 0.0, 600), (600, 0.0, 600),
        (86_400, 1.0, 86_400), (50_000, 1.0, 86_400),
    ],
)  # fmt: skip
def test_steps(ttl: float, load: float, expected: float) -> None:
    assert step(ttl, load, 600, 86_400) == expected


def run(ttl: AdaptiveTtl, load: float, start: float, seconds: int, each: float = 1.0) -> float:
    now = start
    while now < start + seconds:
        ttl.note(load, now)
        now += each
    return now


def test_an_hour_of_high_load_ends_at_a_day_and_an_hour_of_rest_at_ten_minutes() -> None:
    ttl = AdaptiveTtl(3600, 600, 86_400)
    now = run(ttl, 0.95, 0.0, 3_600)
    assert ttl.ttl_s == 86_400
    run(ttl, 0.05, now, 3_600)
    assert ttl.ttl_s == 600


def test_a_thousand_requests_at_once_are_one_look() -> None:
    ttl = AdaptiveTtl(3600, 600, 86_400)
    ttl.note(1.0, 0.0)
    for _ in range(1_000):
        ttl.note(1.0, PERIOD_S)
    assert ttl.ttl_s == 7_200


def test_a_burst_of_five_seconds_moves_nothing() -> None:
    ttl = AdaptiveTtl(3600, 600, 86_400)
    now = run(ttl, 0.5, 0.0, 58)
    now = run(ttl, 1.0, now, 5)
    run(ttl, 0.5, now, 300)
    assert ttl.ttl_s == 3600


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 500)), max_size=60))
def test_never_out_of_bounds_and_never_faster_than_one_step_a_period(looks: list[tuple[float, float]]) -> None:
    ttl, now, stepped = AdaptiveTtl(3600, 600, 86_400), 0.0, 0.0
    for load, wait in looks:
        now += wait
        before = ttl.ttl_s
        ttl.note(load, now)
        assert 600 <= ttl.ttl_s <= 86_400
        if ttl.ttl_s != before:
            assert before / 2 <= ttl.ttl_s <= before * 2
            assert now - stepped >= PERIOD_S
            stepped = now
