"""When a second try is due, what it may cost, and whom the chain offers for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.attempts import Reason
from roadworthy.gateway.breaker import Breaker
from roadworthy.gateway.chain import Chain, Try
from roadworthy.gateway.hedge import FIRST_ANSWER_TOKENS, LEAST_SAMPLES, LOOK_S, PACE_SPAN_S, Hedging, Pace
from roadworthy.gateway.settings import Breaker as Rules
from roadworthy.gateway.settings import Hedge, Price, Retry

PRICE = Price(1.0, 2.0, 1.0, 1.0, 0.5)


def filled(pace: Pace, now: float = 0.0, count: int = LEAST_SAMPLES) -> Pace:
    for number in range(count):
        pace.add(now, float(number + 1))
    return pace


def test_a_percentile_is_known_with_enough_recent_answers_and_forgotten_with_them() -> None:
    assert filled(Pace(), count=LEAST_SAMPLES - 1).percentile(0.0, 95) is None
    pace = filled(Pace())
    assert pace.percentile(0.0, 95) == 19.0
    assert pace.percentile(0.0, 50) == 10.0
    pace.add(0.1, 99.0)
    assert pace.percentile(0.1, 99) == 99.0
    assert pace.percentile(PACE_SPAN_S + LOOK_S + 1, 95) is None


@pytest.mark.parametrize(
    ("hedge", "known", "delay"),
    [
        (Hedge(after_s=2.0), True, 2.0),
        (Hedge(after_percentile=95), False, None),
        (Hedge(after_percentile=95), True, 19.0),
        (Hedge(after_s=2.0, after_percentile=95), False, 2.0),
        (Hedge(after_s=2.0, after_percentile=95), True, 19.0),
    ],
)
def test_the_delay(hedge: Hedge, known: bool, delay: float | None) -> None:
    assert Hedging(hedge).delay_s(filled(Pace()) if known else Pace(), 0.0) == delay


def test_an_estimate_follows_the_answers_that_were_seen() -> None:
    hedging = Hedging(Hedge(after_s=1.0))
    assert hedging.estimate(PRICE, 400, None) == pytest.approx(0.5 + (100 + 2 * FIRST_ANSWER_TOKENS) / 1e6)
    assert hedging.estimate(PRICE, 400, 10) == pytest.approx(0.5 + 120 / 1e6)
    hedging.closed(0.0, 1.0, 0.0, 0.0, 50)
    assert hedging.estimate(PRICE, 400, None) == pytest.approx(0.5 + 200 / 1e6)


def test_the_cap_is_a_share_of_the_span() -> None:
    hedging = Hedging(Hedge(after_s=1.0, max_extra_cost=0.1, window_s=100.0))
    assert not hedging.take(0.0, 0.01)  # nothing was spent yet
    assert hedging.take(0.0, 0.0)  # a free one is always allowed
    hedging.closed(0.0, 1.0, 0.0, 0.0, None)
    assert hedging.take(1.0, 0.06)
    assert not hedging.take(1.0, 0.06)  # the running one counts
    hedging.closed(2.0, 0.0, 0.06, 0.02, None)  # it was cheaper
    assert hedging.take(3.0, 0.06)
    hedging.closed(3.0, 0.0, 0.06, 0.06, None)
    assert not hedging.take(4.0, 0.06)
    assert hedging.spent(106.0) == (0.0, 0.0)
    assert not hedging.take(106.0, 0.01)


Step = tuple[float, float, float, float]


@given(st.lists(st.tuples(*(st.floats(0, 5) for _ in range(4)))), st.floats(0.01, 1))
def test_estimates_that_are_right_never_exceed_the_cap(steps: list[Step], share: float) -> None:
    hedging = Hedging(Hedge(after_s=1.0, max_extra_cost=share, window_s=1e6))
    now = spent = extra = 0.0
    open_: list[float] = []
    for wait, cost, hedge, ends in steps:
        now += wait
        if hedging.take(now, hedge):
            open_.append(hedge)
            assert extra + sum(open_) <= share * spent + 1e-6 or hedge == 0
        if open_ and ends < 2.5:
            taken = open_.pop()
            hedging.closed(now, cost, taken, taken, None)
            extra += taken
        else:
            hedging.closed(now, cost, 0.0, 0.0, None)
        spent += cost
    for taken in open_:
        hedging.closed(now, 0.0, taken, taken, None)
    assert hedging.running == pytest.approx(0.0, abs=1e-6)


class Link:
    def __init__(self, name: str) -> None:
        self.provider_name, self.model, self.ready = name, "m", True
        self.breaker = Breaker(Rules(consecutive_failures=1, open_s=10.0))


def started(count: int = 3, timeout_s: float | None = None) -> tuple[Chain[Link], list[Link], Try[Link]]:
    links = [Link(name) for name in "abcd"[:count]]
    chain = Chain(links, 30.0, timeout_s, Retry(), lambda: 0.0)
    step = chain.next(0.0)
    assert isinstance(step, Try)
    return chain, links, step


def names(chain: Chain[Link], step: Try[Link], now: float = 1.0) -> list[str]:
    return [rival.link.provider_name for rival in chain.rivals(step, now)]


def test_rivals_are_the_healthy_targets_that_were_not_asked() -> None:
    chain, links, step = started(4)
    assert names(chain, step) == ["b", "c", "d"]
    links[1].breaker.failed(0, 0.5)
    links[2].breaker.bench(5.0)
    assert names(chain, step) == ["d"]
    assert names(chain, step, 11.0) == ["c", "d"]  # b would be a probe now
    links[3].ready = False
    assert names(chain, step) == []
    assert links[1].breaker.state == "open"


def test_a_target_that_failed_in_this_request_is_no_rival() -> None:
    chain, _, step = started()
    chain.failed(step, Reason.HTTP_ERROR, 0.5)
    second = chain.next(0.5)
    assert isinstance(second, Try)
    assert names(chain, second) == ["c"]


def test_a_rival_gets_a_fair_share_of_what_is_left() -> None:
    chain, _, step = started(3)
    assert [rival.timeout_s for rival in chain.rivals(step, 10.0)] == [10.0, 10.0]
    chain, _, step = started(3, 4.0)
    assert [rival.timeout_s for rival in chain.rivals(step, 29.0)] == [1.0, 1.0]


def test_a_probe_has_no_rivals() -> None:
    chain, links, _ = started()
    links[0].breaker.failed(0, 0.5)
    probe = Chain(links, 60.0, None, Retry(), lambda: 0.0).next(20.0)
    assert isinstance(probe, Try)
    assert links[0].breaker.probing(probe.ticket)
    assert names(chain, probe, 21.0) == []
