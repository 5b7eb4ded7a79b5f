"""A bug anywhere behind the HTTP handler: the caller hears of it at once, nothing is left, everybody else is served."""

from __future__ import annotations

import asyncio

import pytest

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, echo, stream, whole
from raw_http import Wire, chat, get, post, say
from roadworthy.gateway.edge.exchange import Exchange
from roadworthy.gateway.edge.relay import Relay
from roadworthy.gateway.edge.running_try import RunningTry
from roadworthy.gateway.providers.openai_shape import OpenAIShape
from roadworthy.gateway.settings import Breaker, Limits, Retry

PLAIN = whole(completion("fine"))
NO_LENGTH = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + completion("fine")
EVENTS = EVENT_STREAM + b"%x\r\n%b\r\n" % (len(stream("fine")), stream("fine"))


def boom(*given: object, **named: object) -> None:
    raise ZeroDivisionError


class BoomDecoder:
    """Fails at its `at`-th event."""

    def __init__(self, at: int, real: object) -> None:
        self.at, self.real = at, real
        self.finished = False

    def feed(self, event: bytes, data: bytes) -> object:
        self.at -= 1
        if self.at < 0:
            raise ZeroDivisionError
        return self.real.feed(event, data)


def decoder(monkeypatch, at: int) -> None:
    real = OpenAIShape.chat_stream
    monkeypatch.setattr(OpenAIShape, "chat_stream", lambda self, ask: BoomDecoder(at, real(self, ask)))


def later(monkeypatch, owner: type, name: str, at: int) -> None:
    """Let `owner.name` fail at its `at`-th call."""
    real, left = getattr(owner, name), [at]

    def sometimes(*given: object, **named: object) -> object:
        left[0] -= 1
        return boom() if left[0] < 0 else real(*given, **named)

    monkeypatch.setattr(owner, name, sometimes)


def always(owner: type, name: str):
    return lambda monkeypatch: monkeypatch.setattr(owner, name, boom)


ANSWER_FAILS = {
    # name: (what fails, what the provider says (None: nothing, b"": it hangs up), streamed)
    "before it is asked": (always(OpenAIShape, "chat_body"), PLAIN, False),
    "before it is asked again": (lambda m: later(m, OpenAIShape, "chat_body", 1), b"", False),
    "reading an answer": (always(OpenAIShape, "chat_reply"), PLAIN, False),
    "reading an answer without length": (always(OpenAIShape, "chat_reply"), NO_LENGTH, False),
    "reading an error": (always(OpenAIShape, "failure"), whole(b"{}", status=b"500 Oops"), False),
    "serving it": (always(Exchange, "serve"), PLAIN, False),
    "when it hangs up": (always(RunningTry, "broke"), b"", False),
    "when time is up": (always(RunningTry, "broke"), None, False),
    "when a stream begins": (always(OpenAIShape, "chat_stream"), EVENTS, True),
    "in a stream's first event": (lambda m: decoder(m, 0), EVENTS, True),
    "when a stream is shown": (always(Exchange, "commit"), EVENTS, True),
}


async def start(start_edge, double: WireDouble, **more: object):
    options = {"retry": Retry(max_tries=2, base_s=0.01), "breaker": Breaker(2, 1.0, open_s=0.05), **more}
    return await start_edge({"a": double.base_url}, ["a/m"], route={"try_timeout_s": 0.3}, **options)


def script(says: bytes | None):
    async def answer(call: Call) -> bool:
        if call.marker == "healthy":
            return await echo(call)
        if says is None:
            await asyncio.sleep(5)
        await call.send(says or b"")
        return says is EVENTS

    return answer


def all_well(edge) -> None:
    kinds = [kind for kind, level, _ in edge.ledger.events if level == "critical"]
    assert kinds == ["unexpected_error"]
    assert edge.service.in_flight == 0
    assert edge.ledger.records[0].code == "unexpected_error"


@pytest.mark.parametrize("where", ANSWER_FAILS)
async def test_a_bug_becomes_one_error_answer(start_edge, monkeypatch, where) -> None:
    break_it, says, streamed = ANSWER_FAILS[where]
    async with WireDouble(script(says)) as double:
        edge = await start(start_edge, double)
        with monkeypatch.context() as patch:
            break_it(patch)
            heard = await say(edge.port, post(chat("x", stream=streamed)) + get())
        assert heard.statuses == [500, 200]
        error = heard.answers[0].json["error"]
        assert (error["code"], heard.answers[0].headers["x-should-retry"]) == ("unexpected_error", "false")
        assert error["request_id"] == edge.ledger.records[0].request_id
        all_well(edge)
        assert (await say(edge.port, post(chat("healthy")))).answers[0].text == "healthy"


IN_A_STREAM = {
    "in an event": (lambda m: decoder(m, 2), EVENTS),
    "at its end": (always(Exchange, "stream_served"), EVENTS),
    "when it is cut": (always(RunningTry, "broke"), EVENTS[:-80]),
    "while it is watched": (
        lambda m: later(m, Relay, "_watch", 1),  # the first call only sets the timer
        EVENT_STREAM + b"%x\r\n%b\r\n" % (len(chunk("f")), chunk("f")),
    ),
}


@pytest.mark.parametrize("where", IN_A_STREAM)
async def test_a_bug_in_a_shown_stream_never_ends_it_cleanly(start_edge, monkeypatch, where) -> None:
    break_it, says = IN_A_STREAM[where]

    async def answer(call: Call) -> bool:
        if call.marker == "healthy":
            return await echo(call)
        await call.send(says)
        if where == "while it is watched":
            await asyncio.sleep(5)
        return False

    async with WireDouble(answer) as double:
        edge = await start(start_edge, double)
        with monkeypatch.context() as patch:
            break_it(patch)
            wire = await Wire.open(edge.port)
            await wire.send(post(chat("x", stream=True)) + get())
            assert await wire.end() == "closed"
        assert wire.data.count(b"HTTP/1.1 ") == 1
        assert b"event: error\n" in wire.data
        assert b'"code":"unexpected_error"' in wire.data
        assert not wire.data.endswith(b"0\r\n\r\n")
        await wire.close()
        all_well(edge)
        assert (await say(edge.port, post(chat("healthy")))).answers[0].text == "healthy"


async def test_a_bug_does_not_keep_the_place_of_a_probe(start_edge, monkeypatch) -> None:
    async with WireDouble(script(b"")) as double:
        edge = await start(start_edge, double)
        await say(edge.port, post(chat("x")))
        assert edge.service.breakers()[0]["state"] == "open"
        await asyncio.sleep(0.06)
        with monkeypatch.context() as patch:
            patch.setattr(OpenAIShape, "chat_body", boom)
            assert (await say(edge.port, post(chat("x")))).statuses == [500]
        assert (await say(edge.port, post(chat("healthy")))).answers[0].text == "healthy"


async def test_a_bug_when_time_is_up_keeps_nobody_elses_time_limit_away(start_edge, monkeypatch) -> None:
    real = RunningTry.broke

    def sometimes(self: RunningTry, *given: object) -> None:
        return boom() if self.ask.request.view.messages[0].content == "bad" else real(self, *given)

    monkeypatch.setattr(RunningTry, "broke", sometimes)
    async with WireDouble(script(None)) as double:
        edge = await start(start_edge, double, retry=Retry(max_tries=1))
        heard = await asyncio.gather(*(say(edge.port, post(chat(text))) for text in ["bad", "good"] * 10))
        assert [one.statuses[0] for one in heard] == [500, 502] * 10
        assert edge.service.in_flight == 0


async def test_stopping_with_requests_in_flight_is_no_bug(start_edge) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    async with WireDouble(script(None)) as double:
        edge = await start(start_edge, double, limits=Limits(drain_timeout_s=0.05))
        wires = [await Wire.open(edge.port) for _ in range(3)]
        for wire in wires:
            await wire.send(post(chat("x")))
        while edge.service.in_flight < 3:  # noqa: ASYNC110 - the edge has no event for it
            await asyncio.sleep(0.01)
        await edge.server.drain()
        edge.service.close()
        await asyncio.sleep(0.05)
        assert edge.service.in_flight == 0
        for wire in wires:
            await wire.close()
    assert faults == []
