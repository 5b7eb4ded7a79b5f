"""Pipelining, half-closed and broken connections: answers in order, each to its request, nothing left behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, echo
from raw_http import Wire, chat, chunked, get, post, say
from rig.worker import Worker, free_port, settings
from roadworthy.gateway.edge.client import MAX_PIPELINED, ClientConnection
from roadworthy.gateway.edge.request import Request
from roadworthy.gateway.edge.server import Server
from roadworthy.gateway.settings import Breaker, Limits, Route, Target

pytestmark = pytest.mark.usefixtures("upstream")


@pytest.fixture(scope="module")
def upstream_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def worker(upstream_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    more = {
        "limits": Limits(max_body_bytes=1_000_000, drain_timeout_s=2.0),
        "routes": (Route("chat", (Target("up", "m"),), deadline_s=8.0),),
        "breaker": Breaker(10_000, 1.0),
    }
    with Worker(settings(tmp_path_factory.mktemp("edge"), f"http://127.0.0.1:{upstream_port}/v1", **more)) as running:
        yield running


@pytest_asyncio.fixture
async def upstream(upstream_port: int, worker: Worker) -> AsyncIterator[WireDouble]:
    async with WireDouble(port=upstream_port) as double:
        yield double


async def settled(worker: Worker) -> None:
    """Wait until the worker is at rest."""
    async with asyncio.timeout(30):
        while (  # noqa: ASYNC110 - another process cannot set an event
            found := worker.status()
        )["requests_in_flight"] or found["connections"]:
            await asyncio.sleep(0.02)


def texts(answers: list) -> list[str]:
    return [answer.text for answer in answers]


async def uneven(call: Call) -> bool:
    """The later a request, the sooner its answer."""
    await asyncio.sleep(random.Random(call.marker).uniform(0, 0.02))
    return await echo(call)


# -- pipelining


@pytest.mark.parametrize("count", [2, 7, MAX_PIPELINED, MAX_PIPELINED + 1])
async def test_pipelined_requests_are_answered_in_order(worker, upstream, count) -> None:
    upstream.script = uneven
    names = [f"number {i}" for i in range(count)]
    wire = await Wire.open(worker.port)
    await wire.send(b"".join(post(chat(name)) for name in names))
    answers = await wire.answers(count)
    assert texts(answers) == names
    assert len({answer.headers["x-request-id"] for answer in answers}) == count
    assert all(a.headers["x-request-id"] == a.json["roadworthy"]["request_id"] for a in answers)
    await wire.send(post(chat("once more")))
    assert texts(await wire.answers(1)) == ["once more"]
    await wire.close()


async def test_more_than_may_wait_are_answered_in_order_and_the_rest_is_closed_away(worker, upstream) -> None:
    upstream.script = uneven
    heard = await say(worker.port, b"".join(post(chat(f"{i}")) for i in range(200)), quiet_s=1.0)
    assert texts(heard.answers) == [f"{i}" for i in range(MAX_PIPELINED + 1)]
    assert heard.answers[-1].headers["connection"] == "close"
    assert heard.ended == "closed"
    assert len(upstream.calls) == MAX_PIPELINED + 1


@pytest.mark.parametrize("seed", range(8))
async def test_requests_that_arrive_while_others_are_answered_keep_their_place(worker, upstream, seed) -> None:
    chance = random.Random(seed)
    upstream.script = uneven
    names = [f"{seed}-{i}" for i in range(MAX_PIPELINED)]
    data = b"".join(
        get(b"/v1/models/" + name.encode()) if chance.random() < 0.3 else post(chat(name)) for name in names
    )
    wire = await Wire.open(worker.port)

    async def send() -> None:
        position = 0
        while position < len(data):
            step = chance.choice([1, 40, 150, 400])
            await wire.send(data[position : position + step])
            position += step
            await asyncio.sleep(chance.choice([0, 0, 0, 0.002]))

    sending = asyncio.create_task(send())
    answers = await wire.answers(MAX_PIPELINED, within_s=20.0)
    await sending
    for name, answer in zip(names, answers, strict=True):
        assert answer.status == 404 or answer.text == name
    assert {answer.status for answer in answers} == {200, 404}
    await wire.close()


class _Line(asyncio.Transport):
    """A connection whose other side the test plays, so that two things can happen in one turn of the loop."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class _Slow:
    """Answers nothing by itself."""

    def __init__(self) -> None:
        self.paths: list[bytes] = []

    def handle(self, connection: ClientConnection, request: Request, identity: str) -> None:
        self.paths.append(request.path)

    def crashed(self, where: str, error: BaseException, request_id: str = "") -> None:
        raise error


async def test_nothing_overtakes_what_waits_between_two_turns_of_the_loop() -> None:
    slow = _Slow()
    server = Server(slow, Limits(drain_timeout_s=0.01))
    connection = ClientConnection(server)
    connection.connection_made(_Line())
    connection.data_received(get(b"/1") + get(b"/2"))
    connection.answer(200, b"", b"")
    connection.data_received(get(b"/3"))
    await asyncio.sleep(0)
    assert slow.paths == [b"/1", b"/2"]
    connection.answer(200, b"", b"")
    await asyncio.sleep(0)
    assert slow.paths == [b"/1", b"/2", b"/3"]
    connection.connection_lost(None)
    await server.drain()


async def test_streams_and_plain_answers_may_take_turns(worker) -> None:
    wire = await Wire.open(worker.port)
    await wire.send(post(chat("a")) + post(chat("bc", stream=True)) + get() + post(chat("d")))
    first, second, third, fourth = await wire.answers(4)
    assert (first.text, third.json, fourth.text) == ("a", {"status": "alive"}, "d")
    assert second.body.endswith(b"data: [DONE]\n\n")
    assert second.body.index(b'"content": "b"') < second.body.index(b'"content": "c"')
    await wire.close()


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (post(b"{"), 400),
        (post(chat("x", model="unknown")), 404),
        (get(b"/nowhere"), 404),
        (post(chat("x"), path=b"/v1/models"), 405),
        (post(b""), 400),
    ],
    ids=["body", "model", "path", "method", "empty"],
)
async def test_an_error_in_the_middle_is_one_answer_among_the_others(worker, bad, status) -> None:
    heard = await say(worker.port, post(chat("before")) + bad + post(chat("after")))
    assert heard.statuses == [200, status, 200]
    assert (heard.answers[0].text, heard.answers[2].text) == ("before", "after")
    assert heard.ended == "open"


async def test_bad_bytes_in_the_middle_end_the_connection_after_what_came_before(worker, upstream) -> None:
    data = post(chat("1")) + post(chat("2")) + b"\0\0\0\0\r\n\r\n" + post(chat("4"))
    heard = await say(worker.port, data)
    assert heard.statuses == [200, 200, 400]
    assert texts(heard.answers[:2]) == ["1", "2"]
    assert heard.ended == "closed"
    assert [call.marker for call in upstream.calls] == ["1", "2"]


async def test_close_in_the_middle_ends_the_connection(worker, upstream) -> None:
    heard = await say(worker.port, post(chat("1")) + post(chat("2"), b"connection: close") + post(chat("3")))
    assert texts(heard.answers) == ["1", "2"]
    assert heard.ended == "closed"
    assert [call.marker for call in upstream.calls] == ["1", "2"]


async def test_large_requests_may_wait_but_not_pile_up(worker, upstream) -> None:
    go_on = asyncio.Event()

    async def held(call: Call) -> bool:
        await go_on.wait()
        return await echo(call)

    upstream.script = held
    before = worker.resident_bytes()
    wire = await Wire.open(worker.port)
    body = chat("large", user="u" * 900_000)

    async def watch() -> None:
        await asyncio.sleep(0.3)
        assert worker.resident_bytes() - before < 15_000_000
        go_on.set()
        assert texts(await wire.answers(30, within_s=20.0)) == ["large"] * 30

    await asyncio.gather(wire.send(b"".join(post(body) for _ in range(30))), watch())
    await wire.close()


async def test_a_body_of_tiny_chunks_weighs_what_it_carries(worker, upstream) -> None:
    body = chat("tiny", user="u" * 900_000)
    before = worker.resident_bytes()
    wire = await Wire.open(worker.port)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    await wire.send(head + chunked(*(body[i : i + 2] for i in range(0, len(body), 2)))[:-5])
    await wire.more(0.5)
    assert worker.resident_bytes() - before < 12_000_000
    await wire.send(b"0\r\n\r\n")
    assert texts(await wire.answers(1)) == ["tiny"]
    assert upstream.calls[0].json["user"] == "u" * 900_000
    await wire.close()


async def test_a_thousand_requests_on_one_connection(worker, upstream) -> None:
    wire = await Wire.open(worker.port)
    for number in range(1_000):
        await wire.send(post(chat(f"{number}")))
        assert texts(await wire.answers(1)) == [f"{number}"]
    assert upstream.connections == 1
    await wire.close()


# -- the ends of connections


@pytest.mark.parametrize("stream", [False, True])
async def test_who_only_finished_sending_gets_the_answer(worker, upstream, stream) -> None:
    upstream.script = uneven
    heard = await say(worker.port, post(chat("half", stream=stream)), half_close=True)
    assert heard.statuses == [200]
    assert heard.ended == "closed"
    await settled(worker)


async def test_pipelined_and_then_finished_sending(worker, upstream) -> None:
    upstream.script = uneven
    names = [f"{i}" for i in range(20)]
    heard = await say(worker.port, b"".join(post(chat(name)) for name in names), half_close=True)
    assert texts(heard.answers) == names
    assert heard.ended == "closed"


@pytest.mark.parametrize("cut", [1, 20, 60, 110, -1])
async def test_half_a_request_and_no_more_is_closed(worker, upstream, cut) -> None:
    heard = await say(worker.port, post(chat("cut"))[:cut], half_close=True)
    assert (heard.answers, heard.rest, heard.ended) == ([], b"", "closed")
    assert upstream.calls == []
    await settled(worker)


async def test_half_a_request_behind_a_whole_one(worker, upstream) -> None:
    heard = await say(worker.port, post(chat("whole")) + post(chat("cut"))[:-1], half_close=True)
    assert texts(heard.answers) == ["whole"]
    assert heard.ended == "closed"
    assert len(upstream.calls) == 1


async def test_a_bad_request_and_no_more_is_told(worker) -> None:
    heard = await say(worker.port, b"GET /livez HTTP/1.1\r\n\r\n", half_close=True)
    assert (heard.statuses, heard.ended) == ([400], "closed")


async def test_nothing_at_all(worker) -> None:
    heard = await say(worker.port, half_close=True)
    assert (heard.answers, heard.ended) == ([], "closed")


@pytest.mark.parametrize("what", ["header", "body", "chunk", "waiting", "stream", "queue"])
async def test_a_reset_in_the_middle_leaves_nothing_behind(worker, upstream, what) -> None:
    reached = asyncio.Event()

    async def never(call: Call) -> bool:
        if call.streamed:
            await call.send(EVENT_STREAM + b"%x\r\n%b\r\n" % (len(chunk("x")), chunk("x")))
        reached.set()
        await asyncio.Event().wait()
        return False

    upstream.script = never
    data = {
        "header": post(chat("x"))[:30],
        "body": post(chat("x"))[:-5],
        "chunk": b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        "waiting": post(chat("x")),
        "stream": post(chat("x", stream=True)),
        "queue": post(chat("x")) * 10,
    }[what]
    wire = await Wire.open(worker.port)
    await wire.send(data)
    if what in {"waiting", "stream", "queue"}:
        await reached.wait()
    else:
        await asyncio.sleep(0.05)
    wire.reset()
    await settled(worker)
    upstream.script = echo
    assert texts((await say(worker.port, post(chat("healthy")))).answers) == ["healthy"]


@pytest.mark.parametrize("what", ["half a body", "half an answer", "a stream"])
async def test_what_is_over_weighs_nothing(worker, upstream, what) -> None:
    async def half(call: Call) -> bool:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 1_900_000)
        return False

    if what == "half an answer":
        upstream.script = half
    body = chat("large", user="u" * 900_000, stream=what == "a stream")

    async def once() -> None:
        wire = await Wire.open(worker.port)
        await wire.send(post(body)[: -10 if what == "half a body" else None])
        if what == "half a body":
            await asyncio.sleep(0.005)
            wire.reset()
        else:
            await wire.answers(1)
            await wire.close()

    for _ in range(5):
        await once()
    await settled(worker)
    before = worker.resident_bytes()
    for _ in range(40):
        await once()
    await settled(worker)
    assert worker.resident_bytes() - before < 10_000_000


async def test_chunks_of_every_cut(worker) -> None:
    body = chat("every cut")
    data = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(
        body[:20], body[20:]
    )
    cuts = range(1, len(data), 5)
    heard = await asyncio.gather(*(say(worker.port, data[:cut], data[cut:], gap_s=0.02) for cut in cuts))
    assert {tuple(texts(one.answers)) for one in heard} == {("every cut",)}
