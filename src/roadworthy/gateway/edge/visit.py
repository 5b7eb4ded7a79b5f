"""One request on its way through the cache: hit, wait for a flight, or lead one; stale when everything else failed."""

from __future__ import annotations

from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from roadworthy.core.attempts import Attempt
from roadworthy.core.errors import GatewayError, RoadworthyError, UnexpectedError
from roadworthy.core.ports import Kept
from roadworthy.gateway.cache.directive import Directive
from roadworthy.gateway.cache.entry import Entry, StreamRecording, events, pack, read, repeatable
from roadworthy.gateway.cache.key import question
from roadworthy.gateway.edge.answer import error_body, error_lines, kept_extra, kept_lines
from roadworthy.gateway.edge.ask import ChatAsk
from roadworthy.gateway.edge.caller import Caller
from roadworthy.gateway.edge.exchange import Exchange
from roadworthy.gateway.edge.flight import Flight, Landing
from roadworthy.gateway.edge.routing import Routed
from roadworthy.gateway.edge.shown import NOTHING_SHOWN, Shown
from roadworthy.gateway.edge.upstream import door
from roadworthy.gateway.finished import CacheResult, Finished, ModeServed, Quality
from roadworthy.gateway.quality.default import judge_text

if TYPE_CHECKING:
    from roadworthy.gateway.edge.answer_cache import AnswerCache

STREAM_PATIENCE = 0.5
"""Part of its deadline that a request waits for somebody else's stream, which may go on for much longer."""

SEEK_S = 0.25
"""Longest wait for a similar question; after it the providers are asked."""


class Nobody:
    """Takes what is meant for a caller who hung up while others wait for the same answer."""

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """A whole answer."""

    def begin(self, lines: bytes) -> None:
        """The header of a stream."""

    def write(self, data: bytes) -> None:
        """Bytes of a stream."""

    def end(self) -> None:
        """The stream is complete."""

    def cut(self) -> None:
        """The stream is not complete."""


class Visit:
    """Create, then `start`; the connection drives it like an exchange. Leaves exactly one record.

    Args:
        cache: What all requests share.
        ask: The checked request.
        routed: Its chain.
        caller: Who gets the answer.
        request_id: As in `x-request-id`.
        key_id: The tenant.
        directive: What the caller allows.
    """

    bucket = 0
    done = False
    gone = False
    _seeking = False
    _exchange: Exchange | None = None
    _flight: Flight | None = None
    _stale: tuple[Entry, float] | None = None  # with the monotonic second in which it was kept
    _landing: Landing | None = None

    def __init__(
        self,
        cache: AnswerCache,
        ask: ChatAsk,
        routed: Routed,
        caller: Caller,
        request_id: str,
        key_id: str,
        directive: Directive,
    ) -> None:
        self._cache = cache
        self._ask = ask
        self._routed = routed
        self._caller = caller
        self._request_id = request_id
        self._key_id = key_id
        self._directive = directive
        self._wall = time()
        self._started = monotonic()
        modes = cache.service.modes
        self._as_asked = NOTHING_SHOWN if modes is None else modes.as_asked(routed)
        if ask.lead is not None:
            self._as_asked = ask.lead.shown(self._as_asked)
        self._similar = cache.similar if routed.route.cache == "semantic" and directive.read else None
        rules = cache.rules(routed) if ask.own is None else cache.rules(routed) + ask.own.digest
        self._question = question(key_id, routed.name, ask.request, rules, similar=self._similar is not None)

    # -- the connection's side

    def start(self) -> None:
        """Look the answer up."""
        self._cache.note_load()
        if self._directive.read:
            self._cache.store.fetch(self._question.key, self._told)
        else:
            self._go()

    def cancel(self) -> None:
        """The caller hung up: stop, unless others wait for the same answer."""
        if self.done:
            return
        flight, exchange = self._flight, self._exchange
        if exchange is not None and flight is not None and flight.followers:
            self.gone = True
            exchange.caller = Nobody()
            exchange.resume()
        elif exchange is not None:
            exchange.cancel()
        else:
            self._record(499, "client_gone", "", "not-gated", "miss")

    def pause(self) -> None:
        """The caller reads slowly; nobody else is to wait for him."""
        flight = self._flight
        if flight is not None and flight.leader is self:
            self._flight = None
            flight.next_leader()
        if self._exchange is not None:
            self._exchange.pause()

    def resume(self) -> None:
        """The caller has caught up."""
        if self._exchange is not None:
            self._exchange.resume()

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught at a door."""
        if self._exchange is not None:
            self._exchange.crashed(error)
            return
        self._cache.service.crashed("cache", error, self._request_id)
        if not self.done:
            self._refuse(UnexpectedError("The gateway failed to handle this request."))

    # -- looking up

    def _told(self, kept: Kept | None) -> None:
        door(self, partial(self._looked, kept))

    def _looked(self, kept: Kept | None) -> None:
        if self.done:
            return
        entry, cache = None if kept is None else read(kept.value), self._cache
        if kept is not None and entry is not None:
            allowed = self._directive.max_age_s
            if kept.age_s <= min(cache.fresh_s(self._routed.route), allowed):
                self._answer(entry, "hit", kept.age_s, self._as_asked)
                return
            if kept.age_s <= min(cache.settings.stale_s, allowed):
                self._stale = entry, monotonic() - kept.age_s
        self._fly()

    def _fly(self) -> None:
        cache = self._cache
        flight = cache.flights.get(self._question.key)
        if flight is None:
            self._flight = Flight(cache.flights, self._question.key, self, self._ask.stream)
            if not self._seek():
                self._go()
            return
        self._flight = flight
        flight.join(self)
        patience = STREAM_PATIENCE if flight.streamed else 1.0
        cache.deadlines.set(self, max(0.0, self._left() * patience))

    # -- the same question in other words

    def _seek(self) -> bool:
        """Look for one; False when there is none to look for, or no time."""
        partition, similar = self._question.partition, self._similar
        if partition is None or similar is None or not similar.find(partition, self._question.text, self._sought):
            return False
        self._seeking = True
        self._cache.deadlines.set(self, SEEK_S)
        return True

    def _sought(self, key: bytes | None) -> None:
        if self._seeking and not self.done:
            self._seeking = False
            self._cache.deadlines.lift(self)
            if key is None:
                door(self, self._go)
            else:
                door(self, partial(self._cache.store.fetch, key, self._told_similar))

    def _told_similar(self, kept: Kept | None) -> None:
        door(self, partial(self._found, kept))

    def _found(self, kept: Kept | None) -> None:
        if self.done:
            return
        fresh_s = min(self._cache.fresh_s(self._routed.route), self._directive.max_age_s)
        entry = None if kept is None else read(kept.value)
        if kept is None or entry is None or kept.age_s > fresh_s:
            self._go()
            return
        landing = Landing(entry, "semantic", kept.age_s, False, self._as_asked)
        flight, self._flight = self._flight, None
        self._take(landing)
        if flight is not None:
            for follower in flight.landed(landing):
                follower.land(landing)

    def _left(self) -> float:
        return self._started + self._routed.route.deadline_s - monotonic()

    # -- asking the providers

    def _go(self) -> None:
        if self.done:
            return
        self._cache.deadlines.lift(self)
        service = self._cache.service
        exchange = self._exchange = service.exchange(
            self._ask, self._routed, self._caller, self._request_id, self._key_id
        )
        exchange.visit = self
        exchange.shown = self._as_asked.cached("miss")
        exchange.wall, exchange.started = self._wall, self._started
        exchange.chain.deadline = self._started + self._routed.route.deadline_s
        exchange.start()

    # -- Passenger: what the flight says

    def lead(self, flight: Flight) -> None:
        """Ask the providers for all who wait."""
        self._flight = flight
        flight.streamed = self._ask.stream
        self._cache.deadlines.lift(self)
        self._cache.service.loop.call_soon(door, self, self._go)

    def land(self, landing: Landing) -> None:
        """Take the answer, or go alone when there is none that can be shared."""
        self._flight = None
        self._cache.deadlines.lift(self)
        self._cache.service.loop.call_soon(door, self, partial(self._take, landing))

    def stop(self) -> None:
        """Nobody waits any more."""
        if self._exchange is not None:
            self._exchange.cancel()

    def _take(self, landing: Landing) -> None:
        if self.done:
            return
        if landing.entry is None or landing.age_s > self._directive.max_age_s:
            self._go()
        else:
            self._answer(landing.entry, landing.result, landing.age_s, landing.shown)

    # -- Limited: the wait took too long

    def timed_out(self) -> None:
        """Give up waiting: alone where there is time left, else with a stale answer or an error."""
        door(self, self._out_of_patience)

    def _out_of_patience(self) -> None:
        if self._seeking:
            self._seeking = False
            self._go()
            return
        flight, self._flight = self._flight, None
        if self.done or flight is None:
            return
        flight.leave(self)
        if self._left() > 0:
            self._go()
        elif self._stale is not None:
            entry, kept_at = self._stale
            self._answer(entry, "stale", monotonic() - kept_at, self._stepped_aside("deadline"))
        else:
            self._refuse(
                GatewayError(
                    "No provider could serve the request in time.",
                    "It waited for the answer to an identical request, which did not come before its deadline.",
                    code="llm_chain_failed",
                )
            )

    # -- the exchange's side

    def recording(self) -> StreamRecording:
        """What puts a stream together while it passes."""
        return StreamRecording(self._cache.settings.max_bytes)

    def streamed(self, recording: StreamRecording, label: str, quality: Quality) -> None:
        """A stream is complete; one that left before it was judged is kept when it passes the default rules now."""
        if quality == "not-gated" and judge_text(recording.text, "stop", self._ask.wants_json) is None:
            quality = "passed"
        if quality == "passed":
            self.served(recording.whole(), label, quality)

    def served(self, body: bytes | None, label: str, quality: Quality) -> None:
        """A provider answered: keep it if it may be told again.

        Args:
            body: The whole answer without the `roadworthy` object; None when there is no such thing.
            label: `provider/model` that gave it.
            quality: What the gate said.
        """
        if body is None or quality == "failed" or not self._directive.write or not repeatable(body):
            return
        assert self._exchange is not None
        entry, shown = Entry(body, label, quality), self._exchange.shown
        self._landing = Landing(entry, "hit", 0.0, False, shown)
        if shown.mode is not None and shown.mode.served != shown.mode.requested:
            return  # a cheaper mode's answer is not to be told as the asked one's when that serves again
        asked = self._question
        self._cache.store.put(asked.key, pack(entry), self._cache.keep_s(self._routed.route))
        if self._similar is not None and asked.partition is not None:
            self._similar.add(asked.partition, asked.text, asked.key)

    def rescued(self, error: RoadworthyError, attempts: list[Attempt]) -> tuple[str, Quality] | None:
        """The chain is spent: the last link is an answer that has expired. Tells the caller; returns who gave it."""
        limited = error.code == "rate_limited" and bool(attempts)  # without attempts it is the key's own limit
        if self._stale is None or (error.spec.http_status < 500 and not limited):
            return None
        entry, age_s = self._stale[0], monotonic() - self._stale[1]
        self._landing = Landing(entry, "stale", age_s, False, self._stepped_aside(error.code))
        self._tell(entry, "stale", age_s, attempts, self._landing.shown)
        return entry.served_by, entry.quality

    def closed(self, record: Finished) -> Finished:
        """The exchange is over: tell those who wait. Returns its record with what the cache did."""
        self.done = True
        self._exchange = None
        landing = self._landing or Landing(None, "miss", 0.0, record.code != "ok")
        flight, self._flight = self._flight, None
        if flight is not None:
            for follower in flight.landed(landing):
                follower.land(landing)
        if self.gone:
            return replace(record, status=499, code="client_gone", cache="miss")
        if landing.result == "stale":
            shown = landing.shown
            return replace(
                record, cache="stale", cache_age_s=landing.age_s, fallback="", mode=shown.mode, prompt=shown.prompt
            )
        return replace(record, cache="miss")

    # -- answers of our own

    def _stepped_aside(self, reason: str) -> Shown:
        """What is said of the mode when an old answer of it is told, because `reason` kept it from giving a new one."""
        asked, modes = self._as_asked.mode, self._cache.service.modes
        if asked is None or modes is None:
            return self._as_asked
        tried = None if self._exchange is None else self._exchange.shown.mode
        reason = reason if tried is None else tried.reason or reason
        shown = modes.served(ModeServed(asked.requested, asked.served, reason))
        return shown if self._ask.lead is None else self._ask.lead.shown(shown)

    def _answer(self, entry: Entry, result: CacheResult, age_s: float, shown: Shown) -> None:
        self._tell(entry, result, age_s, [], shown)
        self._record(200, "ok", entry.served_by, entry.quality, result, age_s, shown)

    def _tell(self, entry: Entry, result: CacheResult, age_s: float, attempts: list[Attempt], shown: Shown) -> None:
        identity, quality, ask = self._request_id, entry.quality, self._ask
        timing = f"total;dur={(monotonic() - self._started) * 1e3:.2f}"
        shown = shown.cached(result)
        lines = kept_lines(identity, entry.served_by, attempts, quality, timing, shown, age_s)
        extra = kept_extra(identity, attempts, quality, shown, age_s)
        caller = self._caller
        if self.gone:
            return
        if ask.stream:
            if self._exchange is None or not self._exchange.begun:
                caller.begin(lines)
            caller.write(events(entry.body, extra, ask.request.include_usage))
            caller.end()
        else:
            caller.answer(200, lines, b'%b,"roadworthy":%b}' % (entry.body[:-1], extra))

    def _refuse(self, error: RoadworthyError) -> None:
        identity, shown = self._request_id, self._as_asked
        self._caller.answer(
            error.spec.http_status, error_lines(error, identity, (), shown), error_body(error, identity, (), shown)
        )
        self._record(error.spec.http_status, error.code, "", "not-gated", "miss")

    def _record(
        self,
        status: int,
        code: str,
        label: str,
        quality: Quality,
        result: CacheResult,
        age_s: float | None = None,
        shown: Shown | None = None,
    ) -> None:
        self.done = True
        shown = shown or self._as_asked
        self._cache.deadlines.lift(self)
        flight, self._flight = self._flight, None
        if flight is not None:
            if flight.leader is self:
                flight.next_leader()
            else:
                flight.leave(self)
        spent_ms = (monotonic() - self._started) * 1e3
        self._cache.service.finished(
            Finished(
                self._request_id,
                self._wall,
                "chat",
                self._routed.name,
                self._key_id,
                self._ask.stream,
                status,
                code,
                label,
                (),
                spent_ms,
                spent_ms if self._ask.stream and code == "ok" else None,
                spent_ms,
                quality=quality,
                cache=result,
                cache_age_s=age_s,
                mode=shown.mode,
                cost_usd=0.0,
                prompt=shown.prompt,
            )
        )
