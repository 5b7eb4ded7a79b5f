"""A provider in virtual time: it takes the gateway's real request bytes and answers, or fails, as its faults say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from operator import methodcaller
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.edge.upstream import Sink
from roadworthy.gateway.simulation.answer import Answers
from roadworthy.gateway.simulation.feature import MAX_TOKENS
from roadworthy.gateway.simulation.schedule import GATED_KINDS, Fault

if TYPE_CHECKING:
    from roadworthy.gateway.edge.running_try import RunningTry

Verdict = bool | None
"""What a call says about the health of its provider: well, ill, or nothing."""
EVENT_STREAM = {b"content-type": b"text/event-stream"}
JSON = {b"content-type": b"application/json"}
EMPTY_TEXTS = {"empty": "", "blank": " \n ", "stub": "[placeholder]"}
STREAMED = frozenset({None, "slow", "cut", "stall", "empty", "stub", *GATED_KINDS})
"""What shows in a stream; every other trouble answers it as a whole."""
_CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
PIECES = 4
UNAUTHORIZED_PAUSE = -1.0
"""Instead of seconds: as long as an open breaker pauses."""
FAULTY = "faulty"
"""Word in a question that makes every provider refuse the request as the caller's mistake."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Watch(Protocol):
    """Follows one call from outside, to know what the gateway must make of it."""

    def committed(self) -> None:
        """The caller has seen a part of the stream."""
        ...

    def ended(self, verdict: Verdict, benched_s: float = 0.0) -> None:
        """The call is over; the gateway is about to be told, unless it ended the call itself.

        Args:
            verdict: What the end says about the provider.
            benched_s: For so long the provider asks to be left alone.
        """
        ...

    def judged(self, verdict: Verdict) -> None:
        """The gateway was told of an answer that its gate rejects: over, unless it asks the same target again."""
        ...

    def cancelled(self) -> None:
        """The gateway ended the call itself: its caller is gone, another was faster, or what it saw was enough."""
        ...

    def over(self) -> None:
        """Nothing more will come of this call, whatever it comes to."""
        ...

    def speaking(self, now: bool) -> None:
        """The gateway hears something of this call, or has heard it."""
        ...

    def told(self) -> None:
        """The gateway has been told, and has drawn its conclusions."""
        ...


class Rejected(NamedTuple):
    """Verdict on an answer that the gate rejects, if the gateway does not ask again."""

    verdict: Verdict


class Asked(NamedTuple):
    """A request as its provider reads it.

    Attributes:
        body: The JSON object.
        question: The user's first words.
        system: The system prompt, empty without one.
        again: Whether it tells what was wrong with the answer before.
    """

    body: dict[str, Any]
    question: str
    system: str
    again: bool

    @property
    def wants_json(self) -> bool:
        """Whether JSON is asked for."""
        return "response_format" in self.body


def read_request(body: bytes) -> Asked:
    """Take the gateway's request apart."""
    whole = _decode(body)
    messages = whole["messages"]
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    first = 1 if system else 0
    return Asked(whole, messages[first]["content"], system, len(messages) > first + 1)


class SimulatedCall:
    """One call on its way, with what a try uses of `edge.upstream.Call`."""

    sent = True

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: Sink, timeout_s: float, watch: Watch) -> None:
        self._loop = loop
        self._sink: Sink | None = sink
        self._watch = watch
        self._timers: list[asyncio.TimerHandle] = []
        self._limit: asyncio.TimerHandle | None = loop.call_later(timeout_s, self._timed_out)

    # -- for the exchange

    def cancel(self) -> None:
        """End without a report."""
        if self._sink is not None:
            self._close()
            self._watch.cancelled()

    def stop_timer(self) -> None:
        """Lift the time limit: the stream is committed, which is a success as far as a probe goes."""
        self._watch.committed()
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def linger(self, seconds: float) -> None:
        """The answer's content is complete: the transfer's end is nobody's business any more."""
        self._close()

    def pause(self) -> None:
        """Nobody reads slowly here."""

    def resume(self) -> None:
        """Nobody reads slowly here."""

    # -- for the provider

    def later(self, delay_s: float, step: Callable[[], None]) -> None:
        """Do a step unless the call has ended by then."""
        self._timers.append(self._loop.call_later(delay_s, step))

    def reply(
        self, status: int, headers: dict[bytes, bytes], body: bytes, verdict: Verdict | Rejected, benched_s: float = 0.0
    ) -> None:
        """The whole answer."""
        self._report(lambda sink: sink.replied(status, headers, body), verdict, benched_s)

    def broke(self, reason: Reason, detail: str, verdict: Verdict = False) -> None:
        """The connection failed."""
        self._report(lambda sink: sink.broke(reason, detail), verdict)

    def stream(self, step: Callable[[Sink], None]) -> None:
        """A part of a streamed answer."""
        if self._sink is not None:
            self._watch.speaking(True)
            step(self._sink)
            self._watch.speaking(False)

    def done(self, step: Callable[[Sink], None], verdict: Verdict | Rejected) -> None:
        """The last part of a streamed answer."""
        self._report(step, verdict)

    def _report(self, step: Callable[[Sink], None], verdict: Verdict | Rejected, benched_s: float = 0.0) -> None:
        sink = self._sink
        if sink is None:
            return
        self._close()
        if not isinstance(verdict, Rejected):
            self._watch.ended(verdict, benched_s)
        self._watch.speaking(True)
        step(sink)
        self._watch.speaking(False)
        if isinstance(verdict, Rejected):
            self._watch.judged(verdict.verdict)
        self._watch.told()

    def _timed_out(self) -> None:
        self.broke(Reason.TIMEOUT, "no answer in time")

    def _close(self) -> None:
        if self._sink is not None:
            self._watch.over()
        self._sink = None
        if self._limit is not None:
            self._limit.cancel()
        for timer in self._timers:
            timer.cancel()


class SimulatedEndpoint:
    """Stands where `edge.upstream.Endpoint` stands.

    Args:
        loop: Virtual time.
        rng: Source of latencies and of who is hit.
        faults: Of this provider.
        started_at: Virtual second in which the schedule began.
        latency_s: Mean time of a healthy answer.
        gated: Whether routes have rules.
        answers: Where answers are made.
        admitted: Told of each call when it starts; gives who follows it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        rng: Random,
        faults: Sequence[Fault],
        started_at: float,
        latency_s: float,
        gated: bool,
        answers: Answers,
        admitted: Callable[[str, Asked], Watch],
    ) -> None:
        self.loop = loop
        self._rng = rng
        self._faults = faults
        self._started_at = started_at
        self._latency_s = latency_s
        self._gated = gated
        self._answers = answers
        self._admitted = admitted

    def head(self, path: str) -> bytes:
        """Nothing reads it."""
        return path.encode()

    def call(self, head: bytes, body: bytes, sink: Sink, timeout_s: float) -> SimulatedCall:
        """Take a request."""
        asked = read_request(body)
        identity = cast("RunningTry", sink).exchange.request_id
        call = SimulatedCall(self.loop, sink, timeout_s, self._admitted(identity, asked))
        latency_s = self._latency_s * self._rng.uniform(0.5, 1.5)
        kind, strength = self._trouble()
        if kind == "slow":
            latency_s += strength
        if kind == "hang":
            return call
        if kind == "refuse":
            call.later(0.001, lambda: call.broke(Reason.CONNECT_FAILED, "refused"))
        elif FAULTY in asked.question:
            call.later(latency_s, lambda: call.reply(400, JSON, b'{"error":{"message":"no"}}', None))
        elif sink.streamed and kind in STREAMED:
            self._stream(call, asked, kind, strength, latency_s, identity)
        else:
            call.later(latency_s, lambda: self._answer(call, asked, kind, strength, identity))
        return call

    async def healthy(self, path: str) -> bool:
        """It is always up."""
        return True

    def close(self) -> None:
        """It has no connections."""

    def _trouble(self) -> tuple[str | None, int]:
        now = self.loop.time() - self._started_at
        for fault in self._faults:
            if fault.start_s <= now < fault.end_s and self._rng.random() < fault.share:
                return fault.kind, fault.strength
        return None, 0

    def _said(self, kind: str | None, asked: Asked, identity: str, at_s: float) -> tuple[str, int]:
        """A text and the number of tokens that it is said to have; some are longer than they may be."""
        text_kind = kind if kind in GATED_KINDS else "good"
        text = self._answers.make(text_kind, identity, asked.question, asked.system, asked.body["model"], at_s)
        return text, self._rng.randint(1, MAX_TOKENS) if self._rng.random() < 0.95 else 2 * MAX_TOKENS

    def _verdict(self, kind: str | None, asked: Asked, streamed: bool, identity: str) -> Verdict | Rejected:
        """What an answer with a text says about its provider."""
        gated = self._gated or self._answers.ruled(identity)
        if kind == "off_topic" and gated:
            return Rejected(True)
        if kind == "broken_json" and asked.wants_json:
            return Rejected(False) if gated or not streamed else False
        return not (kind == "fenced" and asked.wants_json and streamed and not gated)

    def _stream(
        self, call: SimulatedCall, asked: Asked, kind: str | None, strength: int, latency_s: float, identity: str
    ) -> None:
        gap = 0.03
        at = latency_s
        tokens = 10
        if kind in EMPTY_TEXTS:
            text = EMPTY_TEXTS[kind]
        else:
            text, tokens = self._said(kind, asked, identity, self.loop.time() + latency_s + gap * (PIECES + 2))
        size = max(1, -(-len(text) // PIECES))
        events = [_event({"role": "assistant", "content": ""}, None)]
        events += [_event({"content": text[i : i + size]}, None) for i in range(0, len(text), size)]
        call.later(at, lambda: call.stream(lambda sink: sink.began(EVENT_STREAM)))
        shown = 0
        for number, event in enumerate(events):
            if kind in {"cut", "stall"} and number > strength:
                break
            shown = number + 1
            at += gap
            call.later(at, partial(call.stream, methodcaller("piece", event)))
        if kind == "stall" and shown < len(events):
            return
        if kind == "cut" and shown < len(events):
            call.later(at + gap, lambda: call.broke(Reason.CONNECTION_CUT, "cut"))
            return
        last = _event({}, "stop")
        if "stream_options" in asked.body:
            last += b"data: %b\n\n" % _encode({**_CHUNK, "choices": [], "usage": _usage(asked, tokens)})
        last += b"data: [DONE]\n\n"

        def end(sink: Sink) -> None:
            sink.piece(last)
            sink.ended()

        verdict = False if kind in {"empty", "stub"} else self._verdict(kind, asked, True, identity)
        call.later(at + gap, lambda: call.done(end, verdict))

    def _answer(self, call: SimulatedCall, asked: Asked, kind: str | None, strength: int, identity: str) -> None:
        if kind == "error":
            call.reply(500, JSON, b'{"error":{"message":"overheated"}}', False)
        elif kind == "rate_limit":
            call.reply(
                429, {**JSON, b"retry-after": b"%d" % strength}, b'{"error":{"message":"slow down"}}', None, strength
            )
        elif kind == "unauthorized":
            call.reply(401, JSON, b'{"error":{"message":"who are you"}}', False, UNAUTHORIZED_PAUSE)
        elif kind in {"cut", "stall"}:
            call.broke(Reason.CONNECTION_CUT, "cut")
        elif kind == "html":
            call.reply(200, {b"content-type": b"text/html"}, b"<html><body>Sign in</body></html>", False)
        elif kind in EMPTY_TEXTS:
            call.reply(200, JSON, _completion(EMPTY_TEXTS[kind], _usage(asked, 3)), False)
        else:
            text, tokens = self._said(kind, asked, identity, self.loop.time())
            call.reply(200, JSON, _completion(text, _usage(asked, tokens)), self._verdict(kind, asked, False, identity))


def _usage(asked: Asked, tokens: int) -> dict[str, int]:
    prompt = 8 + len(asked.question) // 4
    return {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}


def _completion(text: str, usage: dict[str, int]) -> bytes:
    return _encode(
        {
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": usage,
        }
    )  # fmt: skip


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    chunk = {**_CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: %b\n\n" % _encode(chunk)
