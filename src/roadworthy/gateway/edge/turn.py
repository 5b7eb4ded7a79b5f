"""Modes at the edge: decides for a request, steps down inside it when a chain is spent, tells how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway.chain import HEALTHY, LEAST_TRY_S, NO_VERDICT, Chain, Spent, Try, Wait
from roadworthy.gateway.edge.answer import PASSED_OVER
from roadworthy.gateway.edge.ask import ChatAsk
from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.edge.reserve import UNBOUNDED
from roadworthy.gateway.edge.routing import Routed, RouteTable
from roadworthy.gateway.edge.shown import NOTHING_SHOWN, Shown
from roadworthy.gateway.finished import ModeServed
from roadworthy.gateway.mode_parameters import Filler, Given, given
from roadworthy.gateway.mode_state import Change, Memory, ModeState, Ticket
from roadworthy.gateway.modes import Decision, Selector
from roadworthy.gateway.settings import EdgeSettings

if TYPE_CHECKING:
    from roadworthy.gateway.edge.exchange import Exchange

SAMPLE_S = 1.0
"""How often the memory is read, and modes are looked at without a request."""
FAULTS = frozenset(Reason) - NO_VERDICT - HEALTHY - PASSED_OVER - {Reason.SERVED}
"""Attempts that speak against a mode; what the caller's own request brought about does not."""


class ModeDesk:
    """The modes of one edge process.

    Args:
        settings: Modes, and the rules of chains.
        table: Every name that is served.
        event: Tells operators: (kind, level, fields by name).
        draw: Uniform floats in [0, 1).
    """

    def __init__(
        self, settings: EdgeSettings, table: RouteTable, event: Callable[..., None], draw: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.draw = draw
        self.sample: Callable[[], Memory] = Memory
        """Reads the memory; unknown until the process sets it."""
        self._event = event
        self._table = table
        roles = [[table.find(role.name).links for role in mode.roles] for mode in settings.modes]
        self.selector = Selector(settings.modes, roles, self._changed, self._hopeless)
        self.serving = {
            state.name: (state, Filler(state.mode.parameters), Shown(ModeServed(state.name, state.name)))
            for state in self.selector.states
        }
        """By mode: its health, its parameters, and what answers say when it serves as asked."""
        self._paths: dict[str, tuple[ModeState, ...]] = {}
        for mode in settings.modes:
            for role in mode.roles:
                name = role.name.partition("/")[2]
                self._paths[role.name] = self.selector.path(mode.name, name or 0)
        self._reach: dict[str, tuple[tuple[UpstreamLink, ...], tuple[int | None, ...]]] = {}
        self._shown: dict[tuple[str, str | None, str], Shown] = {}
        self._timer: asyncio.TimerHandle | None = None

    # -- requests

    def enter(self, exchange: Exchange, now: float) -> None:
        """Choose the mode of a request that is about to ask its first target.

        Args:
            exchange: The request.
            now: Monotonic seconds; it may have waited since it arrived.
        """
        asked = exchange.ask
        assert isinstance(asked, ChatAsk)
        path = self._paths[exchange.routed.name]
        decision = self.selector.decide(path, now, self.draw())
        exchange.turn = turn = Turn(self, path, decision, given(asked.request))
        if decision.served is None:
            attempts = [_passed_over(link, now) for link in exchange.routed.links]
            exchange.shown = self.told(decision).cached(exchange.shown.cache)
            deadline = exchange.chain.deadline
            exchange.chain = _Nobody(exchange.routed.links, deadline, self.settings, attempts, decision.retry_in_s)
        else:
            turn.take(exchange, decision, now)

    def routed(self, mode: str, role: str) -> Routed:
        """The chain of a role of a mode."""
        return self._table.find(f"{mode}/{role}" if role else mode)

    def as_asked(self, routed: Routed) -> Shown:
        """What answers of the mode asked for say; nothing for what is no mode."""
        return NOTHING_SHOWN if routed.mode is None else self.serving[routed.mode][2]

    def told(self, decision: Decision) -> Shown:
        """What answers say; made once for each way that requests fare."""
        return self.served(ModeServed(decision.requested, decision.served, decision.reason))

    def served(self, mode: ModeServed) -> Shown:
        """The same for a mode that served."""
        key = (mode.requested, mode.served, mode.reason)
        shown = self._shown.get(key)
        if shown is None:
            shown = self._shown[key] = Shown(mode)
        return shown

    def reach(self, routed: Routed) -> tuple[tuple[UpstreamLink, ...], tuple[int | None, ...]]:
        """Everyone who may be asked, and the bound on the answer's tokens of each mode that may serve."""
        if routed.mode is None:
            return routed.links, UNBOUNDED
        known = self._reach.get(routed.name)
        if known is None:
            path = self._paths[routed.name]
            chains = [self.routed(state.name, routed.role).links for state in path]
            links = tuple(dict.fromkeys(link for chain in chains for link in chain))
            known = self._reach[routed.name] = links, tuple(state.mode.parameters.max_new_tokens for state in path)
        return known

    # -- time

    def watch(self) -> None:
        """Look at the modes once a second from now on."""
        self.selector.settle(monotonic(), self.sample())
        self._timer = asyncio.get_running_loop().call_later(SAMPLE_S, self.watch)

    def close(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()

    # -- operators

    def view(self) -> list[dict[str, object]]:
        """Every mode with its state, for status pages; numbers that are not known are None."""
        now = monotonic()
        return [self._row(state, now) for state in self.selector.states]

    def gauge(self) -> dict[tuple[str, ...], float]:
        """0 up, 1 recovering, 2 down, by mode."""
        values = {"up": 0.0, "probing": 1.0, "ramping": 1.0, "down": 2.0}
        return {(state.name,): values[state.phase] for state in self.selector.states}

    def _row(self, state: ModeState, now: float) -> dict[str, object]:
        spread = state.spread(now)
        climb = state.climb_in_s(now)
        return {
            "mode": state.name,
            "state": state.phase,
            "able": state.ability(now).name.lower(),
            "cause": state.cause,
            "why": state.why,
            "fallback": self.selector.fallback(state.name, now),
            "p50_s": spread.p50,
            "p95_s": spread.p95,
            "p95_limit_s": state.mode.downshift.p95_s,
            "calls": spread.samples,
            "failures": state.errors.failures,
            "window": state.errors.size,
            "share": state.share,
            "in_flight": state.in_flight,
            "climb_in_s": None if climb is None else round(climb, 3),
        }

    def _changed(self, change: Change, fallback: str) -> None:
        down = change.new == "down"
        self._event(
            "mode.changed",
            "warning" if down else "info",
            mode=change.mode,
            old=change.old,
            new=change.new,
            **{"from": change.mode if down else fallback, "to": fallback if down else change.mode},
            cause=change.cause,
            why=change.why,
            share=change.share,
            wait_s=change.wait_s,
        )

    def _hopeless(self, mode: str, what: str, limit_s: float, median_s: float) -> None:
        self._event(
            "mode.limit_unreachable",
            "warning",
            mode=mode,
            key=f"gateway.modes.{mode}.{what}",
            limit_s=limit_s,
            median_s=round(median_s, 3),
            why="half of the calls take longer: the limit can never be met",
        )


class Turn:
    """One request's way along the modes.

    Args:
        desk: The modes.
        path: The mode asked for and those below it.
        decision: Who serves first.
        asked: Parameters that the caller gave.
    """

    __slots__ = ("_asked", "_deadline", "_decision", "_desk", "_first_attempt", "_path", "_state", "_ticket")

    def __init__(self, desk: ModeDesk, path: tuple[ModeState, ...], decision: Decision, asked: Given) -> None:
        self._desk = desk
        self._path = path
        self._decision = decision
        self._asked = asked
        self._deadline = 0.0  # of the mode asked for: a cheaper one may have a shorter one of its own
        self._state: ModeState | None = None
        self._ticket: Ticket | None = None
        self._first_attempt = 0

    def take(self, exchange: Exchange, decision: Decision, now: float) -> None:
        """Put the request into the mode that the decision names."""
        desk, served, ask = self._desk, decision.served, exchange.ask
        assert served is not None
        assert isinstance(ask, ChatAsk)
        state, filler, as_asked = desk.serving[served]
        self._decision = decision
        self._state = state
        self._ticket = state.begin(now)
        exchange.shown = (desk.told(decision) if decision.path else as_asked).cached(exchange.shown.cache)
        if served != exchange.routed.mode:
            exchange.routed = routed = desk.routed(served, exchange.routed.role)
            attempts = exchange.chain.attempts
            self._deadline = self._deadline or exchange.chain.deadline
            deadline = min(self._deadline, now + routed.route.deadline_s)
            exchange.chain = Chain(
                routed.links, deadline, routed.route.try_timeout_s, desk.settings.retry, exchange.service.jitter
            )
            exchange.chain.attempts = attempts
            self._first_attempt = len(attempts)
            exchange.service.prompts.turn(exchange)
        if ask.lead is not None:
            exchange.shown = ask.lead.shown(exchange.shown)
        filler.fill(ask.request, self._asked)

    def step_down(self, exchange: Exchange, now: float) -> bool:
        """The chain is spent: go on in a cheaper mode within the same deadline; False when there is none."""
        if self._state is None or (self._deadline or exchange.chain.deadline) - now < LEAST_TRY_S:
            return False
        tried = exchange.chain.attempts[self._first_attempt :]
        if tried and all(a.reason is Reason.LENGTH_LIMIT for a in tried):
            return False  # a cheaper mode allows no more tokens
        failed = self._state.name
        self._report(exchange, "llm_chain_failed", now)
        decision = self._desk.selector.next_below(self._path, failed, self._decision, now, self._desk.draw())
        if decision is None:
            return False
        self.take(exchange, decision, now)
        return True

    def answered(self, now: float) -> None:
        """A stream shows its first useful piece."""
        if self._state is not None and self._ticket is not None:
            self._state.answered(self._ticket, now)

    def ended(self, exchange: Exchange, code: str, now: float) -> None:
        """The request is over."""
        ticket = self._ticket
        if ticket is None or self._state is None:
            return
        if code == "ok":
            self._ticket = None
            self._state.served(ticket, now)
        else:
            self._report(exchange, code, now)

    def _report(self, exchange: Exchange, code: str, now: float) -> None:
        state, ticket = self._state, self._ticket
        assert state is not None
        assert ticket is not None
        self._ticket = None
        at_fault = any(a.reason in FAULTS for a in exchange.chain.attempts[self._first_attempt :])
        state.ended(ticket, True if at_fault and code != "client_gone" else None, now)


class _Nobody(Chain[UpstreamLink]):
    """The chain of a request that no mode can take: spent before it begins, so that it ends as every spent chain."""

    __slots__ = ("_retry_in_s",)

    def __init__(
        self, links: tuple[UpstreamLink, ...], deadline: float, settings: EdgeSettings, attempts: list[Attempt],
        retry_in_s: float,
    ) -> None:  # fmt: skip
        super().__init__(links, deadline, None, settings.retry, float)
        self.attempts = attempts
        self._retry_in_s = retry_in_s

    def next(self, now: float) -> Try[UpstreamLink] | Wait | Spent:
        return Spent(False, self._retry_in_s)


def _passed_over(link: UpstreamLink, now: float) -> Attempt:
    benched: Any = link.breaker.state == "closed" and now < link.breaker.benched_until
    return Attempt(link.provider_name, link.model, Reason.BENCHED if benched else Reason.BREAKER_OPEN, 0.0)
