"""One request on its way through its chain: asks, judges, fails over, answers once, and leaves one record.

The chain decides (gateway/chain.py), this class acts: it owns the timers and whoever is being asked (`RunningTry`).
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from msgspec.json import encode
from msgspec.structs import replace

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.errors import GatewayError, RoadworthyError, StorageError
from roadworthy.gateway.chain import Chain, Try, Wait
from roadworthy.gateway.cost import total_usd
from roadworthy.gateway.edge.answer import (
    debug_hint,
    error_body,
    error_event,
    error_lines,
    fallback_reason,
    first_served,
    incomplete_event,
    served_lines,
    splice,
)
from roadworthy.gateway.edge.ask import Ask
from roadworthy.gateway.edge.caller import Caller
from roadworthy.gateway.edge.heartbeat import Heartbeat
from roadworthy.gateway.edge.hedging import Hedge
from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.edge.routing import Routed
from roadworthy.gateway.edge.running_try import RunningTry
from roadworthy.gateway.edge.shown import NOTHING_SHOWN
from roadworthy.gateway.edge.spent import crash_error, spent_error
from roadworthy.gateway.edge.upstream import door
from roadworthy.gateway.finished import Finished, Quality
from roadworthy.gateway.providers.contract import ProviderFailure, Reply, UnsupportedParameter, Usage
from roadworthy.gateway.quality.request import Rejected, without_words

if TYPE_CHECKING:
    from roadworthy.gateway.edge.reserve import Hold
    from roadworthy.gateway.edge.service import Service
    from roadworthy.gateway.edge.turn import Turn
    from roadworthy.gateway.edge.visit import Visit
    from roadworthy.gateway.quality.gate import Gate

MAX_DETAIL_CHARS = 200


class Exchange:
    """One request. Create, then `start`; `cancel` when the caller hung up.

    Args:
        service: What all requests of this process share.
        ask: The checked request.
        routed: Its chain.
        caller: Who gets the answer.
        request_id: As in `x-request-id`.
        key_id: Public id of the caller's key.
    """

    # What only some requests need is a default of the class: setting it on each would be work for nothing.
    done = False
    first_token_at: float | None = None
    usage: Usage | None = None
    visit: Visit | None = None
    running: RunningTry | None = None  # who is being asked; beside it `hedge` may have another
    hedge: Hedge | None = None  # only on routes that ask a second target beside a slow one
    _timer: asyncio.TimerHandle | None = None
    turn: Turn | None = None  # the request's way along the modes, when it asked for one
    shown = NOTHING_SHOWN
    begun = False  # the header of a stream has left
    beat: Heartbeat | None = None
    hold: Hold | None = None  # what the key's limits have reserved for it
    rejected: Rejected | None = None  # the last answer that did not pass, where the request wants to see it
    _callers_fault: GatewayError | None = None
    _lost_ms = 0.0  # spent in attempts and waits, not in our own code

    def __init__(
        self, service: Service, ask: Ask, routed: Routed, caller: Caller, request_id: str, key_id: str
    ) -> None:
        self.service = service
        self.ask = ask
        self.routed = routed
        self.caller = caller
        self.request_id = request_id
        self.key_id = key_id
        self.wall = time()
        self.started = now = monotonic()
        route = routed.route
        self.chain: Chain[UpstreamLink] = Chain(
            routed.links, now + route.deadline_s, route.try_timeout_s, service.settings.retry, service.jitter
        )

    @property
    def gate(self) -> Gate | None:
        """What an answer must pass besides the default rules: the rules of who serves now, and the request's."""
        own = self.ask.own
        return self.routed.gate if own is None else own.beside(self.routed.gate)

    # -- driving the chain

    def start(self) -> None:
        """Ask the first target, as soon as the key's limits let it pass."""
        hold, allowances = self.hold, self.service.allowances
        if hold is None or allowances is None or allowances.start(hold, self._reserved):
            self._depart()
        elif not self.done:
            left = max(0.0, self.chain.deadline - monotonic())
            self._timer = self.service.loop.call_later(left, door, self, self._unreserved)

    def _unreserved(self) -> None:
        self._refuse(
            StorageError(
                "The key's limits could not be looked up in time.",
                "The store of the budgets did not answer before the request's deadline.",
            )
        )

    def _reserved(self, error: RoadworthyError | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        door(self, self._depart if error is None else partial(self._refuse, error))

    def _depart(self) -> None:
        if self.routed.mode is not None and self.service.modes is not None:
            self.service.modes.enter(self, monotonic())  # it may have waited since it arrived
        if self.ask.stream and (gate := self.gate) is not None:
            self.beat = Heartbeat(self, gate.rules.heartbeat_s)
        self._advance()

    def cancel(self) -> None:
        """The caller hung up: stop everything, no verdict on the target."""
        if self.done:
            return
        for run in self._runs():
            self.note(run, Reason.CLIENT_GONE)
            self.chain.abandoned(run.step, monotonic())
        self._close(499, "client_gone", "", "not-gated")

    def _advance(self) -> None:
        self._timer = None
        while not self.done:
            now = monotonic()
            step = self.chain.next(now)
            if isinstance(step, Try):
                if self._try(step, now):
                    return
            elif isinstance(step, Wait):
                self._lost_ms += step.seconds * 1e3
                self._timer = self.service.loop.call_later(step.seconds, door, self, self._advance)
                return
            elif self.turn is None or not self.turn.step_down(self, now):
                self._refuse(spent_error(step, self.chain.attempts, self.service.settings.profile))
                return

    def _try(self, step: Try[UpstreamLink], now: float) -> bool:
        link = step.link
        self.running = run = RunningTry(self, self.ask, step, now)
        try:
            head, body = self.ask.head(link), self.ask.body(link)
        except UnsupportedParameter as error:
            self.running = None
            self.chain.unsupported(step, error.param, now)
            return False
        run.call = link.upstream.endpoint.call(head, body, run, step.timeout_s)
        if self.routed.hedging is not None:
            self.hedge = self.hedge or Hedge(self)
            self.hedge.watch(run, self.routed.hedging, now)
        return True

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught at a door: the caller is told, and no target is blamed."""
        failure = crash_error(self.ask, *(run.ask for run in self._runs()))
        where = "masking" if failure.code == "masking_failed" else "exchange"
        self.service.crashed(where, error, self.request_id)
        if self.done:
            return
        for run in self._runs():
            self.chain.abandoned(run.step, monotonic())
        shown = self.begun
        self._close(200 if shown else failure.spec.http_status, failure.code, "", "failed" if shown else "not-gated")
        if shown:
            attempts = self.chain.attempts
            self.caller.write(incomplete_event(Reason.STREAM_CUT, attempts, self.request_id, failure, self.shown))
            self.caller.cut()
        else:
            self.caller.answer(
                failure.spec.http_status, error_lines(failure, self.request_id), error_body(failure, self.request_id)
            )

    def pause(self) -> None:
        """The caller reads slowly."""
        for run in self._runs():
            run.rest(True)

    def resume(self) -> None:
        """The caller has caught up."""
        for run in self._runs():
            run.rest(False)

    def _runs(self) -> list[RunningTry]:
        """Everybody who is being asked now."""
        both = (self.running, None if self.hedge is None else self.hedge.run)
        return [run for run in both if run is not None]

    # -- ends of one try

    def failed(self, run: RunningTry, failure: ProviderFailure) -> None:
        """A try gave nothing that may be served: the chain goes on, unless another try still runs."""
        step, now = run.step, monotonic()
        detail = self.service.redact(failure.detail)[:MAX_DETAIL_CHARS]
        self.note(run, failure.reason, failure.status, detail)
        run.call = run.relay = None
        # What we added to the request may be what the provider rejects: that is no fault of the caller.
        mended = run.repair != "" and failure.reason is Reason.BAD_REQUEST
        self.chain.failed(step, Reason.QUALITY_FAILED if mended else failure.reason, now, failure.retry_after_s)
        self.service.attempt_failed(step.link, failure, detail, self.request_id)
        if self.chain.callers_fault and self._callers_fault is None:
            rejected = f"The provider {step.link.provider_name} rejected the request."
            self._callers_fault = GatewayError(rejected, detail, code="provider_rejected_request")
        if self.hedge is not None and self.hedge.outlasts(run, failure.reason, now):
            return
        self.running = None
        if self._callers_fault is not None:
            self._refuse(self._callers_fault)
            return
        self._advance()

    def note(self, run: RunningTry, reason: Reason, status: int | None = None, detail: str = "") -> Attempt:
        """A try ended so."""
        attempt = run.attempt(reason, status, detail)
        self.usage = run.usage
        self._lost_ms += attempt.latency_ms if self.hedge is None else self.hedge.passed_ms()
        self.chain.attempts.append(attempt)
        return attempt

    def outrun(self, run: RunningTry, attempt: Attempt) -> None:
        """A try has lost against another one that runs beside it."""
        assert self.hedge is not None
        self._lost_ms += self.hedge.passed_ms()
        self.chain.attempts.append(attempt)
        self.chain.abandoned(run.step, monotonic())
        run.close(stopping=True)

    # -- ends of the request

    def serve(self, run: RunningTry, reply: Reply) -> None:
        """The answer passed."""
        now, step = monotonic(), run.step
        self.tell_masked(run)
        if self.hedge is not None:
            self.hedge.won(run, now)
        link, gate = step.link, self.gate
        attempts = self.chain.attempts
        attempt = self.note(run, Reason.SERVED, 200)
        self.chain.served(step, now)
        gated = self.ask.judged and (gate is None or not reply.has_payload)
        quality: Quality = "passed" if gated else "not-gated"
        body = reply.body if reply.model else b'{"model":%b,%b' % (encode(link.model), reply.body[1:])
        total_ms = (now - self.started) * 1e3
        if self.visit is not None:
            self.visit.served(body, link.label, quality)
        if len(attempts) == 1 and not run.repair:
            lines, body = first_served(link.ready_made, body, self.request_id, quality, total_ms, attempt, self.shown)
        else:
            lines = served_lines(self.request_id, link.label, attempts, quality, self.timing(), self.shown)
            body = splice(body, attempts, quality, self.request_id, self.shown)
        self.caller.answer(200, lines, body)
        self._close(200, "ok", link.label, quality)

    def commit(self, run: RunningTry) -> None:
        """A stream shows its first useful piece: from here on there is no way back."""
        assert run.call is not None
        run.call.stop_timer()
        self.first_token_at = now = monotonic()
        if self.hedge is not None:
            self.hedge.won(run, now)
        if self.turn is not None:
            self.turn.answered(now)
        link = run.step.link
        if link.breaker.state == "half_open":  # a long stream must not keep the others waiting
            self.chain.served(run.step, now)
        if not self.begun:
            self.begun = True
            so_far = (now - run.started) * 1e3
            served = Attempt(link.provider_name, link.model, Reason.SERVED, so_far, 200, hedge=run.hedge)
            attempts, quality = [*self.chain.attempts, served], _quality(run)
            self.caller.begin(served_lines(self.request_id, link.label, attempts, quality, self.timing(), self.shown))

    def tell_masked(self, run: RunningTry) -> None:
        """From now on answers say what was masked."""
        if run.ask.cover is not None:
            self.shown = run.ask.cover.shown(self.shown)

    def stream_served(self, run: RunningTry) -> None:
        """The stream is complete."""
        self.chain.served(run.step, monotonic())
        self.note(run, Reason.SERVED, 200)
        self.caller.end()
        self._close(200, "ok", run.link.label, _quality(run))

    def stream_incomplete(self, run: RunningTry, failure: ProviderFailure) -> GatewayError:
        """The stream broke after its commit point. Records it; the relay writes the event and cuts."""
        step, now = run.step, monotonic()
        detail = self.service.redact(failure.detail)[:MAX_DETAIL_CHARS]
        self.note(run, failure.reason, 200, detail)
        self.chain.failed(step, failure.reason, now, failure.retry_after_s)
        self.service.attempt_failed(step.link, failure, detail, self.request_id)
        return GatewayError(
            "The stream broke after text had been sent.",
            f"{step.link.label}: {failure.reason}",
            code="stream_incomplete",
        )

    def close_incomplete(self, run: RunningTry) -> None:
        """The caller has been told that the stream is incomplete."""
        self._close(200, "stream_incomplete", run.link.label, "failed")

    def _refuse(self, error: RoadworthyError) -> None:
        attempts = self.chain.attempts
        if error.code == "stub_in_production_forbidden":
            self.service.stub_blocked(self.request_id, debug_hint(attempts))
        if self.visit is not None and (rescue := self.visit.rescued(error, attempts)) is not None:
            if self.turn is not None:
                self.turn.ended(self, error.code, monotonic())  # an old answer is no success of the mode
            self._close(200, "ok", *rescue)
            return
        failed = error.code in {"stub_in_production_forbidden", "runtime_quality_failed"}
        more = self._told_besides(error)
        if self.begun:  # a comment of the heartbeat was sent: the status has left
            self.caller.write(error_event(error, self.request_id, attempts, self.shown, **more))
            self.caller.cut()
            self._close(200, error.code, "", "failed" if failed else "not-gated")
            return
        self.caller.answer(
            error.spec.http_status,
            error_lines(error, self.request_id, attempts, self.shown),
            error_body(error, self.request_id, attempts, self.shown, **more),
        )
        self._close(error.spec.http_status, error.code, "", "failed" if failed else "not-gated")

    def _told_besides(self, error: RoadworthyError) -> dict[str, Any]:
        own = self.ask.own
        if own is None or not own.keep_rejected or error.code != "runtime_quality_failed":
            return {}
        return {"rejected": None if self.rejected is None else self.rejected._asdict()}

    def timing(self) -> str:
        """Value of the `server-timing` header so far, milliseconds."""
        total = (monotonic() - self.started) * 1e3
        upstream = self._lost_ms
        if not upstream and self.running is not None:
            upstream = (monotonic() - self.running.started) * 1e3
        return f"total;dur={total:.2f}, upstream;dur={upstream:.2f}"

    def _close(self, status: int, code: str, label: str, quality: Quality) -> None:
        self.done = True
        run, self.running = self.running, None
        if run is not None and (run.relay is not None or code != "ok"):
            run.close(stopping=code != "ok")
        if self._timer is not None:
            self._timer.cancel()
        if self.beat is not None:
            self.beat.stop()
        ended = monotonic()
        total_ms = (ended - self.started) * 1e3
        if self.turn is not None:
            self.turn.ended(self, code, ended)
        hedge, covered = self.hedge, self.chain.attempts
        if hedge is not None:
            covered, self.hedge = hedge.close(ended), None
        if self.hold is not None and self.service.allowances is not None:
            self.service.allowances.settle(self.hold, covered)
        attempts, usage, first = self.chain.attempts, self.usage, self.first_token_at
        recorded = tuple(attempts) if self.ask.own is None else without_words(attempts)
        record = Finished(
            self.request_id,
            self.wall,
            self.ask.endpoint,
            self.routed.name,
            self.key_id,
            self.ask.stream,
            status,
            code,
            label,
            recorded,
            total_ms,
            None if first is None else (first - self.started) * 1e3,
            max(0.0, total_ms - self._lost_ms),
            None if usage is None else usage.prompt_tokens,
            None if usage is None else usage.completion_tokens,
            "" if code != "ok" or len(attempts) == 1 else fallback_reason(attempts),
            quality,
            mode=self.shown.mode,
            cost_usd=total_usd(attempts),
            prompt=self.shown.prompt,
            masked=self.shown.hidden,
        )
        if hedge is not None:
            record = replace(record, hedge=hedge.result)
        visit = self.visit
        if visit is not None:
            self.visit, record = None, visit.closed(record)
        self.service.finished(record)


def _quality(run: RunningTry) -> Quality:
    """What is known of a stream's quality when its first piece leaves."""
    return "not-gated" if run.relay is None else run.relay.quality
