"""The simulation finds what it is there for: every invariant has a planted bug that it must catch."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator, Set
from itertools import count, islice
from math import inf

import msgspec
import pytest

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway import breaker, chain, hedge, mode_state
from roadworthy.gateway.cache.key import Question
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.edge import answer_cache, ask, exchange, gating, hedging, relay, reserve, turn, visit
from roadworthy.gateway.modes import Decision
from roadworthy.gateway.quality import default, gate, request
from roadworthy.gateway.simulation import campaign
from roadworthy.gateway.simulation.clock import virtual_time
from roadworthy.gateway.simulation.feature import Feature
from roadworthy.gateway.simulation.invariant import Broken
from roadworthy.gateway.simulation.play import play
from roadworthy.gateway.simulation.schedule import draw

Plant = Callable[[pytest.MonkeyPatch], None]
MOST_SEEDS = 600


def first_broken(schedules: int = MOST_SEEDS, features: Set[Feature] = frozenset()) -> tuple[int, Broken] | None:
    with virtual_time() as loop:
        drawn = map(draw, count())
        for schedule in islice((each for each in drawn if each.features >= features), schedules):
            broken = play(loop, schedule).broken
            if broken is not None:
                return schedule.seed, broken
    return None


def test_no_invariant_breaks() -> None:
    assert first_broken(150) is None


@pytest.mark.parametrize("seed", [11_105, 28_064, 35_231])
def test_seeds_that_broke_once(seed: int) -> None:
    """A lease that came after midnight was never returned."""
    assert campaign.replay(seed).broken is None


def test_a_seed_always_plays_the_same() -> None:
    first, second = campaign.replay(7), campaign.replay(7)
    assert first == second
    assert first.codes.total() > 20
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_a_schedule_takes_no_time_of_ours() -> None:
    assert draw(7).end_s > 60
    started = time.monotonic()
    campaign.replay(7)
    assert time.monotonic() - started < draw(7).end_s / 2


def off_by_one(patch: pytest.MonkeyPatch) -> None:
    honest = breaker.Breaker.failed

    def failed(self: breaker.Breaker, ticket: int, now: float) -> None:
        if self.consecutive_failures == self._rules.consecutive_failures - 1 and self.state == "closed":
            self.consecutive_failures = -1  # one more than the rules allow
        honest(self, ticket, now)

    patch.setattr(breaker.Breaker, "failed", failed)


def probes_without_end(patch: pytest.MonkeyPatch) -> None:
    honest = breaker.Breaker.admit

    def admit(self: breaker.Breaker, now: float) -> int | None:
        return self._generation if self.state == "half_open" else honest(self, now)

    patch.setattr(breaker.Breaker, "admit", admit)


def deaf_to_retry_after(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(breaker.Breaker, "bench", lambda self, until: None)


def stub_rule_asleep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(relay, "is_stub", lambda text: False)


def no_share_of_the_deadline(patch: pytest.MonkeyPatch) -> None:
    honest = chain.Chain.next

    def late(self: chain.Chain, now: float) -> object:  # type: ignore[type-arg]
        step = honest(self, now)
        if isinstance(step, chain.Try):
            step.timeout_s += 5.0
        return step

    patch.setattr(chain.Chain, "next", late)


def gives_up_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chain, "CALLERS_FAULT", frozenset({Reason.BAD_REQUEST, Reason.TIMEOUT}))
    honest = chain.Chain.next
    patch.setattr(
        chain.Chain,
        "next",
        lambda self, now: chain.Spent(False, None) if self.attempts else honest(self, now),
    )


def forgets_a_record(patch: pytest.MonkeyPatch) -> None:
    def cancel(self: exchange.Exchange) -> None:
        self.done = True

    patch.setattr(exchange.Exchange, "cancel", cancel)


def ends_a_cut_stream_cleanly(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exchange.Exchange, "close_incomplete", lambda self, run: None)


def without(tenant: bool = True, route: bool = True, system: bool = True) -> Plant:
    """The cache's key without one of its parts."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        honest = visit.question

        def question(who: str, what: str, request: ChatRequest, rules: str, *, similar: bool = False) -> Question:
            fields, own = dict(request.fields), rules[64:]  # behind the route's rules stand the request's
            if not system:
                messages = [m for m in msgspec.json.decode(fields["messages"]) if m["role"] != "system"]
                fields["messages"] = msgspec.Raw(msgspec.json.encode(messages))
            view = request.view if route else msgspec.structs.replace(request.view, model="")
            asked = ChatRequest(view, fields)
            return honest(who if tenant else "", what if route else "", asked, rules if route else own, similar=similar)

        patch.setattr(visit, "question", question)

    return plant


def answers_never_expire(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(answer_cache.AnswerCache, "fresh_s", lambda self, route: inf)


def everybody_flies(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(visit.Visit, "_fly", lambda self: self._go())


def lost_settle(patch: pytest.MonkeyPatch) -> None:
    honest = reserve.Allowances.settle

    def settle(self: reserve.Allowances, hold: reserve.Hold, attempts: list[Attempt]) -> None:
        if not any(attempt.reason is Reason.CLIENT_GONE for attempt in attempts):
            honest(self, hold, attempts)

    patch.setattr(reserve.Allowances, "settle", settle)


def settled_twice(patch: pytest.MonkeyPatch) -> None:
    honest = reserve.Allowances.settle

    def settle(self: reserve.Allowances, hold: reserve.Hold, attempts: list[Attempt]) -> None:
        honest(self, hold, attempts)
        hold.settled = False
        honest(self, hold, attempts)

    patch.setattr(reserve.Allowances, "settle", settle)


def reserves_no_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ask.ChatAsk, "output_tokens", lambda self, default: 0)


def places_without_end(patch: pytest.MonkeyPatch) -> None:
    honest = reserve.Account.need
    patch.setattr(reserve.Account, "need", lambda self, usd, tokens: honest(self, usd, tokens)._replace(concurrent=0))


def gate_asleep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gate.Gate, "issues", lambda self, text, value=None: {})


def rules_of_requests_asleep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(request.RequestGate, "beside", lambda self, route: route)


def rules_of_requests_not_in_the_key(patch: pytest.MonkeyPatch) -> None:
    honest = visit.question
    patch.setattr(
        visit, "question", lambda who, what, asked, rules, **more: honest(who, what, asked, rules[:64], **more)
    )


def refusals_pass(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(default, "is_refusal", lambda text: False)


def repairs_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gating, "_may_mend", lambda run, rejection: rejection.reason in gating.MENDABLE)


def ramps_at_once(patch: pytest.MonkeyPatch) -> None:
    honest = mode_state.ModeState.refuses

    def refuses(self: mode_state.ModeState, now: float, draw: float) -> mode_state.Cause | None:
        cause = honest(self, now, draw)
        return None if cause is mode_state.Cause.RECOVERING else cause

    patch.setattr(mode_state.ModeState, "refuses", refuses)


def modes_stay_down(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mode_state.ModeState, "_climb", lambda self, now, why: None)


def memory_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mode_state.ModeState, "sense", lambda self, memory: None)


def new_deadline_below(patch: pytest.MonkeyPatch) -> None:
    honest = turn.Turn.take

    def take(self: turn.Turn, exchange: exchange.Exchange, decision: Decision, now: float) -> None:
        honest(self, exchange, decision, now)
        exchange.chain.deadline = now + exchange.routed.route.deadline_s

    patch.setattr(turn.Turn, "take", take)


def told_as_asked(patch: pytest.MonkeyPatch) -> None:
    honest = turn.ModeDesk.told
    patch.setattr(turn.ModeDesk, "told", lambda self, d: honest(self, d._replace(served=d.requested)))


def lost_tries_count_as_failures(patch: pytest.MonkeyPatch) -> None:
    def abandoned(self: chain.Chain, step: chain.Try, now: float) -> None:  # type: ignore[type-arg]
        step.link.breaker.failed(step.ticket, now)

    honest = exchange.Exchange.outrun

    def outrun(self: exchange.Exchange, *given: object) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(chain.Chain, "abandoned", abandoned)
            honest(self, *given)  # type: ignore[arg-type]

    patch.setattr(exchange.Exchange, "outrun", outrun)


def losers_run_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exchange.Exchange, "outrun", lambda self, run, attempt: self.chain.attempts.append(attempt))


def anybody_is_a_second_target(patch: pytest.MonkeyPatch) -> None:
    def rivals(self: chain.Chain, running: chain.Try, now: float) -> Iterator[object]:  # type: ignore[type-arg]
        for link in self._links:
            if link is not running.link:
                yield chain.Try(link, link.breaker._generation, 1.0)

    patch.setattr(chain.Chain, "rivals", rivals)


def forgets_what_is_set_aside(patch: pytest.MonkeyPatch) -> None:
    honest = hedge.Hedging.closed
    patch.setattr(
        hedge.Hedging,
        "closed",
        lambda self, now, usd, taken, extra, tokens: honest(self, now, usd, 0.0, extra, tokens),
    )


def second_try_not_reserved(patch: pytest.MonkeyPatch) -> None:
    honest = reserve.Allowances.second

    def second(self: reserve.Allowances, hold: reserve.Hold) -> reserve.Hold:
        free = honest(self, hold)
        free.need = free.need._replace(usd=0, tokens=0, token_rate=0)
        return free

    patch.setattr(reserve.Allowances, "second", second)


def second_try_not_settled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hedging.Hedge, "_settle", lambda self, hedged: None)


SECOND = {"one second try, of a healthy target, after its delay", "one half-open probe at most"}
OVER = {"nothing is left over", "every request leaves one record"}
RULES = {"the breaker follows its rules", "the first target that may be asked is asked"}
SETTLED = {"every hold is settled once"}
CHOICE = {"the first willing mode serves"}
PLANTED: dict[str, tuple[Plant, set[str]]] = {
    "breaker off by one": (off_by_one, RULES),
    "more than one probe": (probes_without_end, {"one half-open probe at most"}),
    "Retry-After not kept": (deaf_to_retry_after, {"Retry-After is kept"}),
    "stub rule asleep": (stub_rule_asleep, {"no made-up answer is served", "the breaker follows its rules"}),
    "tries beyond the deadline": (no_share_of_the_deadline, {"deadlines are kept"}),
    "gives up early": (gives_up_early, {"nobody fails while a healthy provider is unasked"}),
    "a hung-up caller leaves no record": (forgets_a_record, OVER),
    "a lost try counts as a failure": (lost_tries_count_as_failures, RULES),
    "who lost runs on": (losers_run_on, OVER | {"every request is answered once", "everybody gets his own answer"}),
    "a broken target is asked beside another": (anybody_is_a_second_target, SECOND | {"Retry-After is kept"}),
    "money stays set aside": (forgets_what_is_set_aside, {"both tries are settled"}),
    "a second try is not reserved for": (second_try_not_reserved, {"no budget is overspent"}),
    "the second reservation is not settled": (second_try_not_settled, SETTLED),
    "an exchange never closes": (ends_a_cut_stream_cleanly, OVER),
    "cache key without tenant": (without(tenant=False), {"no answer crosses tenants"}),
    "cache key without mode": (
        without(route=False), {"no answer crosses modes", "the mode told is the one that served"},
    ),
    "cache key without system prompt": (without(system=False), {"no answer crosses system prompts"}),
    "answers never expire": (answers_never_expire, {"no hit is older than allowed"}),
    "everybody flies": (everybody_flies, {"one flight for each question"}),
    "lost settle": (lost_settle, SETTLED),
    "settled twice": (settled_twice, SETTLED),
    "no answer reserved": (reserves_no_answer, {"no budget is overspent"}),
    "places without end": (places_without_end, {"no more run at once than may"}),
    "gate asleep": (gate_asleep, {"no answer leaves that failed its gate"}),
    "rules of requests asleep": (rules_of_requests_asleep, {"no answer leaves that failed its gate"}),
    "cache key without the request's rules": (
        rules_of_requests_not_in_the_key, {"no answer leaves that failed its gate", "one flight for each question"},
    ),
    "refusals pass": (refusals_pass, {"no answer leaves that failed its gate", "the breaker follows its rules"}),
    "repairs without end": (repairs_without_end, {"repairs are bounded"}),
    "a mode climbs at once": (ramps_at_once, CHOICE),
    "modes stay down": (modes_stay_down, {"modes come back"}),
    "memory not looked at": (memory_not_looked_at, CHOICE),
    "a new deadline in each mode": (new_deadline_below, {"deadlines are kept"}),
    "a cheaper mode told as the one asked for": (told_as_asked, {"the mode told is the one that served"}),
}  # fmt: skip

RARE: dict[str, Set[Feature]] = {
    "a new deadline in each mode": {"modes"},
    "a second try is not reserved for": {"hedge", "budget"},
    "the second reservation is not settled": {"hedge", "budget"},
}
"""Bugs that only some schedules can show: the others are not played."""
LATE = ("a new deadline in each mode", "lost settle", "an exchange never closes", "stub rule asleep")
"""Bugs that more than a second of schedules are played for; those of the default suite break invariants like theirs."""


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] if name in LATE else []) for name in PLANTED
])  # fmt: skip
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant, invariants = PLANTED[name]
    plant(monkeypatch)
    started = time.process_time()
    found = first_broken(features=RARE.get(name, frozenset()))
    assert found is not None
    print(f"{name}: seed {found[0]} after {time.process_time() - started:.1f} s: {found[1]}")
    assert found[1].invariant in invariants


def test_only_the_faults_that_matter_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    off_by_one(monkeypatch)
    found = first_broken()
    assert found is not None
    seed = found[0]
    needed = campaign.minimise(seed)
    assert needed
    assert set(needed) <= set(draw(seed).faults)


def test_a_campaign_counts_and_keeps_failures() -> None:
    seen: list[int] = []
    report = campaign.run(60, 100, 2, lambda so_far: seen.append(so_far.schedules))
    assert (report.schedules, report.failed, report.failures) == (60, 0, [])
    assert seen[-1] == 60
    assert report.requests >= 60 * 24


@pytest.mark.long
def test_a_hundred_thousand_schedules() -> None:
    started = time.monotonic()
    report = campaign.run(100_000, 1_000_000, 2, lambda so_far: None, stop_at=5)
    print(f"{report.schedules:,} schedules, {report.requests:,} requests in {time.monotonic() - started:.0f} s")
    assert (report.schedules, report.failures) == (100_000, [])
    assert all(report.seen[what] > 1_000 for what in ("hit", "stale", "downshift", "repair", "hedge"))


def test_a_broken_invariant_travels_between_processes() -> None:
    broken = Broken("deadlines are kept", "an answer comes late", 3.0)
    copy = pickle.loads(pickle.dumps(broken))
    assert (copy.invariant, copy.detail, copy.at_s) == ("deadlines are kept", "an answer comes late", 3.0)


def test_the_real_clock_is_back_afterwards() -> None:
    with virtual_time():
        assert exchange.monotonic() == 0.0
    assert exchange.monotonic is time.monotonic
