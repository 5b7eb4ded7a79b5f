"""No caller can hold, fill or starve an edge: bounds of size, time and number, on a real worker process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, echo, whole
from raw_http import Wire, chat, chunked, get, post, say
from rig.worker import Worker, free_port, settings
from roadworthy.gateway.edge import client
from roadworthy.gateway.settings import Breaker, Limits, Route, Target

LIMITS = Limits(
    max_header_bytes=8_192,
    max_headers=50,
    max_body_bytes=100_000,
    max_connections=12,
    max_requests_in_flight=3,
    header_timeout_s=0.4,
    request_timeout_s=0.6,
    idle_timeout_s=0.6,
    write_timeout_s=0.6,
    drain_timeout_s=2.0,
)
SLACK = 5
"""A limit must hold within this many times its value, however busy the machine is."""
CHUNKED_HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def upstream_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def worker(upstream_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    route = Route("chat", (Target("up", "m"),), deadline_s=8.0, stream_min_chars_per_s=0.0, stream_idle_timeout_s=8.0)
    more = {"limits": LIMITS, "routes": (route,), "breaker": Breaker(10_000, 1.0)}
    with Worker(settings(tmp_path_factory.mktemp("edge"), f"http://127.0.0.1:{upstream_port}/v1", **more)) as running:
        yield running


@pytest_asyncio.fixture
async def upstream(upstream_port: int, worker: Worker) -> AsyncIterator[WireDouble]:
    async with WireDouble(port=upstream_port) as double:
        yield double


async def becomes(worker: Worker, **wanted: int) -> None:
    """Wait until the worker's status shows these numbers."""
    async with asyncio.timeout(7):
        while any(  # noqa: ASYNC110 - another process cannot set an event
            worker.status()[name] != value for name, value in wanted.items()
        ):
            await asyncio.sleep(0.02)


def padded(size: int) -> bytes:
    """A chat body of exactly `size` bytes."""
    body = chat("padded")
    return body + b" " * (size - len(body))


# -- size

TOO_LARGE = {
    "one header line": (get(b"/livez", b"x-a: " + b"a" * 20_000), 431),
    "many short lines": (get(b"/livez", *[b"x-a: b"] * 60), 431),
    "a little too long": (get(b"/livez", *[b"x-a: " + b"a" * 993] * 8, b"x-b: " + b"b" * 200), 431),
    "many long lines": (get(b"/livez", *[b"x-a: " + b"a" * 1_000] * 30), 431),
    "a name": (get(b"/livez", b"x" * 20_000 + b": a"), 431),
    "a path": (get(b"/" + b"a" * 2_048), 431),
    "a query": (get(b"/livez?" + b"a" * 2_048), 431),
    "a body by its length, before it is sent": (post(padded(100_001))[:-100_001], 413),
    "a body by its length": (post(padded(150_000)), 413),
    "a body of chunks": (CHUNKED_HEAD + chunked(*[b" " * 10_000] * 100), 413),
    "a chunk": (CHUNKED_HEAD + b"f4240\r\n" + b" " * 1_000_000, 413),
    "chunk extensions": (CHUNKED_HEAD + b"".join(b"1;%b\r\nx\r\n" % (b"e" * 5_000) for _ in range(100)), 413),
    "trailers": (CHUNKED_HEAD + chunked(chat("x"))[:-2] + b"x-a: b\r\n" * 20_000 + b"\r\n", 413),
}


@pytest.mark.parametrize("case", TOO_LARGE)
async def test_too_much_is_refused_with_an_answer_that_arrives(worker, case) -> None:
    data, status = TOO_LARGE[case]
    heard = await say(worker.port, data)
    assert heard.statuses == [status]
    assert heard.answers[0].code == "request_too_large"
    assert heard.ended == "closed"


@pytest.mark.parametrize("start", [b"", b"GET /", b"GET /livez HTTP/1.1\r\nhost: a\r\nx: "])
async def test_a_header_without_end_is_refused_while_it_is_sent(worker, start) -> None:
    wire = await Wire.open(worker.port)
    await wire.send(start)
    sent = 0
    while sent < 1_000_000 and await wire.send(b"A" * 1_000) and not await wire.more(0.001):
        sent += 1_000
    assert sent < 100_000
    assert (await wire.answers(1))[0].status in {400, 431}
    assert await wire.end() == "closed"
    await wire.close()


JUST_SMALL_ENOUGH = {
    "header": get(b"/livez", b"x-a: " + b"a" * 8_100),
    "header lines": get(b"/livez", *[b"x-a: b"] * 48),
    "path": get(b"/livez?" + b"a" * 2_041),
    "body": post(padded(100_000)),
    "body in chunks": CHUNKED_HEAD + chunked(*[padded(100_000)[i : i + 999] for i in range(0, 100_000, 999)]),
    "small header, large body": post(padded(90_000)),
}


@pytest.mark.parametrize("case", JUST_SMALL_ENOUGH)
async def test_just_under_the_limit_is_served(worker, upstream, case) -> None:
    assert (await say(worker.port, JUST_SMALL_ENOUGH[case])).statuses == [200]


# -- Expect


async def test_a_go_ahead_is_given_before_the_body_is_sent(worker, upstream) -> None:
    request = post(chat("waited"), b"expect: 100-continue")
    wire = await Wire.open(worker.port)
    await wire.send(request[: -len(chat("waited"))])
    assert await wire.more(5)
    assert wire.data == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.send(chat("waited"))
    assert (await wire.answers(1))[0].text == "waited"
    await wire.close()


async def test_no_go_ahead_for_a_body_that_is_refused_anyway(worker) -> None:
    heard = await say(worker.port, post(padded(100_001), b"expect: 100-continue")[:-100_001])
    assert (heard.statuses, heard.interim, heard.ended) == ([413], 0, "closed")


async def test_a_go_ahead_behind_another_request_comes_after_its_answer(worker, upstream) -> None:
    second = post(chat("second"), b"expect: 100-continue")
    wire = await Wire.open(worker.port)
    await wire.send(post(chat("first")) + second[: -len(chat("second"))])
    while not wire.data.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
        assert await wire.more(5), wire.data  # a loop over an ended connection would never let a timeout fire
    await wire.send(chat("second"))
    assert [answer.text for answer in await wire.answers(2)] == ["first", "second"]
    await wire.close()


async def test_http_1_0_knows_no_interim_answer(worker, upstream) -> None:
    heard = await say(worker.port, post(chat("x"), b"expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (heard.statuses, heard.interim, heard.ended) == ([200], 0, "closed")


# -- time


@pytest.mark.parametrize(("data", "limit_s"), [(get(), 0.4), (post(padded(50_000)), 0.6)], ids=["header", "body"])
async def test_a_slow_sender_is_told_and_closed(worker, data, limit_s) -> None:
    wire = await Wire.open(worker.port)
    began = time.monotonic()
    position = 0 if limit_s == 0.4 else 200
    await wire.send(data[:position])
    while wire.ended == "open" and time.monotonic() - began < limit_s * SLACK:
        await wire.send(data[position : position + 1])
        position += 1
        await wire.more(0.05)
    assert wire.ended == "closed"
    assert limit_s / 2 < time.monotonic() - began
    assert (await wire.answers(1))[0].code == "request_timeout"
    await wire.close()


@pytest.mark.parametrize("data", [b"", get()], ids=["new", "after an answer"])
async def test_an_idle_connection_is_closed(worker, data) -> None:
    wire = await Wire.open(worker.port)
    await wire.send(data)
    assert await wire.end(LIMITS.idle_timeout_s * SLACK) == "closed"
    await wire.close()


async def test_who_does_not_read_a_stream_is_cut_off(worker, upstream) -> None:
    sent = 0

    async def endless(call: Call) -> bool:
        nonlocal sent
        await call.send(EVENT_STREAM)
        event = chunk("x" * 8_000)
        while True:
            await call.send(b"%x\r\n%b\r\n" % (len(event), event))
            sent += len(event)

    upstream.script = endless
    before = worker.resident_bytes()
    wire = await Wire.open(worker.port, receive_buffer=4_096)
    await wire.send(post(chat("x", stream=True)))
    await asyncio.sleep(0.1)
    await becomes(worker, requests_in_flight=0)
    assert sent < 30_000_000  # what fits into the kernel's buffers; the gateway itself keeps back
    assert worker.resident_bytes() - before < 10_000_000
    await wire.close()


async def test_who_asks_and_never_reads_is_cut_off(worker) -> None:
    before = worker.resident_bytes()
    wire = await Wire.open(worker.port, receive_buffer=4_096)
    requests = get(b"/health") * 200
    began = time.monotonic()
    while time.monotonic() - began < LIMITS.write_timeout_s * SLACK:
        try:
            async with asyncio.timeout(0.2):
                if not await wire.send(requests):
                    break
        except TimeoutError:
            if worker.status()["connections"] == 0:
                break
    await becomes(worker, connections=0)
    assert worker.resident_bytes() - before < 20_000_000
    await wire.close()


async def test_who_reads_slowly_gets_it_all(start_edge, monkeypatch) -> None:
    monkeypatch.setattr(client, "LINGER_S", 0.1)
    text = "x" * 8_000_000

    async def large(call: Call) -> bool:
        await call.send(whole(completion(text)))
        return True

    async with WireDouble(large) as double:
        limits = Limits(write_timeout_s=1.0, drain_timeout_s=1.0)
        route = {"deadline_s": 60.0, "try_timeout_s": 60.0}
        edge = await start_edge({"a": double.base_url}, ["a/m"], limits=limits, route=route)
        wire = await Wire.open(edge.port, receive_buffer=65_536)
        await wire.send(post(chat("x"), b"connection: close"))
        while wire.ended == "open":
            await asyncio.sleep(0.01)
            await wire.more(20)
        assert (await wire.answers(1))[0].text == text
        await wire.close()


# -- number


async def test_over_the_limit_of_connections(worker) -> None:
    await becomes(worker, connections=0)
    wires = [await Wire.open(worker.port) for _ in range(12)]
    await becomes(worker, connections=12)
    heard = await say(worker.port, get())
    assert (heard.statuses, heard.ended) == ([503], "closed")
    assert heard.answers[0].code == "overloaded"
    assert int(heard.answers[0].headers["retry-after"]) >= 1
    for wire in wires:
        await wire.close()
    await becomes(worker, connections=0)
    assert (await say(worker.port, get())).statuses == [200]


async def test_over_the_limit_of_requests_in_flight(worker, upstream) -> None:
    go_on = asyncio.Event()

    async def held(call: Call) -> bool:
        await go_on.wait()
        return await echo(call)

    upstream.script = held
    wires = [await Wire.open(worker.port) for _ in range(3)]
    for number, wire in enumerate(wires):
        await wire.send(post(chat(f"held {number}")))
    await becomes(worker, requests_in_flight=3)
    heard = await say(worker.port, post(chat("one too many")))
    assert (heard.statuses, heard.ended) == ([503], "open")
    assert heard.answers[0].code == "overloaded"
    assert int(heard.answers[0].headers["retry-after"]) >= 1
    assert "x-should-retry" not in heard.answers[0].headers
    go_on.set()
    for number, wire in enumerate(wires):
        assert (await wire.answers(1))[0].text == f"held {number}"
        await wire.close()
    assert len(upstream.calls) == 3
    assert (await say(worker.port, post(chat("after")))).statuses == [200]


@pytest.mark.parametrize("cut", [0, 1, 4_000, LIMITS.max_header_bytes - 1])
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 431)])
async def test_the_limit_of_a_head_is_met_exactly_in_any_pieces(worker, cut: int, over: int, status: int) -> None:
    head = get(b"/livez", b"x-a: a")
    head = head.replace(b"x-a: ", b"x-a: " + b"a" * (LIMITS.max_header_bytes + over - len(head)))
    wire = await Wire.open(worker.port)
    await wire.send(head[:cut])
    await wire.more(0.01)
    await wire.send(head[cut:])
    assert (await wire.answers(1))[0].status == status
    await wire.close()
