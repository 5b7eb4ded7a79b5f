"""The selector: rules as tables, and its invariants under any sequence of faults, calls and time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rig.examples import examples
from roadworthy.gateway.breaker import Breaker
from roadworthy.gateway.mode_state import Ability, Cause, Change, Memory, ModeState
from roadworthy.gateway.modes import EMERGENCY, Decision, Selector
from roadworthy.gateway.settings import Breaker as BreakerRules
from roadworthy.gateway.settings import Downshift, Mode, Objective, Recovery, Route, Target

RECOVERY = Recovery(climb_after_s=10.0, max_climb_after_s=40.0, dwell_s=5.0, probes=2, shares=(0.25, 0.5))
OPEN_S = 4.0
NAMES = ("creative", "balanced", "fast")


class FakeLink:
    """A target whose breaker is real."""

    provider_name = "p"

    def __init__(self, model: str) -> None:
        self.model = model
        self.ready = True
        self.breaker = Breaker(BreakerRules(consecutive_failures=3, open_s=OPEN_S))

    def break_down(self, now: float) -> None:
        for _ in range(3):
            ticket = self.breaker.admit(now)
            if ticket is not None:
                self.breaker.failed(ticket, now)

    def probe(self, now: float, good: bool) -> None:
        ticket = self.breaker.admit(now)
        if ticket is not None:
            (self.breaker.succeeded if good else self.breaker.failed)(ticket, now)


class Bench:
    """Three modes with one link for each role, and everything they told."""

    def __init__(self, roles: int = 1, recovery: Recovery = RECOVERY, **rules: object) -> None:
        rules = {"p95_s": 6.0, "latency_window_s": 30.0, **rules}
        self.changes: list[tuple[Change, str]] = []
        self.hopeless: list[tuple[str, str]] = []
        self.modes = [
            Mode(
                name,
                tuple(Route(f"{name}/r{at}" if at else name, (Target("p", "m"),)) for at in range(roles)),
                downshift=Downshift(**rules), recovery=recovery, objective=Objective(0.0, 100.0),  # type: ignore[arg-type]
            )
            for name in NAMES
        ]  # fmt: skip
        self.links = {name: [FakeLink(f"{name}{at}") for at in range(roles)] for name in NAMES}
        self.selector = Selector(
            self.modes, [[[link] for link in self.links[name]] for name in NAMES],
            lambda change, fallback: self.changes.append((change, fallback)),
            lambda mode, what, limit, median: self.hopeless.append((mode, what)),
        )  # fmt: skip

    def decide(self, now: float, mode: str = "creative", draw: float = 0.0) -> Decision:
        return self.selector.decide(self.selector.path(mode), now, draw)

    def call(self, now: float, seconds: float = 0.0, failed: bool | None = False, mode: str = "creative") -> None:
        state = self.selector.state(mode)
        state.ended(state.begin(now), failed, now + seconds)

    def state(self, mode: str = "creative") -> ModeState:
        return self.selector.state(mode)


def test_served_as_asked() -> None:
    bench = Bench()
    assert bench.decide(0.0) == Decision("creative", "creative", "")
    assert bench.decide(0.0, "fast") == Decision("fast", "fast", "")
    assert not bench.changes


@pytest.mark.parametrize(
    ("outcomes", "phase"),
    [
        ("ssssssssss", "up"),
        ("fffssssss", "up"),  # the window is not full
        ("fffsssssss", "up"),  # 3 of 10 is not more than 30 %
        ("ffsssssssff", "up"),  # the first has left the window
        ("fsssssssfff", "up"),
        ("ffsssssssfff", "up"),  # 3 of the last 10
        ("ffsssssfff", "down"),
        ("fffssssssf", "down"),
        ("fff??????f", "up"),  # no verdict, no sample
    ],
)
def test_error_rate(outcomes: str, phase: str) -> None:
    bench = Bench()
    for outcome in outcomes:
        bench.call(1.0, failed={"f": True, "s": False, "?": None}[outcome])
    assert bench.state().phase == phase
    if phase == "down":
        decision = bench.decide(1.0)
        assert decision == Decision("creative", "balanced", Cause.ERRORS, (("creative", Cause.ERRORS),))


@pytest.mark.parametrize(
    ("seconds", "phase"),
    [
        ([7.0, 7.0], "up"),  # three slow calls at least
        ([7.0, 7.0, 7.0], "down"),
        ([6.0] * 50, "up"),  # not over the limit
        ([1.0] * 57 + [7.0] * 3, "up"),  # 5 % of 60 are not more than 5 %
        ([1.0] * 56 + [7.0] * 4, "down"),
    ],
)
def test_latency(seconds: list[float], phase: str) -> None:
    bench = Bench()
    for one in seconds:
        bench.call(10.0 - one, one)
    bench.decide(10.0)
    assert bench.state().phase == phase
    assert bench.state().cause == (Cause.SLOW if phase == "down" else None)


def test_latencies_are_forgotten_and_looked_at_every_quarter_second() -> None:
    bench = Bench()
    for _ in range(5):
        bench.call(1.0, 7.0)
    assert bench.decide(39.0).served == "creative"  # the window is 30 s
    for _ in range(5):
        bench.call(32.1, 7.0)
    assert bench.decide(39.2).served == "creative"  # looked at 0.2 s ago
    assert bench.decide(39.3).served == "balanced"


def test_calls_that_wait_count_before_they_end() -> None:
    bench = Bench()
    tickets = [bench.state().begin(0.0) for _ in range(3)]
    assert bench.decide(5.9).served == "creative"
    assert bench.decide(6.5).served == "balanced"
    for ticket in tickets:
        bench.state().ended(ticket, False, 7.0)
    assert bench.state().in_flight == 0


def test_a_stream_that_shows_text_does_not_wait() -> None:
    bench = Bench()
    for _ in range(4):
        bench.state().answered(bench.state().begin(0.0), 0.5)
    assert bench.decide(100.0).served == "creative"
    assert bench.state().in_flight == 4


def test_whoever_gives_up_after_the_limit_counts_as_slow() -> None:
    bench = Bench()
    for _ in range(3):
        bench.call(0.0, 6.5, failed=None)
    assert bench.decide(6.6).reason == Cause.SLOW


def test_every_role_needs_a_model() -> None:
    bench = Bench(roles=3)
    bench.links["creative"][2].break_down(0.0)
    assert bench.decide(0.0).served == "balanced"
    assert bench.decide(0.0).reason == Cause.UNAVAILABLE


def test_memory_and_its_return() -> None:
    bench = Bench(memory_fraction=0.85, memory_bytes=1000)
    bench.selector.settle(0.0, Memory(1001, 0.1))
    assert bench.decide(0.0) == Decision(
        "creative", "fast", Cause.MEMORY, tuple((name, Cause.MEMORY.value) for name in NAMES)
    )
    bench.selector.settle(1.0, Memory(1000, 0.86))
    assert bench.decide(1.0, "fast").reason == Cause.LAST_RESORT
    bench.selector.settle(2.0, Memory(None, None))
    assert [change.new for change, _ in bench.changes] == ["down"] * 3
    bench.selector.settle(12.0, Memory(None, None))
    assert bench.state().phase == "probing"


def test_a_cause_that_comes_back_starts_the_wait_again() -> None:
    bench = Bench(memory_fraction=0.85)
    for now, fraction in ((0.0, 0.9), (1.0, 0.5), (10.0, 0.9), (12.0, 0.5), (21.9, 0.5)):
        bench.selector.settle(now, Memory(None, fraction))
    assert bench.state().phase == "down"
    assert bench.state().climb_in_s(21.9) == pytest.approx(0.1)
    bench.selector.settle(22.0, Memory(None, 0.5))
    assert bench.state().phase == "probing"


def test_calls_from_before_the_fall_do_not_speak_against_the_way_back() -> None:
    bench = Bench()
    old = [bench.state().begin(0.0) for _ in range(5)]
    assert bench.decide(7.0).served == "balanced"
    assert bench.decide(18.0).served == "creative"
    bench.call(18.0)
    bench.call(18.0)
    assert bench.decide(19.0).served == "creative"
    for ticket in old:
        bench.state().ended(ticket, True, 19.0)
    assert bench.state().phase == "ramping"


def test_a_model_that_is_probed_right_now_takes_no_second_call() -> None:
    bench = Bench()
    breaker = bench.links["creative"][0].breaker
    bench.links["creative"][0].break_down(0.0)
    ticket = breaker.admit(OPEN_S)
    assert ticket is not None
    assert bench.decide(OPEN_S)[1:3] == ("balanced", Cause.UNAVAILABLE)
    assert not bench.changes, "somebody is finding out: no reason to go down yet"
    breaker.succeeded(ticket, OPEN_S)
    assert bench.decide(OPEN_S).served == "creative"


def test_a_starting_model_is_stepped_over_without_a_change() -> None:
    bench = Bench()
    bench.links["creative"][0].ready = False
    assert bench.decide(0.0)[1:3] == ("balanced", Cause.STARTING)
    for name in NAMES:
        bench.links[name][0].ready = False
    assert bench.decide(0.0).served == "creative", "all start: the request waits for what it asked for"
    bench.links["creative"][0].ready = True
    assert bench.decide(0.0).reason == ""
    assert not bench.changes


def test_emergency_names_the_soonest_recovery() -> None:
    bench = Bench()
    for at, name in enumerate(NAMES):
        bench.links[name][0].break_down(float(at))
    decision = bench.decide(2.5)
    assert (decision.served, decision.retry_in_s) == (None, pytest.approx(1.5))
    assert bench.changes[-1][1] == EMERGENCY
    assert bench.decide(4.0).served == "creative", "a pause is over: somebody must try"


def test_who_takes_over() -> None:
    bench = Bench()
    assert [bench.selector.fallback(name, 0.0) for name in NAMES] == ["balanced", "fast", "last_resort"]
    bench.links["balanced"][0].break_down(0.0)
    assert bench.selector.fallback("creative", 0.0) == "fast"
    bench.links["fast"][0].break_down(0.0)
    assert bench.selector.fallback("creative", 0.0) == "last_resort"
    assert bench.selector.fallback("balanced", 0.0) == EMERGENCY
    for _ in range(10):
        bench.call(0.0, failed=True)
    assert bench.changes[-1][1] == "last_resort"


def test_the_way_back() -> None:
    """Wait, probes one at a time, a quarter, a half, all."""
    bench = Bench()
    for _ in range(3):
        bench.call(0.0, 7.0)
    assert bench.decide(7.0).served == "balanced"
    assert bench.decide(16.9).served == "balanced"
    assert bench.decide(17.1).served == "creative"
    probe = bench.state().begin(17.1)
    assert bench.decide(17.2)[1:3] == ("balanced", Cause.RECOVERING)
    bench.state().ended(probe, False, 18.0)
    bench.call(18.0)
    assert bench.state().phase == "ramping"
    served = [bench.decide(18.0, draw=draw).served for draw in (0.0, 0.24, 0.25, 0.99)]
    assert served == ["creative", "creative", "balanced", "balanced"]
    served = [bench.decide(23.0, draw=draw).served for draw in (0.49, 0.5)]
    assert served == ["creative", "balanced"]
    assert bench.decide(28.0, draw=0.99).served == "creative"
    told = [(change.old, change.new, change.share) for change, _ in bench.changes]
    assert told == [
        ("up", "down", 0.0), ("down", "probing", 0.0), ("probing", "ramping", 0.25), ("ramping", "ramping", 0.5),
        ("ramping", "up", 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize("relapse", ["failed", "slow", "breaker"])
def test_a_relapse_falls_back_at_once_and_waits_twice_as_long(relapse: str) -> None:
    bench = Bench()
    for _ in range(10):
        bench.call(0.0, failed=True)
    now = 0.0
    for wait in (10.0, 20.0, 40.0, 40.0):
        assert bench.decide(now).served == "balanced"
        assert bench.state().wait_s == wait
        now += wait + OPEN_S
        bench.decide(now)
        now += wait + 0.1
        assert bench.decide(now).served == "creative"
        if relapse == "breaker":
            bench.links["creative"][0].break_down(now)
        else:
            bench.call(now, 7.0 if relapse == "slow" else 0.0, failed=relapse == "failed")
            now += 7.0 if relapse == "slow" else 0.0
        assert bench.decide(now).served == "balanced"


def test_a_mode_that_was_well_for_long_begins_with_the_short_wait() -> None:
    bench = Bench(recovery=Recovery(climb_after_s=10.0, dwell_s=1.0, probes=1, shares=(0.5,)))
    now = 0.0
    waits = []
    for well_for in (5.0, 5.0, 100.0, 0.0):
        for _ in range(10):
            bench.call(now, failed=True)
        waits.append(bench.state().wait_s)
        now += bench.state().wait_s + 0.1
        bench.decide(now)
        bench.call(now)
        now += 1.0
        bench.decide(now)
        assert bench.state().phase == "up"
        now += well_for
    assert waits == [10.0, 20.0, 40.0, 10.0]


def test_two_modes_that_recover_share_the_draw_fairly() -> None:
    bench = Bench(recovery=Recovery(climb_after_s=1.0, dwell_s=100.0, probes=1, shares=(0.5,)))
    for name in ("creative", "balanced"):
        for _ in range(10):
            bench.call(0.0, failed=True, mode=name)
    bench.selector.settle(1.1, Memory())
    for name in ("creative", "balanced"):
        bench.call(1.1, mode=name)
    served = [bench.decide(1.2, draw=at / 100).served for at in range(100)]
    assert {name: served.count(name) for name in NAMES} == {"creative": 50, "balanced": 25, "fast": 25}


def test_a_limit_that_cannot_be_met_is_told_once() -> None:
    bench = Bench()
    for at in range(15):
        bench.call(float(at), 8.0)
    bench.decide(24.0)
    assert bench.hopeless == [("creative", "downshift.p95_s")]


def test_a_request_goes_on_below_a_spent_chain() -> None:
    bench = Bench()
    path = bench.selector.path("creative")
    first = bench.decide(0.0)
    below = bench.selector.next_below(path, "creative", first, 0.0, 0.0)
    assert below == Decision("creative", "balanced", Cause.CHAIN_FAILED, (("creative", "chain_failed"),))
    bench.links["fast"][0].break_down(0.0)
    assert bench.selector.next_below(path, "balanced", below, 0.0, 0.0) is None


def test_a_spent_mode_waits_for_a_cheaper_one_that_is_being_started_when_nobody_else_is_left() -> None:
    bench = Bench()
    path = bench.selector.path("creative")
    first = bench.decide(0.0)
    bench.links["balanced"][0].ready = bench.links["fast"][0].ready = False
    below = bench.selector.next_below(path, "creative", first, 0.0, 0.0)
    assert below is not None
    assert (below.served, below.path[-1]) == ("balanced", ("fast", Cause.STARTING.value))
    bench.links["fast"][0].ready = True
    below = bench.selector.next_below(path, "creative", first, 0.0, 0.0)
    assert below is not None
    assert below.served == "fast"


class AnyTrouble(RuleBasedStateMachine):
    """Any order of faults, calls, memory and time. The machine of the world; the selector only sees what it may."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench(latency_window_s=20.0)
        self.now = 0.0
        self.open: list[tuple[str, object]] = []
        self.memory = Memory()

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 3.9, 5.0, 11.0, 45.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.bench.selector.settle(self.now, self.memory)

    @rule(name=st.sampled_from(NAMES))
    def a_model_breaks(self, name: str) -> None:
        self.bench.links[name][0].break_down(self.now)

    @rule(name=st.sampled_from(NAMES))
    def a_model_heals(self, name: str) -> None:
        self.bench.links[name][0].probe(self.now, True)

    @rule(name=st.sampled_from(NAMES), ready=st.booleans())
    def a_model_starts(self, name: str, ready: bool) -> None:
        self.bench.links[name][0].ready = ready

    @rule(fraction=st.sampled_from([None, 0.5, 0.9]))
    def memory_changes(self, fraction: float | None) -> None:
        self.memory = Memory(None, fraction)
        self.bench.selector.settle(self.now, self.memory)

    @rule(asked=st.sampled_from(NAMES), draw=st.floats(0, 1, exclude_max=True))
    def a_request_comes(self, asked: str, draw: float) -> None:
        able = {name: self.bench.state(name).ability(self.now) for name in NAMES}
        decision = self.bench.decide(self.now, asked, draw)
        allowed = NAMES[NAMES.index(asked) :]
        if decision.served is None:
            assert all(able[name] > Ability.ABLE for name in allowed), "refused although somebody could serve"
            assert decision.retry_in_s >= 0
            return
        assert decision.served in allowed, "never better than what was asked for"
        starting = able[decision.served] is Ability.STARTING
        assert able[decision.served] is Ability.ABLE or (
            starting and all(able[name] is not Ability.ABLE for name in allowed)
        ), "no able model"
        assert (decision.reason == "") == (decision.served == asked and not decision.path)
        self.open.append((decision.served, self.bench.selector.begin(decision.served, self.now)))

    @precondition(lambda self: self.open)
    @rule(failed=st.sampled_from([True, False, None]), last=st.booleans())
    def a_call_ends(self, failed: bool | None, last: bool) -> None:
        name, ticket = self.open.pop(-1 if last else 0)
        self.bench.state(name).ended(ticket, failed, self.now)  # type: ignore[arg-type]

    @rule()
    def everything_heals_and_the_best_mode_comes_back_within_its_bound(self) -> None:
        while self.open:
            name, ticket = self.open.pop()
            self.bench.state(name).ended(ticket, None, self.now)  # type: ignore[arg-type]
        self.memory = Memory()
        for links in self.bench.links.values():
            links[0].ready = True
            links[0].breaker.benched_until = 0.0
        rules = RECOVERY
        bound = OPEN_S + rules.max_climb_after_s + rules.dwell_s * len(rules.shares) + 10.0
        end = self.now + bound
        while self.now < end and self.bench.state().phase != "up":
            self.now += 1.0
            self.bench.selector.settle(self.now, self.memory)
            decision = self.bench.decide(self.now, "creative", 0.0)
            if decision.served is not None:
                self.bench.links[decision.served][0].probe(self.now, True)
                self.bench.call(self.now, mode=decision.served)
        assert self.bench.state().phase == "up"

    @invariant()
    def never_flaps_faster_than_it_may(self) -> None:
        if not hasattr(self, "bench"):
            return
        for name in NAMES:
            changes = [change for change, _ in self.bench.changes if change.mode == name]
            for earlier, later in pairwise(changes):
                if later.new == "probing":
                    assert later.at - earlier.at >= RECOVERY.climb_after_s
                elif later.old == "ramping" and later.new != "down":
                    assert later.at - earlier.at >= RECOVERY.dwell_s
                assert later.old == earlier.new
            downs = [change.at for change in changes if change.new == "down"]
            assert all(b - a >= RECOVERY.climb_after_s for a, b in pairwise(downs))

    @invariant()
    def counts_are_whole(self) -> None:
        if hasattr(self, "bench"):
            for name in NAMES:
                assert self.bench.state(name).in_flight == sum(one == name for one, _ in self.open)


TestAnyTrouble = AnyTrouble.TestCase
TestAnyTrouble.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
