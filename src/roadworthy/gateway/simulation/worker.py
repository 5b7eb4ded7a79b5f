"""One edge process without sockets: the real service, watched from outside by models of what it may do."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, cast

from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.edge.client import ClientConnection
from roadworthy.gateway.edge.deadline import Deadlines
from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.edge.route import PublicRoutes
from roadworthy.gateway.edge.scrape import Scraper
from roadworthy.gateway.edge.service import Service
from roadworthy.gateway.edge.upstream import Endpoint
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.ledger import Ledger
from roadworthy.gateway.mode_state import Memory
from roadworthy.gateway.settings import Key
from roadworthy.gateway.simulation.caller import SimulatedCaller
from roadworthy.gateway.simulation.clock import VirtualDeadlines
from roadworthy.gateway.simulation.feature import CHAT
from roadworthy.gateway.simulation.flight_watch import FlightWatch
from roadworthy.gateway.simulation.invariant import PASSED_OVER, BreakerModel, Broken, check_hedge
from roadworthy.gateway.simulation.mode_watch import ModeWatch
from roadworthy.gateway.simulation.provider import Asked, SimulatedEndpoint, Verdict
from roadworthy.gateway.simulation.store import AllowanceDoor

if TYPE_CHECKING:
    from roadworthy.gateway.simulation.play import World

LEAST_TIME_S = 0.1
"""With less of the deadline left nobody need be asked any more."""
CALM, SHORT = Memory(fraction=0.5), Memory(fraction=0.95)
TargetName = tuple[str, str]


class _Ledger:
    """Counts records; a bug that a door caught is a broken invariant."""

    def __init__(self, worker: SimulatedWorker) -> None:
        self.records = 0
        self._worker = worker

    def add(self, record: Finished) -> None:
        self.records += 1
        if record.stub_used:
            raise Broken("no made-up answer is served", "a record says that a stub was used", record.at)
        self._worker.ended(record)

    def event(self, kind: str, level: str = "info", **fields: object) -> None:
        if kind == "unexpected_error":
            raise Broken("nothing crashes", f"{fields['error']} at {fields['place']}", 0.0)
        if kind == "mode.changed" and self._worker.modes is not None:
            self._worker.modes.changed(fields)

    def health(self) -> dict[str, object]:
        return {"ok": True}


class _NoMasker:
    def mask(self, text: str) -> str:
        return text

    def mask_bytes(self, text: bytes) -> bytes:
        return text


class CallWatch:
    """One call as the models see it.

    Args:
        worker: Whose.
        name: The target.
        caller: For whom.
        again: The call before, when the same target is told what was wrong with its answer.
    """

    __slots__ = ("_caller", "_epoch", "_model", "_name", "_repaired", "_worker", "started")

    def __init__(
        self, worker: SimulatedWorker, name: TargetName, caller: SimulatedCaller, again: CallWatch | None
    ) -> None:
        self._worker = worker
        self._name = name
        self._caller = caller
        self._model = worker.models[name]
        self._repaired = False
        self.started = worker.loop.time()
        if again is None:
            self._epoch = self._model.asked(self.started)
        else:
            self._epoch, again._repaired = again._epoch, True

    @property
    def probes(self) -> bool:
        """Whether it decides about a half-open breaker."""
        return self._model.state == "half_open" and self._epoch == self._model.epoch

    def committed(self) -> None:
        """A stream shows its first piece: well, as far as a probe goes."""
        if self._model.state == "half_open":
            self._model.outcome(self._epoch, True, self._worker.loop.time(), 0.0)

    def ended(self, verdict: Verdict, benched_s: float = 0.0) -> None:
        """See `provider.Watch`."""
        self._model.outcome(self._epoch, verdict, self._worker.loop.time(), benched_s)

    def judged(self, verdict: Verdict) -> None:
        """See `provider.Watch`."""
        if not self._repaired:
            self.ended(verdict)

    def cancelled(self) -> None:
        """See `provider.Watch`."""
        speaker = self._worker.speaker
        overtaken = speaker is not None and speaker is not self and speaker._caller is self._caller
        self.ended(None if overtaken or self._worker.losing_callers or self._left_alone() else False)

    def over(self) -> None:
        """See `provider.Watch`."""
        running = self._worker.running[self._caller.identity]
        running.remove(self)
        if not running:
            del self._worker.running[self._caller.identity]

    def speaking(self, now: bool) -> None:
        """See `provider.Watch`."""
        self._worker.speaker = self if now else None

    def told(self) -> None:
        """See `provider.Watch`."""
        self._worker.compare(self._name)

    def _left_alone(self) -> bool:
        """Whether the last of those who waited for somebody who had hung up hung up too, or lost patience."""
        exchange = getattr(self._caller.exchange, "_exchange", None)
        attempts = () if exchange is None else exchange.chain.attempts
        return self._caller.gone and any(attempt.reason == "client_gone" for attempt in attempts)


class SimulatedWorker:
    """One edge process.

    Args:
        world: What all share.
        index: Number of the worker.
        life: How often it was started again.
    """

    def __init__(self, world: World, index: int, life: int) -> None:
        self.world = world
        self.loop = world.loop
        self.index = index
        self.alive = True
        self.losing_callers = False
        self.callers: dict[str, SimulatedCaller] = {}
        self.ledger = _Ledger(self)
        self.modes: ModeWatch | None = None
        self.flights = FlightWatch() if "cache" in world.schedule.features else None
        self.life = life
        self.speaker: CallWatch | None = None
        """Whose answer the gateway hears at this moment."""
        self.running: dict[str, list[CallWatch]] = {}
        """Calls that are not over, by request."""
        self._calls: dict[str, dict[TargetName, CallWatch]] = {}  # the last one of each target
        self._deadlines: Deadlines | None = None
        self._short = False
        self.service = service = Service(world.settings, cast(Ledger, self.ledger), _NoMasker(), index)
        service.jitter = world.rng.random
        service.tell = lambda news: world.spread(self, news)
        service.load_keys(world.keys)
        self.links: dict[TargetName, UpstreamLink] = {
            (link.provider_name, link.model): link for link in service.table.links()
        }
        self.models = {
            name: BreakerModel(f"{'/'.join(name)} of worker {index}", world.settings.breaker) for name in self.links
        }
        self.chains = {CHAT: tuple((t.provider, t.model) for t in world.settings.routes[0].chain)}
        for mode in world.settings.modes:
            self.chains[mode.name] = tuple((t.provider, t.model) for t in mode.roles[0].chain)
        self._connect()
        self.door = self._limit_keys()
        self._watch_modes()
        self._routes = PublicRoutes(service, cast(Scraper, None))

    def _connect(self) -> None:
        world, schedule = self.world, self.world.schedule
        for number, upstream in enumerate(self.service.upstreams.values()):
            faults = [fault for fault in schedule.faults if fault.provider == number]
            endpoint = SimulatedEndpoint(
                self.loop, world.rng, faults, world.began, schedule.latency_s, world.gated, world.answers,
                partial(self._call, upstream.name),
            )  # fmt: skip
            upstream.endpoint = cast(Endpoint, endpoint)
        if self.service.cache is not None:
            self.service.cache.store = world.cache_of(self.index)
            self.service.cache.deadlines = self._deadlines = cast(Deadlines, VirtualDeadlines(self.loop))

    def _limit_keys(self) -> AllowanceDoor | None:
        if self.world.book is None:
            return None
        door = AllowanceDoor(self.world.book)
        self.service.limit_keys(door)
        return door

    def _watch_modes(self) -> None:
        desk = self.service.modes
        if desk is None:
            return
        self.modes = ModeWatch(self.world.settings.modes, self._able, lambda: self._short, self.loop.time)
        desk.draw = self._drawn
        desk.sample = self._sample
        desk.watch()

    def _drawn(self) -> float:
        value = self.world.rng.random()
        return value if self.modes is None else self.modes.drawn(value)

    def _sample(self) -> Memory:
        self._short = self.world.weather.hit("memory")
        return SHORT if self._short else CALM

    def _able(self, mode: str) -> bool:
        now = self.loop.time()
        return any(self.models[name].admits(now) for name in self.chains[mode])

    # -- requests

    def take(self, caller: SimulatedCaller) -> None:
        """A request arrives."""
        self.callers[caller.identity] = caller
        try:
            self._routes.handle(cast(ClientConnection, caller), caller.request(), caller.identity)
        except RoadworthyError as error:
            caller.fail(error, caller.identity)

    def _call(self, provider: str, identity: str, asked: Asked) -> CallWatch:
        """A provider is asked."""
        self.world.calls += 1
        caller, now = self.callers[identity], self.loop.time()
        name = provider, asked.body["model"]
        calls, beside = self._calls.setdefault(identity, {}), self.running.setdefault(identity, [])
        if asked.again:
            watch = CallWatch(self, name, caller, calls[name])
        elif beside:
            self._check_hedge(caller, name, beside, now)
            watch = CallWatch(self, name, caller, None)
        else:
            self._check_target(caller, name, now)
            watch = CallWatch(self, name, caller, None)
        calls[name] = watch
        beside.append(watch)
        caller.asked += 1
        caller.model = name[1]
        return watch

    def _check_target(self, caller: SimulatedCaller, name: TargetName, now: float) -> None:
        """What must hold when a target is asked for the first time in a chain."""
        model = name[1]
        chain = self.chains[model if self.modes is not None and model in self.chains else CHAT]
        if caller.asked and caller.model == model:
            return
        caller.since = now
        expected = next((target for target in chain if self.models[target].admits(now)), None)
        if name != expected and self.models[name].admits(now):  # else its own model says what is wrong with it
            raise Broken("the first target that may be asked is asked", f"{name}, not {expected}", now)
        if caller.asked:
            if self.modes is not None:
                self.modes.next(caller.identity, caller.model, model)
            return
        self.world.purses[caller.arrival.tenant].admitted(caller.identity, caller.prompt_bytes, now)
        if self.flights is not None:
            self.flights.begins(caller, now)
        if self.modes is not None and caller.arrival.model != CHAT:
            self.modes.first(caller.identity, caller.arrival.model, model)

    def _check_hedge(self, caller: SimulatedCaller, name: TargetName, beside: list[CallWatch], now: float) -> None:
        """What must hold when a target is asked while another one is, for the same request."""
        model, hedge = self.models[name], self.world.settings.routes[0].hedge
        after_s = None if hedge is None else hedge.after_s if hedge.after_percentile is None else 0.0
        check_hedge(model, after_s, len(beside) + caller.hedges, now - beside[0].started, beside[0].probes, now)
        asked = self._calls[caller.identity]
        chain = self.chains[name[1] if self.modes is not None and name[1] in self.chains else CHAT]
        expected = next((n for n in chain if n not in asked and self.models[n].healthy(now)), None)
        if name != expected and model.healthy(now):  # else its own model says what is wrong with it
            raise Broken("the first target that may be asked is asked", f"{name}, not {expected}", now)
        caller.hedges += 1
        self.world.purses[caller.arrival.tenant].hedged(caller.identity, now)

    def ended(self, record: Finished) -> None:
        """A request left its record."""
        caller = self.callers[record.request_id]
        self.world.purses[caller.arrival.tenant].ended(record)
        self._calls.pop(record.request_id, None)
        if self.flights is not None:
            self.flights.ended(caller, self.loop.time())
        if self.modes is not None:
            self.modes.left(record.request_id)

    def spent(self, caller: SimulatedCaller, code: str) -> None:
        """Somebody is told that nobody can serve, or gets an old answer: then nobody may be left who could."""
        now = self.loop.time()
        if caller.started + caller.deadline_s - now < LEAST_TIME_S:
            return
        if code == "stale" and not caller.attempts and (caller.told["mode_requested"] is None or self.world.book):
            return  # handed on by somebody else, who has attempts, or nobody could look at its key's limits
        asked = {(a["provider"], a["model"]) for a in caller.attempts if a["reason"] not in PASSED_OVER}
        chains = [self.chains[CHAT]]
        if self.modes is not None and caller.arrival.model != CHAT:
            tried = [mode for mode in self.modes.names if any(name[1] == mode for name in asked)]
            left = self.modes.after(caller.arrival.model, tried)
            if tried and now - caller.since > self.modes.deadline_s(left[0]) - LEAST_TIME_S:
                left = left[1:]  # its own deadline passed, which may be shorter
            chains = [self.chains[mode] for mode in left]
        for name in dict.fromkeys(name for chain in chains for name in chain):
            if name not in asked and self.models[name].admits(now):
                seen = f"{code}, and {'/'.join(name)} was not asked"
                raise Broken("nobody fails while a healthy provider is unasked", seen, now)

    def compare(self, name: TargetName) -> None:
        """The breaker and its model must agree."""
        self.models[name].agrees(self.links[name].breaker.state, self.loop.time())

    # -- ends

    def kill(self) -> None:
        """Everything that it was doing is gone."""
        self.alive = False
        if self.door is not None:
            self.door.dead = True
        for caller in self.callers.values():
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
        if self._deadlines is not None:
            self._deadlines.close()


def key_of(tenant: int, world: World) -> Key:
    """The tenant's key."""
    sha256 = hashlib.sha256(f"rw_tenant{tenant}".encode()).hexdigest()
    return Key(f"t{tenant}", sha256, ("use",), world.schedule.limits[tenant])
