"""Plays one schedule: the gateway's own code; simulated time, providers, stores and callers."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from roadworthy.gateway.edge.sibling import News
from roadworthy.gateway.simulation.answer import Answers
from roadworthy.gateway.simulation.caller import SimulatedCaller
from roadworthy.gateway.simulation.clock import VirtualLoop
from roadworthy.gateway.simulation.feature import TENANTS
from roadworthy.gateway.simulation.invariant import Broken
from roadworthy.gateway.simulation.purse import Purse
from roadworthy.gateway.simulation.schedule import Arrival, Schedule
from roadworthy.gateway.simulation.store import SLOW_S, AllowanceBook, SimulatedCache, Weather
from roadworthy.gateway.simulation.worker import SimulatedWorker, key_of

CACHE_BYTES = 20_000
DAY_S = 86_400.0
LEAST_USD = 1e-12
"""Sums of dollars may be so wrong."""


@dataclass(slots=True)
class Played:
    """What a schedule came to.

    Attributes:
        seed: Of the schedule.
        broken: The first invariant that did not hold.
        codes: How often each code was answered; `gone` for callers who hung up.
        calls: Requests that reached a provider.
        seen: How often what is rare happened: hits, stale answers, downshifts, repairs, second tries.
    """

    seed: int
    broken: Broken | None = None
    codes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    seen: Counter[str] = field(default_factory=Counter)


class World:
    """Everything of one schedule.

    Args:
        loop: Virtual time.
        schedule: What happens.
    """

    def __init__(self, loop: VirtualLoop, schedule: Schedule) -> None:
        self.loop = loop
        self.schedule = schedule
        self.settings = schedule.settings
        self.rng = Random(schedule.seed + 1)  # noqa: S311 - as in `draw`
        self.began = loop.time()
        self.calls = 0
        self.gated = "gate" in schedule.features
        self.answers = Answers()
        self.weather = Weather(loop, self.rng, schedule.faults, self.began)
        self.purses = [Purse(f"t{number}", limits) for number, limits in enumerate(schedule.limits)]
        self.book = AllowanceBook(self.weather) if "budget" in schedule.features else None
        self.keys = [key_of(tenant, self) for tenant in range(TENANTS)]
        self._caches: dict[int, SimulatedCache] = {}
        self._asked = 0
        loop.work_s = self._work_s
        self.workers = [SimulatedWorker(self, index, 0) for index in range(schedule.workers)]
        self.retired: list[SimulatedWorker] = []

    def cache_of(self, worker: int) -> SimulatedCache:
        """The store of answers that a worker uses; a worker that is started again finds its own empty."""
        if self.schedule.shared_cache and self._caches:
            return next(iter(self._caches.values()))
        cache = self._caches[worker] = SimulatedCache(self.loop, self.rng, self.weather, CACHE_BYTES)
        return cache

    def spread(self, teller: SimulatedWorker, news: News) -> None:
        """Tell the other workers, a moment later."""
        for worker in self.workers:
            if worker is not teller:
                self.loop.call_later(self.rng.uniform(0.0005, 0.05), self._hear, worker, news)

    def _hear(self, worker: SimulatedWorker, news: News) -> None:
        if worker.alive:
            name = news.provider, news.model
            worker.models[name].heard(news.state, news.rest_s, self.loop.time())
            worker.service.follow(news)
            worker.compare(name)

    def arrive(self, arrival: Arrival) -> None:
        """A caller sends a request."""
        worker = self.workers[arrival.worker]
        self._asked += 1
        caller = SimulatedCaller(
            self.loop, f"req_{self._asked}", arrival, self.schedule, self.answers, worker.spent
        )  # fmt: skip
        worker.take(caller)
        if arrival.hangs_up_after_s is not None:
            self.loop.call_later(arrival.hangs_up_after_s, worker.leave, caller)

    def lose(self, index: int) -> None:
        """A worker is killed and started again, and remembers nothing."""
        old = self.workers[index]
        old.kill()
        self.retired.append(old)
        self.workers[index] = SimulatedWorker(self, index, 1)

    def jump(self, by_s: float) -> None:
        """The wall clock jumps."""
        self.loop.wall_offset_s += by_s
        for purse in self.purses:
            purse.days += by_s >= DAY_S
            purse.refill()

    def _work_s(self) -> float:
        return self.rng.uniform(0.0, SLOW_S) if self.weather.hit("budget_slow") else 0.0005

    # -- the end

    def finish(self, played: Played) -> None:
        """Nobody waits, nothing is left over, and the first provider serves again."""
        now = self.loop.time()
        for worker in (*self.workers, *self.retired):
            for caller in worker.callers.values():
                if not caller.answers and not caller.gone:
                    raise Broken("every request is answered once", f"{caller.question!r} got no answer", now)
                _count(played, caller)
            if worker.service.in_flight:
                raise Broken("nothing is left over", f"{worker.service.in_flight} requests are still counted", now)
            if worker.ledger.records != len(worker.callers):
                seen = f"{worker.ledger.records} records of {len(worker.callers)} requests"
                raise Broken("every request leaves one record", seen, now)
            if worker.running:
                raise Broken("nothing is left over", f"the calls of {len(worker.running)} requests still run", now)
            _check_set_aside(worker, now)
            cache = worker.service.cache
            if cache is not None and cache.flights:
                raise Broken("nothing is left over", f"{len(cache.flights)} flights never landed", now)
        for worker in self.workers:
            self._check_healed(worker, now)
            worker.close()
        self._check_holds(now)

    def _check_healed(self, worker: SimulatedWorker, now: float) -> None:
        last = list(worker.callers.values())[-1]
        if last.code != "ok" or last.attempts[-1]["reason"] != "served":
            seen = f"the last request of worker {worker.index} got {last.code} long after the last fault"
            raise Broken("everything heals", seen, now)
        asked = last.arrival.model
        if worker.modes is None:
            return
        seen = f"{last.told['mode_served']} serves for {asked}, which is {worker.modes.phase(asked)}"
        if last.told["mode_served"] != asked or last.told["mode_reason"] or worker.modes.phase(asked) != "up":
            raise Broken("modes come back", f"{seen} long after the last fault", now)

    def _check_holds(self, now: float) -> None:
        """Every reservation was settled once: nothing is leased any more, and what was spent is what was used."""
        book = self.book
        if book is None:
            return
        held = book.held(range(len(self.workers)))
        if held:
            seen = ", ".join(f"{amount} {name}" for name, amount in held.items())
            raise Broken("every hold is settled once", f"still leased at the end: {seen}", now)
        for purse in self.purses:
            limits = purse.limits
            rows = (("tokens", limits.tokens_per_day, purse.tokens), ("usd", limits.usd_per_day, purse.usd))
            for what, limit, used in rows:
                spent, lost = book.spent[purse.name, what], book.lost[purse.name, what]
                if limit is not None and (spent > used or (not self.retired and spent != used)):
                    seen = f"{purse.name} used {used} {what}, {spent} are booked and {lost} lost"
                    raise Broken("every hold is settled once", seen, now)


def _check_set_aside(worker: SimulatedWorker, now: float) -> None:
    """No second try is still counted among those that run."""
    for name in worker.chains:
        hedging = worker.service.table.find(name).hedging
        if hedging is not None and hedging.running > LEAST_USD:
            raise Broken("both tries are settled", f"{hedging.running} dollars are still set aside", now)


def _count(played: Played, caller: SimulatedCaller) -> None:
    played.codes[caller.code if caller.answers else "gone"] += 1
    if caller.cache in {"hit", "stale"}:
        played.seen[caller.cache] += 1
    if caller.told.get("mode_reason"):
        played.seen["downshift"] += 1
    played.seen["hedge"] += caller.hedges
    played.seen["hedge won"] += any(a.get("hedge") and a["reason"] == "served" for a in caller.attempts)
    played.seen["repair"] += sum(1 for attempt in caller.attempts if attempt.get("repair") == "asked_again")


def play(loop: VirtualLoop, schedule: Schedule) -> Played:
    """Run one schedule to its end. `loop` must be the one whose clock the gateway's modules read.

    Never raises `Broken`: it is in the result.
    """
    played = Played(schedule.seed)
    loop.restart()
    over: asyncio.Future[None] = loop.create_future()

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Broken):
            error = Broken("nothing crashes", f"{type(error).__name__}: {context.get('message')}", loop.time())
        if not over.done():
            over.set_exception(error)

    async def run() -> None:
        world = World(loop, schedule)
        began = world.began
        timers = [loop.call_at(began + arrival.at_s, world.arrive, arrival) for arrival in schedule.arrivals]
        timers += [loop.call_at(began + at, world.jump, by) for at, by in schedule.clock_jumps]
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
