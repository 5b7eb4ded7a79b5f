"""One request on its way through its chain: asks, judges, fails over, answers once, and leaves one record.

The chain decides (gateway/chain.py), this class acts: it owns the timers and the upstream call. A stream is handed to
a `Relay` from its first byte on.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING

from msgspec.json import encode

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.errors import GatewayError, RoadworthyError, StorageError, UnexpectedError
from roadworthy.gateway.chain import Chain, Spent, Try, Wait
from roadworthy.gateway.cost import charged, total_usd
from roadworthy.gateway.edge import gating
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
from roadworthy.gateway.edge.ask import Ask, ChatAsk
from roadworthy.gateway.edge.caller import Caller
from roadworthy.gateway.edge.gated_relay import GatedRelay
from roadworthy.gateway.edge.heartbeat import Heartbeat
from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.edge.relay import Relay
from roadworthy.gateway.edge.routing import Routed
from roadworthy.gateway.edge.shown import NOTHING_SHOWN
from roadworthy.gateway.edge.spent import spent_error
from roadworthy.gateway.edge.upstream import Call, door
from roadworthy.gateway.finished import Finished, Quality
from roadworthy.gateway.providers.contract import ProviderFailure, Reply, UnsupportedParameter, Usage
from roadworthy.gateway.quality.default import Rejection

if TYPE_CHECKING:
    from roadworthy.gateway.edge.reserve import Hold
    from roadworthy.gateway.edge.service import Service
    from roadworthy.gateway.edge.turn import Turn
    from roadworthy.gateway.edge.visit import Visit

MAX_ERROR_BYTES = 65_536
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
    _call: Call | None = None
    _relay: Relay | None = None
    _timer: asyncio.TimerHandle | None = None
    turn: Turn | None = None  # the request's way along the modes, when it asked for one
    shown = NOTHING_SHOWN
    begun = False  # the header of a stream has left
    repair = ""
    rejection: Rejection | None = None
    beat: Heartbeat | None = None
    hold: Hold | None = None  # what the key's limits have reserved for it
    _said = 0  # tokens of an answer that the provider did not count, by estimate
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
        self.streamed = ask.stream
        self.wall = time()
        self.started = now = monotonic()
        route = routed.route
        self.chain: Chain[UpstreamLink] = Chain(
            routed.links, now + route.deadline_s, route.try_timeout_s, service.settings.retry, service.jitter
        )
        self._tried_at = now
        self._step: Try[UpstreamLink] | None = None

    # -- driving the chain

    def start(self) -> None:
        """Ask the first target, as soon as the key's limits let it pass."""
        hold, allowances = self.hold, self.service.allowances
        if hold is None or allowances is None or allowances.start(hold, self._reserved):
            self._depart(self._tried_at)
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
        door(self, partial(self._depart, monotonic()) if error is None else partial(self._refuse, error))

    def _depart(self, now: float) -> None:
        if self.routed.mode is not None and self.service.modes is not None:
            self.service.modes.enter(self, now)
        if self.streamed and self.routed.gate is not None:
            self.beat = Heartbeat(self, self.routed.gate.rules.heartbeat_s)
        self._advance()

    def cancel(self) -> None:
        """The caller hung up: stop everything, no verdict on the target."""
        if self.done:
            return
        if self._step is not None:
            self._note(Reason.CLIENT_GONE)
            self.chain.abandoned(self._step, monotonic())
        self._close(499, "client_gone", "", "not-gated")

    def _advance(self) -> None:
        self._timer = None
        while not self.done:
            now = monotonic()
            step = self.chain.next(now)
            if isinstance(step, Wait):
                self._lost_ms += step.seconds * 1e3
                self._timer = self.service.loop.call_later(step.seconds, door, self, self._advance)
                return
            if isinstance(step, Spent):
                if self.turn is not None and self.turn.step_down(self, now):
                    continue
                self._refuse(spent_error(step, self.chain.attempts, self.service.settings.profile))
                return
            if self._try(step, now):
                return

    def _try(self, step: Try[UpstreamLink], now: float) -> bool:
        link = step.link
        self._step = step
        try:
            head, body = self.ask.head(link), self.ask.body(link)
        except UnsupportedParameter as error:
            self._step = None
            self.chain.unsupported(step, error.param, now)
            return False
        self._tried_at = now
        self._relay = self.usage = None
        self._call = link.upstream.endpoint.call(head, body, self, step.timeout_s)
        return True

    # -- Sink: what the upstream says

    def replied(self, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        """A whole answer."""
        assert self._step is not None
        link = self._step.link
        if status != 200:
            if status == 503 and link.upstream.embedded:  # it was started again and still loads
                self.service.embedded_lost(link.upstream)
            self._failed(link.upstream.provider.failure(status, headers, body[:MAX_ERROR_BYTES]))
            return
        try:
            reply = self.ask.read(link, body)
        except ProviderFailure as failure:
            self._failed(failure)
            return
        self.usage = reply.usage
        if reply.usage is None:
            self._said = len(reply.content or "") // 4
        rejection = self.ask.judge(reply, self.routed.gate)
        if rejection is None:
            self.serve(reply)
        else:
            gating.rejected(self, reply, rejection)

    def began(self, headers: dict[bytes, bytes]) -> None:
        """A stream began: what follows is the relay's."""
        assert self._step is not None
        assert isinstance(self.ask, ChatAsk)
        kind = headers.get(b"content-type", b"").lower()
        usable = kind.startswith(b"text/event-stream") and headers.get(b"content-encoding", b"identity") == b"identity"
        relay = Relay if self.routed.gate is None and not self.ask.in_words else GatedRelay
        self._relay = relay(self, self._step.link.upstream.provider.chat_stream(self.ask.request), usable)

    def piece(self, data: bytes) -> None:
        """Bytes of the stream."""
        if self._relay is not None:
            self._relay.piece(data)

    def ended(self) -> None:
        """The stream's HTTP body is complete."""
        if self._relay is not None:
            self._relay.ended()

    def broke(self, reason: Reason, detail: str) -> None:
        """The connection failed, or time is up."""
        if self.done:  # the lingering end of a stream that was already served
            return
        assert self._step is not None
        link = self._step.link
        if link.upstream.embedded and reason in {Reason.CONNECT_FAILED, Reason.CONNECTION_CUT}:
            self.service.embedded_lost(link.upstream)
        if self._relay is not None:
            self._relay.broke(reason, detail)
        else:
            self._failed(ProviderFailure(reason, None, detail))

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught at a door: the caller is told, and no target is blamed."""
        self.service.crashed("exchange", error, self.request_id)
        if self.done:
            return
        failure = UnexpectedError("The gateway failed to handle this request.")
        if self._step is not None:
            self.chain.abandoned(self._step, monotonic())
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
        if self._call is not None:
            self._call.pause()
        if self._relay is not None:
            self._relay.rest(True)

    def resume(self) -> None:
        """The caller has caught up."""
        if self._call is not None:
            self._call.resume()
        if self._relay is not None:
            self._relay.rest(False)

    def ask_again(self, ask: Ask, rejection: Rejection) -> None:
        """The same target is asked again within the same step of the chain; what it said counts as an attempt."""
        assert self._step is not None
        self.stop_call()
        step, now = self._step, monotonic()
        self.rejection = rejection
        self._note(rejection.reason, 200, ", ".join(rejection.issues))
        self.rejection, self.repair = None, "asked_again"
        self._tried_at = now
        self._relay = self.usage = None
        self._said = 0
        timeout_s = min(step.timeout_s, self.chain.deadline - now)
        self._call = step.link.upstream.endpoint.call(ask.head(step.link), ask.body(step.link), self, timeout_s)

    # -- ends of one try

    def reject(self, failure: ProviderFailure, rejection: Rejection) -> None:
        """The answer did not pass, and its target is not asked again."""
        self.rejection = rejection
        self.stream_failed(failure)

    def stream_failed(self, failure: ProviderFailure) -> None:
        """The stream broke before its commit point: nothing was shown, the next target may serve."""
        self.stop_call()
        self._failed(failure)

    def stop_call(self) -> None:
        """End the upstream call, if one runs."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    @property
    def call(self) -> Call | None:
        """The running upstream call."""
        return self._call

    @property
    def link(self) -> UpstreamLink:
        """The target that is being asked."""
        assert self._step is not None
        return self._step.link

    def _failed(self, failure: ProviderFailure) -> None:
        assert self._step is not None
        step, now = self._step, monotonic()
        detail = self.service.redact(failure.detail)[:MAX_DETAIL_CHARS]
        self._note(failure.reason, failure.status, detail)
        self._call = self._relay = self._step = None
        self._said = 0
        # What we added to the request may be what the provider rejects: that is no fault of the caller.
        mended = self.repair != "" and failure.reason is Reason.BAD_REQUEST
        self.repair, self.rejection = "", None
        self.chain.failed(step, Reason.QUALITY_FAILED if mended else failure.reason, now, failure.retry_after_s)
        self.service.attempt_failed(step.link, failure, detail, self.request_id)
        if self.chain.callers_fault:
            self._refuse(
                GatewayError(
                    f"The provider {step.link.provider_name} rejected the request.",
                    detail,
                    code="provider_rejected_request",
                )
            )
            return
        self._advance()

    def _note(self, reason: Reason, status: int | None = None, detail: str = "") -> Attempt:
        attempt = self._attempt(reason, status, detail)
        self._lost_ms += attempt.latency_ms
        self.chain.attempts.append(attempt)
        return attempt

    def _attempt(self, reason: Reason, status: int | None, detail: str = "") -> Attempt:
        """The running try as it would stand in the record, with its price."""
        link, usage = self.link, self.usage
        said = self._said if self._relay is None else self._relay.said
        charge = charged(link.price, usage, reason, status, 0 if usage is not None else self.ask.prompt_bytes, said)
        spent_ms = (monotonic() - self._tried_at) * 1e3
        issues = None if self.rejection is None else self.rejection.issues or None
        return Attempt(link.provider_name, link.model, reason, spent_ms, status, detail, *charge, self.repair, issues)

    # -- ends of the request

    def serve(self, reply: Reply) -> None:
        """The answer passed."""
        step, now = self._step, monotonic()
        assert step is not None
        link, gate = step.link, self.routed.gate
        self._call = None
        attempts = self.chain.attempts
        attempt = self._note(Reason.SERVED, 200)
        self.chain.served(step, now)
        gated = self.ask.judged and (gate is None or not reply.has_payload)
        quality: Quality = "passed" if gated else "not-gated"
        body = reply.body if reply.model else b'{"model":%b,%b' % (encode(link.model), reply.body[1:])
        total_ms = (now - self.started) * 1e3
        if self.visit is not None:
            self.visit.served(body, link.label, quality)
        if len(attempts) == 1 and not self.repair:
            lines, body = first_served(link.ready_made, body, self.request_id, quality, total_ms, attempt, self.shown)
        else:
            lines = served_lines(self.request_id, link.label, attempts, quality, self.timing(), self.shown)
            body = splice(body, attempts, quality, self.request_id, self.shown)
        self.caller.answer(200, lines, body)
        self._close(200, "ok", link.label, quality)

    def commit(self) -> None:
        """The stream shows its first useful piece: from here on there is no way back."""
        assert self._step is not None
        assert self._call is not None
        self._call.stop_timer()
        self.first_token_at = monotonic()
        if self.turn is not None:
            self.turn.answered(self.first_token_at)
        if self._step.link.breaker.state == "half_open":  # a long stream must not keep the others waiting
            self.chain.served(self._step, monotonic())
        if not self.begun:
            self.begun = True
            link, so_far = self.link, (self.first_token_at - self._tried_at) * 1e3
            attempts = [*self.chain.attempts, Attempt(link.provider_name, link.model, Reason.SERVED, so_far, 200)]
            lines = served_lines(self.request_id, link.label, attempts, self.stream_quality, self.timing(), self.shown)
            self.caller.begin(lines)

    def attempts_now(self) -> list[Attempt]:
        """Attempts so far with the running one as served."""
        return [*self.chain.attempts, self._attempt(Reason.SERVED, 200)]

    @property
    def stream_quality(self) -> Quality:
        """What is known of a stream's quality when its first piece leaves."""
        return "not-gated" if self._relay is None else self._relay.quality

    def stream_served(self) -> None:
        """The stream is complete."""
        assert self._step is not None
        self.chain.served(self._step, monotonic())
        self._note(Reason.SERVED, 200)
        self.caller.end()
        self._close(200, "ok", self.link.label, self.stream_quality)

    def stream_incomplete(self, failure: ProviderFailure) -> GatewayError:
        """The stream broke after its commit point. Records it; the relay writes the event and cuts."""
        assert self._step is not None
        step, now = self._step, monotonic()
        detail = self.service.redact(failure.detail)[:MAX_DETAIL_CHARS]
        self._note(failure.reason, 200, detail)
        self.chain.failed(step, failure.reason, now, failure.retry_after_s)
        self.service.attempt_failed(step.link, failure, detail, self.request_id)
        return GatewayError(
            "The stream broke after text had been sent.",
            f"{step.link.label}: {failure.reason}",
            code="stream_incomplete",
        )

    def close_incomplete(self) -> None:
        """The caller has been told that the stream is incomplete."""
        self._close(200, "stream_incomplete", self.link.label, "failed")

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
        if self.begun:  # a comment of the heartbeat was sent: the status has left
            self.caller.write(error_event(error, self.request_id, attempts, self.shown))
            self.caller.cut()
            self._close(200, error.code, "", "failed" if failed else "not-gated")
            return
        self.caller.answer(
            error.spec.http_status,
            error_lines(error, self.request_id, attempts, self.shown),
            error_body(error, self.request_id, attempts, self.shown),
        )
        self._close(error.spec.http_status, error.code, "", "failed" if failed else "not-gated")

    def timing(self) -> str:
        """Value of the `server-timing` header so far, milliseconds."""
        total = (monotonic() - self.started) * 1e3
        upstream = self._lost_ms or (monotonic() - self._tried_at) * 1e3
        return f"total;dur={total:.2f}, upstream;dur={upstream:.2f}"

    def _close(self, status: int, code: str, label: str, quality: Quality) -> None:
        self.done = True
        self._step = None
        if self._timer is not None:
            self._timer.cancel()
        if self.beat is not None:
            self.beat.stop()
        if self._relay is not None:
            self._relay.close()
            self._relay = None  # it refers to us, and would keep the request until some collection
        if code != "ok":
            self.stop_call()
        ended = monotonic()
        total_ms = (ended - self.started) * 1e3
        if self.turn is not None:
            self.turn.ended(self, code, ended)
        if self.hold is not None and self.service.allowances is not None:
            self.service.allowances.settle(self.hold, self.chain.attempts)
        attempts, usage, first = self.chain.attempts, self.usage, self.first_token_at
        self._finish(
            Finished(
                self.request_id,
                self.wall,
                self.ask.endpoint,
                self.routed.name,
                self.key_id,
                self.streamed,
                status,
                code,
                label,
                tuple(attempts),
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
            )
        )

    def _finish(self, record: Finished) -> None:
        visit, self.visit = self.visit, None
        self.service.finished(record if visit is None else visit.closed(record))
