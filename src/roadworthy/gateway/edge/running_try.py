"""One target that is being asked for one request: its call, what it has said, and how it ends.

An exchange mostly has one such try at a time. While a hedge runs it has two, and neither knows of the other.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway.chain import Try
from roadworthy.gateway.cost import charged
from roadworthy.gateway.edge import gating
from roadworthy.gateway.edge.ask import Ask, ChatAsk
from roadworthy.gateway.edge.gated_relay import GatedRelay
from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.edge.relay import Relay
from roadworthy.gateway.edge.upstream import Call
from roadworthy.gateway.providers.contract import ProviderFailure, Usage
from roadworthy.gateway.quality.default import Rejection

if TYPE_CHECKING:
    from roadworthy.gateway.edge.exchange import Exchange

MAX_ERROR_BYTES = 65_536


class RunningTry:
    """The sink of one upstream call, or of two when the target is asked again. Create, then set `call`.

    Args:
        exchange: The request.
        ask: What is asked; the exchange's own, or a twin of it.
        step: Whom the chain chose.
        now: Monotonic seconds.

    Attributes:
        heard_at: When a stream that is held back brought its first useful piece.
        hedge: Whether it was sent beside a try that was already running.
        usage: Tokens as the provider counted them.
    """

    __slots__ = (
        "_said", "ask", "call", "exchange", "heard_at", "hedge", "rejection", "relay", "repair", "started", "step",
        "streamed", "usage",
    )  # fmt: skip

    def __init__(self, exchange: Exchange, ask: Ask, step: Try[UpstreamLink], now: float) -> None:
        self.exchange = exchange
        self.ask = ask
        self.step = step
        self.started = now
        self.streamed = ask.stream
        self.call: Call | None = None
        self.relay: Relay | None = None
        self.usage: Usage | None = None
        self.rejection: Rejection | None = None
        self.heard_at: float | None = None
        self.hedge = False
        self.repair = ""
        self._said = 0  # tokens of an answer that the provider did not count, by estimate

    @property
    def link(self) -> UpstreamLink:
        """The target that is being asked."""
        return self.step.link

    # -- Sink: what the upstream says

    def replied(self, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        """A whole answer."""
        exchange, ask, link = self.exchange, self.ask, self.step.link
        if status != 200:
            if status == 503 and link.upstream.embedded:  # it was started again and still loads
                exchange.service.embedded_lost(link.upstream)
            exchange.failed(self, link.upstream.provider.failure(status, headers, body[:MAX_ERROR_BYTES]))
            return
        try:
            reply = ask.read(link, body)
        except ProviderFailure as failure:
            exchange.failed(self, failure)
            return
        self.usage = reply.usage
        if reply.usage is None:
            self._said = len(reply.content or "") // 4
        rejection = ask.judge(reply, exchange.gate)
        if rejection is None:
            exchange.serve(self, reply)
        else:
            gating.rejected(self, reply, rejection)

    def began(self, headers: dict[bytes, bytes]) -> None:
        """A stream began: what follows is the relay's."""
        ask = self.ask
        assert isinstance(ask, ChatAsk)
        kind = headers.get(b"content-type", b"").lower()
        usable = kind.startswith(b"text/event-stream") and headers.get(b"content-encoding", b"identity") == b"identity"
        relay = Relay if self.exchange.gate is None and not ask.in_words else GatedRelay
        decoder = self.step.link.upstream.provider.chat_stream(ask.request)
        self.relay = relay(self, decoder if ask.cover is None else ask.cover.decoder(decoder), usable)

    def piece(self, data: bytes) -> None:
        """Bytes of the stream."""
        if self.relay is not None:
            self.relay.piece(data)

    def ended(self) -> None:
        """The stream's HTTP body is complete."""
        if self.relay is not None:
            self.relay.ended()

    def broke(self, reason: Reason, detail: str) -> None:
        """The connection failed, or time is up."""
        if self.exchange.done:  # the lingering end of a stream that was already served
            return
        link = self.step.link
        if link.upstream.embedded and reason in {Reason.CONNECT_FAILED, Reason.CONNECTION_CUT}:
            self.exchange.service.embedded_lost(link.upstream)
        if self.relay is not None:
            self.relay.broke(reason, detail)
        else:
            self.exchange.failed(self, ProviderFailure(reason, None, detail))

    def crashed(self, error: BaseException) -> None:
        """A bug of ours was caught at a door."""
        self.exchange.crashed(error)

    # -- what becomes of it

    def ask_again(self, ask: Ask, rejection: Rejection) -> None:
        """The same target is asked again within the same step of the chain; what it said counts as an attempt."""
        self.stop()
        exchange, step, now = self.exchange, self.step, monotonic()
        self.rejection = rejection
        exchange.note(self, rejection.reason, 200, ", ".join(rejection.issues))
        if exchange.hedge is not None:
            exchange.hedge.forgo(self)
        self.rejection, self.repair = None, "asked_again"
        self.started = now
        self.relay = self.usage = None
        self._said = 0
        timeout_s = min(step.timeout_s, exchange.chain.deadline - now)
        self.call = step.link.upstream.endpoint.call(ask.head(step.link), ask.body(step.link), self, timeout_s)

    def reject(self, failure: ProviderFailure, rejection: Rejection) -> None:
        """The answer did not pass, and its target is not asked again."""
        self.rejection = rejection
        self.fail(failure)

    def fail(self, failure: ProviderFailure) -> None:
        """It broke before anything was shown: end the call, the next target may serve."""
        self.stop()
        self.exchange.failed(self, failure)

    def stop(self) -> None:
        """End the upstream call, if one runs, without a report."""
        if self.call is not None:
            self.call.cancel()
            self.call = None

    def close(self, stopping: bool) -> None:
        """The request is over, or goes on without this try.

        Args:
            stopping: Whether the call ends too; what is left of a served stream's transfer may linger.
        """
        if self.relay is not None:
            self.relay.close()
            self.relay = None  # it refers to us, and would keep the request until some collection
        if stopping:
            self.stop()

    def rest(self, resting: bool) -> None:
        """The caller reads slowly, or has caught up."""
        if self.call is not None:
            if resting:
                self.call.pause()
            else:
                self.call.resume()
        if self.relay is not None:
            self.relay.rest(resting)

    # -- its place in the record

    @property
    def answering(self) -> bool:
        """Whether something useful of a stream has come, shown to the caller or still held back."""
        return self.heard_at is not None or (self.relay is not None and self.relay.committed)

    @property
    def said(self) -> int:
        """Tokens of its answer so far, by estimate; what the provider counted itself is in `usage`."""
        return self._said if self.relay is None else self.relay.said

    def attempt(
        self, reason: Reason, status: int | None, detail: str = "", said: int | None = None, unsent: bool = False
    ) -> Attempt:
        """As it would stand in the record if it ended now, with its price.

        Args:
            reason: How it ended.
            status: HTTP status of the provider, None when none came.
            detail: Masked text of the provider's error.
            said: Tokens of the answer by a better estimate than what was seen of it.
            unsent: Whether the request never left.
        """
        link, usage, relay = self.step.link, self.usage, self.relay
        if said is None:
            said = self._said if relay is None else relay.said
        size = 0 if usage is not None else self.ask.prompt_bytes
        charge = (0.0, False, 0) if unsent else charged(link.price, usage, reason, status, size, said)
        spent_ms = (monotonic() - self.started) * 1e3
        issues = None if self.rejection is None else self.rejection.issues or None
        return Attempt(
            link.provider_name, link.model, reason, spent_ms, status, detail, *charge, self.repair, issues, self.hedge
        )

    def lost(self, answer_tokens: int) -> Attempt:
        """As it stands in the record when another try of the same request was faster.

        A provider is taken to have stopped writing a stream when its connection was closed, and to have written a plain
        answer to its end: whether it stops is its own affair.

        Args:
            answer_tokens: Of the answer that was faster; what this one would have said, by estimate.
        """
        unsent = self.call is None or not self.call.sent
        return self.attempt(Reason.HEDGE_LOST, None, said=None if self.streamed else answer_tokens, unsent=unsent)

    def attempts_now(self) -> list[Attempt]:
        """Attempts of the request so far with this one as served."""
        return [*self.exchange.chain.attempts, self.attempt(Reason.SERVED, 200)]
