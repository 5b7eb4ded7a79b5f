"""Bytes without sense, from both sides, against a real worker process: it neither ends, nor hangs, nor grows.

Every connection is made from its own seed, which a failure names: `SEED` and the connection's number give its bytes.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, echo, framed, stream, whole
from raw_http import Wire, chat, chunked, get, parse, post
from rig.worker import Worker, settings
from roadworthy.gateway.settings import Breaker, Limits, Route, Target

SEED = 20_260_118
AT_ONCE = 100
BOUND_S = 8.0
"""Every limit of the worker is under a second; a connection that takes this long hangs."""

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
SEEDS_OF_REQUESTS = [
    post(chat("plain")),
    post(chat("stream", stream=True), b"accept: text/event-stream"),
    post(chat("key", temperature=0.5, max_tokens=5), b"authorization: Bearer rw_" + b"a" * 43),
    post(chat("json", response_format={"type": "json_object"})),
    post(chat("tools", tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])),
    post(json.dumps({"model": "up/m", "input": ["a", "b"]}).encode(), path=b"/v1/embeddings"),
    HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunked(chat("in chunks")[:10], chat("in chunks")[10:]),
    HEAD + b"transfer-encoding: chunked\r\ntrailer: x-a\r\n\r\n" + chunked(chat("trailer"))[:-2] + b"x-a: b\r\n\r\n",
    post(chat("go ahead"), b"expect: 100-continue"),
    post(chat("upgrade"), b"connection: upgrade", b"upgrade: h2c"),
    post(chat("close"), b"connection: close"),
    post(chat("old")).replace(b"HTTP/1.1", b"HTTP/1.0"),
    get(b"/v1/models") + get(b"/livez") + post(chat("pipelined")),
    get(b"/metrics"),
    get(b"/v1/models/chat?a=b#c"),
    get(b"http://gateway/health"),
]
SEEDS_OF_ANSWERS = [
    whole(completion("plain")),
    whole(completion("close"), b"connection: close"),
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + framed(completion("in chunks"), 20),
    b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + whole(completion("interim")),
    b"HTTP/1.0 200 OK\r\n\r\n" + completion("no length"),
    whole(b'{"error":{"message":"no","type":"server_error","code":null}}', status=b"503 Service Unavailable"),
    EVENT_STREAM + framed(stream("a stream"), 64),
    EVENT_STREAM + framed(stream("another").replace(b"\n", b"\r\n")),
    EVENT_STREAM + framed(b": hello\n\n" + chunk("cut") + b'event: error\ndata: {"error":{"message":"no"}}\n\n'),
]
TOKENS = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b"\xff",
    b" ",
    b":",
    b"content-length: 5\r\n",
    b"content-length: 99999999999999999999\r\n",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding: gzip\r\n",
    b"content-encoding: gzip\r\n",
    b"connection: upgrade\r\nupgrade: x\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"data: [DONE]\n\n",
    b"data: ",
    b"[" * 2_000,
    b'{"a":' * 2_000,
    b"9" * 400,
    b'"\\ud800"',
    b"1e999",
    b"x" * 20_000,
]
Mutation = Callable[[random.Random, bytes, list[bytes]], bytes]


def flip(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    begin = chance.randrange(len(data))
    return data[:begin] + data[begin + chance.randint(1, 40) :]


def stop(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    return data[: chance.randrange(len(data)) + 1]


def repeat(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    begin = chance.randrange(len(data))
    part = data[begin : begin + chance.randint(1, 60)]
    return data[:begin] + part * chance.randint(2, 20) + data[begin:]


def splice(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    other = chance.choice(seeds)
    return data[: chance.randrange(len(data)) + 1] + other[chance.randrange(len(other)) :]


def insert(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice(TOKENS) + data[place:]


def noise(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.randbytes(chance.randint(1, 30)) + data[place:]


MUTATIONS: list[Mutation] = [flip, cut, stop, repeat, splice, insert, noise]


def mutant(chance: random.Random, seeds: list[bytes]) -> bytes:
    data = chance.choice(seeds)
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        data = chance.choice(MUTATIONS)(chance, data, seeds) or b"x"
    return data


def start(folder: Path, base_url: str, patience: float = 1.0) -> Worker:
    """`patience` stretches the limits for callers who send whole requests, but late when this machine is busy."""
    limits = Limits(
        max_body_bytes=200_000,
        max_reply_bytes=200_000,
        header_timeout_s=0.4 * patience,
        request_timeout_s=0.5 * patience,
        idle_timeout_s=0.5 * patience,
        write_timeout_s=0.8,
        drain_timeout_s=2.0,
    )
    route = Route("chat", (Target("up", "m"),), deadline_s=0.9, try_timeout_s=0.5, stream_idle_timeout_s=0.3)
    more = {"limits": limits, "routes": (route,), "breaker": Breaker(10**9, 1.0, open_s=0.001), "log_requests": False}
    return Worker(settings(folder, base_url, **more))


async def all_of(count: int, one: Callable[[int], object]) -> None:
    """Run `one(0)` … `one(count - 1)`, `AT_ONCE` at a time."""
    numbers: Iterator[int] = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))


async def survived(worker: Worker, upstream: WireDouble, memory_before: int) -> None:
    """The worker is at rest, as large as before, has said nothing of a bug, and serves."""
    upstream.script = echo
    async with asyncio.timeout(15):
        while True:
            status = worker.status()
            if not status["requests_in_flight"] and not status["connections"]:
                break
            await asyncio.sleep(0.05)
    assert worker.resident_bytes() - memory_before < 40_000_000
    wire = await Wire.open(worker.port)
    await wire.send(post(chat("healthy")))
    assert (await wire.answers(1))[0].text == "healthy"
    await wire.close()
    output = worker.output()
    assert "unexpected_error" not in output
    assert "Traceback" not in output


@pytest.mark.parametrize("requests", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_requests_without_sense(tmp_path, requests: int) -> None:
    rest: Counter[str] = Counter()

    async def answer(call: Call) -> bool:
        json.loads(call.body)  # what the gateway sends is JSON, whatever it was given
        if b'"stream":true' in call.body.replace(b" ", b""):
            await call.send(EVENT_STREAM + framed(stream("ok")))
        else:
            await call.send(whole(completion("ok")))
        return True

    async def one(number: int) -> None:
        chance = random.Random(f"{SEED}-{number}")
        data = mutant(chance, SEEDS_OF_REQUESTS)
        said = f"seed {SEED}, connection {number}: {data!r}"
        wire = await Wire.open(worker.port)
        position = 0
        while position < len(data):
            step = chance.choice([len(data), len(data), 1_000, 100, 7])
            if not await wire.send(data[position : position + step]):
                break
            position += step
            if chance.random() < 0.1:
                await asyncio.sleep(0)
        if chance.random() < 0.9 and wire.ended == "open" and not wire.writer.is_closing():
            wire.half_close()
        assert await wire.end(BOUND_S) != "open", said
        answers, _, left = parse(wire.data, True, head_only=range(9) if b"HEAD" in data else ())
        assert not left or b"HEAD" in data or wire.ended == "reset", (said, left)
        rest.update(str(one.status) for one in answers)
        assert "500" not in rest, said
        await wire.close()

    async with WireDouble(answer) as upstream:
        with start(tmp_path, upstream.base_url) as worker:
            before = worker.resident_bytes()
            async with asyncio.timeout(240):
                await all_of(requests, one)
            await survived(worker, upstream, before)
            assert worker.process.poll() is None
        assert worker.process.returncode == 0
    assert rest["200"] > requests / 10, rest
    assert rest["400"] > requests / 10, rest


@pytest.mark.parametrize(("requests", "of_each"), [(400, 4), pytest.param(2_000, 50, marks=pytest.mark.slow)])
async def test_answers_without_sense(tmp_path, requests: int, of_each: int) -> None:
    outcomes: Counter[str] = Counter()

    async def answer(call: Call) -> bool:
        chance = random.Random(f"{SEED}-{call.marker}")
        data = mutant(chance, SEEDS_OF_ANSWERS)
        step = chance.choice([len(data), len(data), 300, 50])
        try:
            for position in range(0, len(data), step):
                await call.send(data[position : position + step])
                await asyncio.sleep(0)
        except ConnectionError:
            return False
        return chance.random() < 0.3

    async def one(number: int) -> None:
        said = f"seed {SEED}, answer {number}"
        wire = await Wire.open(worker.port)
        await wire.send(post(chat(str(number), stream=number % 2 == 0)))
        async with asyncio.timeout(BOUND_S):
            answers = await wire.answers(1, BOUND_S)
        if answers:
            outcomes[str(answers[0].status)] += 1
            assert answers[0].status != 500, said
        else:
            assert b"event: error\n" in wire.data, (said, wire.data)
            outcomes["broken stream"] += 1
        await wire.close()

    async with WireDouble(answer) as upstream:
        with start(tmp_path, upstream.base_url, patience=20) as worker:
            before = worker.resident_bytes()
            async with asyncio.timeout(240):
                await all_of(requests, one)
            await survived(worker, upstream, before)
        assert worker.process.returncode == 0
    assert min(outcomes[kind] for kind in ("200", "502", "broken stream")) > of_each, outcomes
