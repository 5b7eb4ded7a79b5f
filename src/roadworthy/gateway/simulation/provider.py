"""A provider in virtual time: it takes the gateway's real request bytes and answers, or fails, as its faults say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.edge.upstream import Sink
from roadworthy.gateway.simulation.schedule import Fault

Verdict = bool | None
"""What a call says about the health of its provider: well, ill, or nothing."""
EVENT_STREAM = {b"content-type": b"text/event-stream"}
JSON = {b"content-type": b"application/json"}
STUB_TEXT = "[placeholder]"
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

    def cancelled(self) -> None:
        """The gateway ended the call itself: its caller is gone, another was faster, or what it saw was enough."""
        ...

    def speaking(self, now: bool) -> None:
        """The gateway hears something of this call, or has heard it."""
        ...

    def told(self) -> None:
        """The gateway has been told, and has drawn its conclusions."""
        ...


class SimulatedCall:
    """One call on its way, with what an exchange uses of `edge.upstream.Call`."""

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
        self, status: int, headers: dict[bytes, bytes], body: bytes, verdict: Verdict, benched_s: float = 0.0
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

    def done(self, step: Callable[[Sink], None], verdict: Verdict) -> None:
        """The last part of a streamed answer."""
        self._report(step, verdict)

    def _report(self, step: Callable[[Sink], None], verdict: Verdict, benched_s: float = 0.0) -> None:
        sink = self._sink
        if sink is None:
            return
        self._close()
        self._watch.ended(verdict, benched_s)
        self._watch.speaking(True)
        step(sink)
        self._watch.speaking(False)
        self._watch.told()

    def _timed_out(self) -> None:
        self.broke(Reason.TIMEOUT, "no answer in time")

    def _close(self) -> None:
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
        admitted: Told of each call when it starts, and for whom; gives who follows it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        rng: Random,
        faults: Sequence[Fault],
        started_at: float,
        latency_s: float,
        admitted: Callable[[Sink], Watch],
    ) -> None:
        self.loop = loop
        self._rng = rng
        self._faults = faults
        self._started_at = started_at
        self._latency_s = latency_s
        self._admitted = admitted

    def head(self, path: str) -> bytes:
        """Nothing reads it."""
        return path.encode()

    def call(self, head: bytes, body: bytes, sink: Sink, timeout_s: float) -> SimulatedCall:
        """Take a request."""
        call = SimulatedCall(self.loop, sink, timeout_s, self._admitted(sink))
        request = _decode(body)
        latency_s = self._latency_s * self._rng.uniform(0.5, 1.5)
        text = request["messages"][-1]["content"]
        kind, strength = self._trouble()
        if kind == "slow":
            latency_s += strength
        if kind == "hang":
            return call
        if kind == "refuse":
            call.later(0.001, lambda: call.broke(Reason.CONNECT_FAILED, "refused"))
        elif FAULTY in text:
            call.later(latency_s, lambda: call.reply(400, JSON, b'{"error":{"message":"no"}}', None))
        elif sink.streamed and kind in {None, "slow", "cut", "stall", "empty", "stub"}:
            self._stream(call, request, kind, strength, latency_s)
        else:
            call.later(latency_s, lambda: _answer(call, request, kind, strength))
        return call

    async def healthy(self, path: str) -> bool:
        """It is always up."""
        return True

    def close(self) -> None:
        """Nothing to close."""

    def _trouble(self) -> tuple[str | None, int]:
        now = self.loop.time() - self._started_at
        for fault in self._faults:
            if fault.start_s <= now < fault.end_s and self._rng.random() < fault.share:
                return fault.kind, fault.strength
        return None, 0

    def _stream(
        self, call: SimulatedCall, request: dict[str, Any], kind: str | None, strength: int, latency_s: float
    ) -> None:
        text = {"empty": "", "stub": STUB_TEXT}.get(kind or "", _text(request))
        size = max(1, -(-len(text) // PIECES))
        parts = [text[i : i + size] for i in range(0, len(text), size)]
        events = [
            _event({"role": "assistant", "content": ""}, None),
            *(_event({"content": part}, None) for part in parts),
        ]
        at, gap = latency_s, 0.03
        call.later(at, lambda: call.stream(lambda sink: sink.began(EVENT_STREAM)))
        shown = 0
        for number, event in enumerate(events):
            if kind in {"cut", "stall"} and number > strength:
                break
            shown = number + 1
            at += gap
            call.later(at, lambda event=event: call.stream(lambda sink: sink.piece(event)))  # type: ignore[misc]
        if kind == "stall" and shown < len(events):
            return
        if kind == "cut" and shown < len(events):
            call.later(at + gap, lambda: call.broke(Reason.CONNECTION_CUT, "cut"))
            return
        last = _event({}, "stop") + b"data: [DONE]\n\n"
        well = kind not in {"empty", "stub"}

        def end(sink: Sink) -> None:
            sink.piece(last)
            sink.ended()

        call.later(at + gap, lambda: call.done(end, well))


def _answer(call: SimulatedCall, request: dict[str, Any], kind: str | None, strength: int) -> None:
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
    elif kind in {"empty", "blank", "stub"}:
        call.reply(200, JSON, _completion({"empty": "", "blank": " \n ", "stub": STUB_TEXT}[kind]), False)
    else:
        call.reply(200, JSON, _completion(_text(request)), True)


def _text(request: dict[str, Any]) -> str:
    """A good answer repeats the question, so that everybody can see whose it is."""
    question = request["messages"][-1]["content"]
    return f'{{"answer": "Certainly: {question} The river rises in the hills."}}'


def _completion(text: str) -> bytes:
    return _encode(
        {
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
        }
    )  # fmt: skip


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    chunk = {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return b"data: %b\n\n" % _encode(chunk)
