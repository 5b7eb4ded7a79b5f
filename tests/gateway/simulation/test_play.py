"""The simulation finds what it is there for: every invariant has a planted bug that it must catch."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator

import pytest

from roadworthy.core.attempts import Reason
from roadworthy.gateway import breaker, chain, hedge
from roadworthy.gateway.edge import exchange, relay
from roadworthy.gateway.simulation import campaign
from roadworthy.gateway.simulation.clock import virtual_time
from roadworthy.gateway.simulation.invariant import Broken
from roadworthy.gateway.simulation.play import play
from roadworthy.gateway.simulation.schedule import draw

Plant = Callable[[pytest.MonkeyPatch], None]
MOST_SEEDS = 600


def first_broken(seeds: int = MOST_SEEDS) -> tuple[int, Broken] | None:
    with virtual_time() as loop:
        for seed in range(seeds):
            broken = play(loop, draw(seed)).broken
            if broken is not None:
                return seed, broken
    return None


def test_no_invariant_breaks() -> None:
    assert first_broken(300) is None


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


SECOND = {"one second try, of a healthy target, after its delay", "one half-open probe at most"}
OVER = {"nothing is left over", "every request leaves one record"}
RULES = {"the breaker follows its rules", "the first target that may be asked is asked"}
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
    "an exchange never closes": (ends_a_cut_stream_cleanly, OVER),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant, invariants = PLANTED[name]
    plant(monkeypatch)
    found = first_broken()
    assert found is not None
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


def test_a_broken_invariant_travels_between_processes() -> None:
    broken = Broken("deadlines are kept", "an answer comes late", 3.0)
    copy = pickle.loads(pickle.dumps(broken))
    assert (copy.invariant, copy.detail, copy.at_s) == ("deadlines are kept", "an answer comes late", 3.0)


def test_the_real_clock_is_back_afterwards() -> None:
    with virtual_time():
        assert exchange.monotonic() == 0.0
    assert exchange.monotonic is time.monotonic
