"""Plays one schedule: real service, chain, breaker, exchange and relay; simulated time, providers and callers."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, cast

from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.edge.client import ClientConnection
from roadworthy.gateway.edge.route import PublicRoutes
from roadworthy.gateway.edge.scrape import Scraper
from roadworthy.gateway.edge.service import Service
from roadworthy.gateway.edge.sibling import News
from roadworthy.gateway.edge.upstream import Endpoint
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.ledger import Ledger
from roadworthy.gateway.settings import Breaker, EdgeSettings, Key, Price, ProviderSettings, Retry, Route, Target
from roadworthy.gateway.simulation.caller import SimulatedCaller
from roadworthy.gateway.simulation.clock import VirtualLoop
from roadworthy.gateway.simulation.invariant import BreakerModel, Broken, check_hedge
from roadworthy.gateway.simulation.provider import SimulatedEndpoint, Verdict
from roadworthy.gateway.simulation.schedule import Arrival, Schedule

TENANTS = 3
PRICES = {"m": Price(1.0, 2.0, 1.0, 1.0)}
LEAST_TIME_S = 0.1
"""With less of the deadline left nobody need be asked any more."""


@dataclass(slots=True)
class Played:
    """What a schedule came to.

    Attributes:
        seed: Of the schedule.
        broken: The first invariant that did not hold.
        codes: How often each code was answered; `gone` for callers who hung up.
        calls: Requests that reached a provider.
    """

    seed: int
    broken: Broken | None = None
    codes: Counter[str] = field(default_factory=Counter)
    calls: int = 0


class _Ledger:
    """Counts records; a bug that a door caught is a broken invariant."""

    def __init__(self) -> None:
        self.records = 0

    def add(self, record: Finished) -> None:
        self.records += 1
        if record.stub_used:
            raise Broken("no made-up answer is served", "a record says that a stub was used", record.at)

    def event(self, kind: str, level: str = "info", **fields: object) -> None:
        if kind == "unexpected_error":
            raise Broken("nothing crashes", f"{fields['error']} at {fields['place']}", 0.0)

    def health(self) -> dict[str, object]:
        return {"ok": True}


class _NoMasker:
    def mask(self, text: str) -> str:
        return text

    def mask_bytes(self, text: bytes) -> bytes:
        return text


class _Watch:
    """One call as the models see it."""

    __slots__ = ("_caller", "_epoch", "_model", "_name", "_worker", "started")

    def __init__(self, worker: _Worker, name: str, caller: object) -> None:
        self._worker = worker
        self._name = name
        self._caller = caller
        self._model = worker.models[name]
        self.started = worker.loop.time()
        beside = worker.running.setdefault(caller, [])
        if beside:
            check_hedge(self._model, worker.hedge_after_s, len(beside), self.started - beside[0].started, self.started)
        beside.append(self)
        self._epoch = self._model.asked(self.started)

    def committed(self) -> None:
        if self._model.state == "half_open":
            self._model.outcome(self._epoch, True, self._worker.loop.time(), 0.0)

    def ended(self, verdict: Verdict, benched_s: float = 0.0) -> None:
        running = self._worker.running[self._caller]
        running.remove(self)
        if not running:
            del self._worker.running[self._caller]
        self._model.outcome(self._epoch, verdict, self._worker.loop.time(), benched_s)

    def cancelled(self) -> None:
        overtaken = self._worker.speaker is not None and self._worker.speaker is not self
        self.ended(None if self._worker.losing_callers or overtaken else False)

    def speaking(self, now: bool) -> None:
        self._worker.speaker = self if now else None

    def told(self) -> None:
        self._worker.compare(self._name)


class _Worker:
    """One edge process without sockets."""

    def __init__(self, world: _World, index: int) -> None:
        self.loop = world.loop
        self.index = index
        self.alive = True
        self.losing_callers = False
        self.first_asked: str | None = None
        self.running: dict[object, list[_Watch]] = {}
        self.speaker: _Watch | None = None
        self.hedge_after_s = world.least_hedge_s
        self.ledger = _Ledger()
        self.callers: list[SimulatedCaller] = []
        self.models = {name: BreakerModel(f"{name} of worker {index}", world.settings.breaker) for name in world.names}
        self.service = Service(world.settings, cast(Ledger, self.ledger), _NoMasker(), index)
        self.service.jitter = world.rng.random
        self.service.tell = lambda news: world.spread(self, news)
        self.service.load_keys([Key(f"t{i}", _sha256(f"rw_tenant{i}"), ("use",)) for i in range(TENANTS)])
        for number, name in enumerate(world.names):
            faults = [fault for fault in world.schedule.faults if fault.provider == number]
            latency_s = world.schedule.latency_s
            admitted = partial(world.call, self, name)
            endpoint = SimulatedEndpoint(self.loop, world.rng, faults, world.began, latency_s, admitted)
            self.service.upstreams[name].endpoint = cast(Endpoint, endpoint)
        self.links = {link.provider_name: link for link in self.service.table.links()}
        self._routes = PublicRoutes(self.service, cast(Scraper, None))

    def take(self, caller: SimulatedCaller) -> None:
        """A request arrives."""
        self.callers.append(caller)
        identity = f"req_{len(self.callers)}"
        now = self.loop.time()
        expected = next((name for name, model in self.models.items() if model.admits(now)), None)
        self.first_asked = None
        try:
            self._routes.handle(cast(ClientConnection, caller), caller.request(), identity)
        except RoadworthyError as error:
            caller.fail(error, identity)
        if self.first_asked != expected:
            raise Broken("the first target that may be asked is asked", f"{self.first_asked}, not {expected}", now)

    def compare(self, name: str) -> None:
        """The breaker and its model must agree."""
        self.models[name].agrees(self.links[name].breaker.state, self.loop.time())

    def kill(self) -> None:
        """Everything that it was doing is gone."""
        self.alive = False
        for caller in self.callers:
            if not caller.answers:
                self.leave(caller)
        self.close()

    def leave(self, caller: SimulatedCaller) -> None:
        """A caller hangs up."""
        self.losing_callers = True
        caller.hang_up()
        self.losing_callers = False

    def close(self) -> None:
        """Leave no timer behind."""
        self.service.close()


class _World:
    def __init__(self, loop: VirtualLoop, schedule: Schedule) -> None:
        self.loop = loop
        self.schedule = schedule
        self.rng = Random(schedule.seed + 1)  # noqa: S311 - as in `draw`
        self.began = loop.time()
        self.calls = 0
        self.names = [f"p{i}" for i in range(schedule.providers)]
        chain, deadline_s = tuple(Target(name, "m") for name in self.names), schedule.deadline_s
        self.settings = EdgeSettings(
            tuple(ProviderSettings(n, "openai", f"http://{n}.invalid/v1", "key", prices=PRICES) for n in self.names),
            (Route("chat", chain, deadline_s, hedge=schedule.hedge),),
            require_key=True, retry=Retry(), breaker=Breaker(open_s=schedule.open_s),
        )  # fmt: skip
        self.least_hedge_s = _least_hedge_s(schedule)
        self.workers = [_Worker(self, index) for index in range(schedule.workers)]
        self.retired: list[_Worker] = []

    def call(self, worker: _Worker, name: str, sink: Any) -> _Watch:
        """A provider is asked."""
        self.calls += 1
        worker.first_asked = worker.first_asked or name
        return _Watch(worker, name, sink.exchange)

    def spread(self, teller: _Worker, news: News) -> None:
        """Tell the other workers, a moment later."""
        for worker in self.workers:
            if worker is not teller:
                self.loop.call_later(self.rng.uniform(0.0005, 0.05), self._hear, worker, news)

    def _hear(self, worker: _Worker, news: News) -> None:
        if worker.alive:
            worker.models[news.provider].heard(news.state, news.rest_s, self.loop.time())
            worker.service.follow(news)
            worker.compare(news.provider)

    def arrive(self, arrival: Arrival) -> None:
        """A caller sends a request."""
        worker = self.workers[arrival.worker]

        def failed(code: str, attempts: list[dict[str, Any]]) -> None:
            self._needless(worker, caller, code, attempts)

        caller = SimulatedCaller(self.loop, arrival, self.schedule.deadline_s, self.settings.retry.max_tries, failed)
        worker.take(caller)
        if arrival.hangs_up_after_s is not None:
            self.loop.call_later(arrival.hangs_up_after_s, worker.leave, caller)

    def lose(self, index: int) -> None:
        """A worker is killed and started again, and remembers nothing."""
        old = self.workers[index]
        old.kill()
        self.retired.append(old)
        self.workers[index] = _Worker(self, index)

    def _needless(self, worker: _Worker, caller: SimulatedCaller, code: str, attempts: list[dict[str, Any]]) -> None:
        now = self.loop.time()
        asked = {a["provider"] for a in attempts if a["reason"] not in {"breaker_open", "benched"}}
        if caller.started + self.schedule.deadline_s - now < LEAST_TIME_S:
            return
        for name, model in worker.models.items():
            if name not in asked and model.admits(now):
                raise Broken(
                    "nobody fails while a healthy provider is unasked", f"{code}, and {name} was not asked", now
                )

    def finish(self, played: Played) -> None:
        """The end: nobody waits, nothing is left over, and the first provider serves again."""
        now = self.loop.time()
        for worker in (*self.workers, *self.retired):
            for caller in worker.callers:
                if not caller.answers and not caller.gone:
                    raise Broken("every request is answered once", f"{caller.question!r} got no answer", now)
                played.codes[caller.code if caller.answers else "gone"] += 1
            if worker.service.in_flight:
                raise Broken("nothing is left over", f"{worker.service.in_flight} requests are still counted", now)
            if worker.running:
                raise Broken("nothing is left over", f"{len(worker.running)} calls still run", now)
            hedging = worker.service.table.find("chat").hedging
            if hedging is not None and hedging.running > 1e-12:
                raise Broken("both tries are settled", f"{hedging.running} dollars are still set aside", now)
            if worker.ledger.records != len(worker.callers):
                seen = f"{worker.ledger.records} records of {len(worker.callers)} requests"
                raise Broken("every request leaves one record", seen, now)
        for worker in self.workers:
            last = worker.callers[-1]
            if last.code != "ok" or last.attempts[-1]["reason"] != "served":
                seen = f"the last request of worker {worker.index} got {last.code} long after the last fault"
                raise Broken("everything heals", seen, now)


def play(loop: VirtualLoop, schedule: Schedule) -> Played:
    """Run one schedule to its end. `loop` must be the one whose clock the gateway's modules read.

    Never raises `Broken`: it is in the result.
    """
    played = Played(schedule.seed)
    over: asyncio.Future[None] = loop.create_future()

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Broken):
            error = Broken("nothing crashes", f"{type(error).__name__}: {context.get('message')}", loop.time())
        if not over.done():
            over.set_exception(error)

    async def run() -> None:
        loop.wall_offset_s = 0.0
        world = _World(loop, schedule)
        began = world.began
        timers = [loop.call_at(began + arrival.at_s, world.arrive, arrival) for arrival in schedule.arrivals]
        timers += [loop.call_at(began + at, _jump, loop, by) for at, by in schedule.clock_jumps]
        timers += [loop.call_at(began + at, world.lose, index) for at, index in schedule.losses]
        timers.append(loop.call_at(began + schedule.end_s, over.set_result, None))
        try:
            await over
            world.finish(played)
        finally:
            played.calls = world.calls
            for timer in timers:
                timer.cancel()
            for worker in (*world.workers, *world.retired):
                worker.close()

    loop.set_exception_handler(failed)
    try:
        loop.run_until_complete(run())
    except Broken as broken:
        played.broken = broken
    return played


def _least_hedge_s(schedule: Schedule) -> float | None:
    """Before so many seconds nobody may be asked beside another; None when nobody may be at all."""
    hedge = schedule.hedge
    if hedge is None:
        return None
    return hedge.after_s if hedge.after_percentile is None else 0.0


def _jump(loop: VirtualLoop, by_s: float) -> None:
    loop.wall_offset_s += by_s


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
