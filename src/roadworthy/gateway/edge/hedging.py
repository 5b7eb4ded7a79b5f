"""One request's hedge: a second target asked beside a slow one; whoever has something good first serves.

At most one for a request. Before it is sent its cost is set aside from what the route's hedges may add, and a second
reservation is made from the key's budget, so that both tries are covered and each is settled once.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.edge.running_try import RunningTry
from roadworthy.gateway.edge.upstream import door
from roadworthy.gateway.finished import HedgeResult
from roadworthy.gateway.hedge import Hedging, Pace
from roadworthy.gateway.providers.contract import UnsupportedParameter

if TYPE_CHECKING:
    from roadworthy.gateway.edge.exchange import Exchange
    from roadworthy.gateway.edge.reserve import Hold

LEAST_HEDGE_S = 0.05
"""With less of the deadline left than this a second try is pointless."""


class Hedge:
    """Watches the running try of one request.

    Args:
        exchange: The request.

    Attributes:
        run: The second try while it runs beside `exchange.running`; once one of the two is over the other is there.
        result: For the record.
    """

    __slots__ = (
        "_counted_at", "_exchange", "_first", "_hedging", "_hold", "_ready", "_taken", "_timer", "_used", "result",
        "run",
    )  # fmt: skip

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._first: RunningTry | None = None
        self._hedging: Hedging | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ready: tuple[RunningTry, bytes, bytes] | None = None  # what goes out once it is reserved for
        self._hold: Hold | None = None
        self._taken = 0.0
        self._used = False
        self._counted_at = 0.0
        self.run: RunningTry | None = None
        self.result: HedgeResult = ""

    def watch(self, run: RunningTry, hedging: Hedging, now: float) -> None:
        """A try was sent: when it is slow, send a second one."""
        if self._used:
            return
        self._first, self._hedging = run, hedging
        delay_s = hedging.delay_s(self._pace(run), now)
        if delay_s is not None:
            loop = self._exchange.service.loop
            self._timer = loop.call_later(delay_s, door, self._exchange, self._due)

    # -- sending it

    def _due(self) -> None:
        self._timer = None
        exchange, first, hedging, now = self._exchange, self._first, self._hedging, monotonic()
        if first is None or hedging is None or not self._slow():
            return
        self._used = True
        if exchange.chain.deadline - now < LEAST_HEDGE_S:
            self.result = "too_late"
            return
        ready = self._prepared(first, now)
        if ready is None:
            self.result = "no_target"
            return
        run = ready[0]
        if run.link.price is None:
            self.result = "unpriced"
            return
        usd = hedging.estimate(run.link.price, run.ask.prompt_bytes, run.ask.output_tokens(0) or None)
        if not hedging.take(now, usd):
            self.result = "over_cost_cap"
            return
        self._taken, self._ready = usd, ready
        allowances = exchange.service.allowances
        if exchange.hold is None or allowances is None:
            self._send()
            return
        self._hold = allowances.second(exchange.hold)
        if allowances.start(self._hold, self._reserved):
            self._send()

    def _slow(self) -> bool:
        return self._first is not None and self._exchange.running is self._first and not self._first.answering

    def _prepared(self, first: RunningTry, now: float) -> tuple[RunningTry, bytes, bytes] | None:
        exchange = self._exchange
        for step in exchange.chain.rivals(first.step, now):
            ask = exchange.ask.twin()
            run = RunningTry(exchange, ask, step, now)
            run.hedge = True
            try:
                return run, ask.head(step.link), ask.body(step.link)
            except UnsupportedParameter:
                continue  # the chain finds out again, and says so, if it comes to asking it
        return None

    def _reserved(self, error: RoadworthyError | None) -> None:
        door(self._exchange, self._send if error is None else partial(self._forbidden, error))

    def _forbidden(self, error: RoadworthyError) -> None:
        self.result = "over_budget"
        self._ready = None

    def _send(self) -> None:
        exchange, first, now = self._exchange, self._first, monotonic()
        if self._ready is None or first is None or not self._slow():
            self._withdraw()
            return
        (run, head, body), self._ready = self._ready, None
        steps = exchange.chain.rivals(first.step, now)  # reserving may have taken a moment
        step = next((step for step in steps if step.link is run.link), None)
        if step is None or step.timeout_s <= 0:
            self._withdraw()
            return
        run.step, run.started = step, now
        self.run = run
        self.result = "lost"  # until it is known better
        run.call = step.link.upstream.endpoint.call(head, body, run, step.timeout_s)

    def _withdraw(self) -> None:
        self.result = "too_late"
        self._ready = None
        self._settle([])

    # -- how it ends

    def won(self, run: RunningTry, now: float) -> None:
        """This try has something that may be served: the other one, if any, has lost."""
        exchange, other = self._exchange, self.run
        self.forgo(run)
        if not run.repair:
            self._learn(run, (run.heard_at or now) - run.started, now)
        if run.hedge:
            self.result = "won"
            if run is other:
                other = exchange.running
        if other is not None and other is not run:
            tokens = run.said if run.usage is None else run.usage.completion_tokens
            exchange.outrun(other, other.lost(tokens))
            if not other.hedge:  # it would have taken at least that long
                self._learn(other, now - other.started, now)
        exchange.running, self.run = run, None

    def outlasts(self, run: RunningTry, reason: Reason, now: float) -> bool:
        """This try failed: whether the other one still runs, and the request waits for that."""
        self._stop_timer()
        if reason is Reason.TIMEOUT:
            self._learn(run, now - run.started, now)
        if run is not self.run:
            self._exchange.running = self.run
        self.run = None
        return self._exchange.running is not None

    def forgo(self, run: RunningTry) -> None:
        """A try has given a whole answer, or shown its first useful piece: no second one is sent any more."""
        self._stop_timer()
        self._used = True
        if self._ready is not None:
            self._withdraw()

    def close(self, now: float) -> list[Attempt]:
        """The request is over: settle. Returns its attempts without those of the hedge."""
        self._stop_timer()
        if self.run is not None:
            self.run.close(stopping=True)
            self.run = None
        exchange = self._exchange
        others: list[Attempt] = []
        hedged: list[Attempt] = []
        for attempt in exchange.chain.attempts:
            (hedged if attempt.hedge else others).append(attempt)
        self._ready = None
        self._settle(hedged)
        if self._hedging is not None:
            tokens = None if exchange.usage is None else exchange.usage.completion_tokens
            self._hedging.closed(now, _cost(others), self._taken, _cost(hedged), tokens)
        return others

    def passed_ms(self) -> float:
        """Milliseconds, not told before, in which somebody was being asked."""
        begun = [run.started for run in (self._exchange.running, self.run) if run is not None]
        now = monotonic()
        since, self._counted_at = max(self._counted_at, min(begun, default=now)), now
        return (now - since) * 1e3

    def _settle(self, hedged: list[Attempt]) -> None:
        allowances = self._exchange.service.allowances
        if self._hold is not None and allowances is not None:
            allowances.settle(self._hold, hedged)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pace(self, run: RunningTry) -> Pace:
        return run.link.paces[run.ask.endpoint, run.ask.stream]

    def _learn(self, run: RunningTry, seconds: float, now: float) -> None:
        if self._hedging is not None and self._hedging.rules.after_percentile is not None:
            self._pace(run).add(now, seconds)


def _cost(attempts: list[Attempt]) -> float:
    return sum(attempt.cost_usd or 0.0 for attempt in attempts)
