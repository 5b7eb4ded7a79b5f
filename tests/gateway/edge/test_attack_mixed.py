"""Many callers at once, providers that fail at random, callers that give up at random: no answer goes to another's
request, and afterwards nothing is left: no request in flight, no task, no open socket."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections import Counter

import pytest

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, echo, framed, stream, whole
from raw_http import Answer, Wire, chat, get, post
from roadworthy.gateway.settings import Breaker, Limits, Retry

REQUESTS = 6
SEED = 20_260_117
FAILURES = frozenset({"llm_chain_failed", "llm_unavailable", "rate_limited"})


def text_of(body: bytes) -> str:
    """Text of an event stream."""
    return "".join(part.split('"')[0] for part in body.decode().split('"content": "')[1:])


class Faulty:
    """Answers most requests with an echo; the others it spoils in one of many ways.

    Args:
        chance: Source of randomness.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.seen: Counter[str] = Counter()

    async def __call__(self, call: Call) -> bool:
        await asyncio.sleep(self.chance.uniform(0, 0.03))
        self.seen[call.marker] += 1
        if self.chance.random() < 0.5:
            return await echo(call)
        name = self.chance.choice(sorted(self.ways))
        return await self.ways[name](self, call)

    async def close(self, call: Call) -> bool:
        return False

    async def error(self, call: Call) -> bool:
        await call.send(whole(b'{"error":{"message":"no"}}', status=b"500 Oops"))
        return True

    async def two_answers(self, call: Call) -> bool:
        await call.send(whole(completion(call.marker)) + whole(completion("EVIL")))
        return True

    async def late_surplus(self, call: Call) -> bool:
        await echo(call)
        await asyncio.sleep(self.chance.uniform(0, 0.002))
        await call.send(b"\0")
        return True

    async def half(self, call: Call) -> bool:
        await call.send(whole(completion(call.marker))[:-3])
        return False

    async def wrong_length(self, call: Call) -> bool:
        body = completion(call.marker)
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(body) - 2) + body)
        return True

    async def no_length(self, call: Call) -> bool:
        await call.send(b"HTTP/1.1 200 OK\r\n\r\n" + completion(call.marker))
        return False

    async def rubbish(self, call: Call) -> bool:
        await call.send(self.chance.randbytes(50))
        return True

    async def cut_stream(self, call: Call) -> bool:
        data = EVENT_STREAM + framed(stream(call.marker), 40)
        await call.send(data[: self.chance.randrange(len(data))])
        return False

    async def slow_stream(self, call: Call) -> bool:
        if not call.streamed:
            return await echo(call)
        await call.send(EVENT_STREAM)
        for letter in call.marker:
            event = chunk(letter)
            await call.send(b"%x\r\n%b\r\n" % (len(event), event))
            await asyncio.sleep(0)
        end = chunk("", "stop") + b"data: [DONE]\n\n"
        await call.send(framed(end))
        return True

    ways = {  # noqa: RUF012 - fixed
        each.__name__: each
        for each in (
            close,
            error,
            two_answers,
            late_surplus,
            half,
            wrong_length,
            no_length,
            rubbish,
            cut_stream,
            slow_stream,
        )
    }


class Caller:
    """Asks, checks, and sometimes gives up.

    Args:
        port: Of the edge.
        number: Makes its markers unique.
    """

    def __init__(self, port: int, number: int) -> None:
        self.port = port
        self.number = number
        self.chance = random.Random(SEED + number)
        self.outcomes: Counter[str] = Counter()
        self.identities: list[str] = []

    async def run(self) -> None:
        wire: Wire | None = None
        for round_ in range(REQUESTS):
            if wire is None:
                wire = await Wire.open(self.port)
            count = self.chance.choice([1, 1, 1, 2, 4])
            markers = [f"caller-{self.number}-{round_}-{i}-" + "x" * self.chance.randrange(60) for i in range(count)]
            streams = [self.chance.random() < 0.4 for _ in markers]
            pairs = list(zip(markers, streams, strict=True))
            await wire.send(b"".join(post(chat(marker, stream=streamed)) for marker, streamed in pairs))
            if self.chance.random() < 0.15:
                await asyncio.sleep(self.chance.uniform(0, 0.03))
                await self.give_up(wire)
                wire = None
                continue
            answers = await wire.answers(count, within_s=30.0)
            for (marker, streamed), answer in zip(pairs, answers, strict=False):
                self.check(marker, streamed, answer)
            if len(answers) < count:  # only a stream that broke ends a connection
                self.broken(pairs[len(answers)], wire)
                await wire.close()
                wire = None
        if wire is not None:
            await wire.close()

    async def give_up(self, wire: Wire) -> None:
        self.outcomes["given up"] += 1
        if self.chance.random() < 0.5:
            wire.reset()
        else:
            await wire.close()

    def check(self, marker: str, streamed: bool, answer: Answer) -> None:
        self.identities.append(answer.headers["x-request-id"])
        if answer.status != 200:
            assert answer.code in FAILURES, answer
            self.outcomes["refused"] += 1
        elif streamed:
            assert text_of(answer.body) == marker
            assert answer.body.endswith(b"data: [DONE]\n\n")
            self.outcomes["streamed"] += 1
        else:
            assert answer.text == marker
            self.outcomes["plain"] += 1

    def broken(self, pair: tuple[str, bool], wire: Wire) -> None:
        marker, streamed = pair
        assert wire.ended == "closed"
        assert streamed
        assert b"event: error\n" in wire.data
        shown = text_of(wire.data)
        assert marker.startswith(shown)
        self.outcomes["broken"] += 1


@pytest.mark.parametrize("count", [60, pytest.param(200, marks=pytest.mark.slow)])
async def test_nothing_is_mixed_up_and_nothing_is_left(start_edge, count: int) -> None:
    faulty = Faulty(random.Random(SEED))
    async with WireDouble(faulty) as first, WireDouble(faulty) as second:
        edge = await start_edge(
            {"a": first.base_url, "b": second.base_url},
            ["a/m", "b/m"],
            route={"deadline_s": 10.0, "try_timeout_s": 5.0, "stream_idle_timeout_s": 5.0},
            retry=Retry(max_tries=2, base_s=0.005, cap_s=0.02),
            breaker=Breaker(100_000, 1.0),
            limits=Limits(drain_timeout_s=2.0),
        )
        gc.collect()
        sockets = len(os.listdir("/proc/self/fd"))
        callers = [Caller(edge.port, number) for number in range(count)]
        async with asyncio.timeout(240):
            await asyncio.gather(*(caller.run() for caller in callers))
            while edge.service.in_flight or edge.server.connections:  # noqa: ASYNC110 - the end of many
                await asyncio.sleep(0.01)
        outcomes = sum((caller.outcomes for caller in callers), Counter())
        assert min(outcomes[kind] for kind in ("plain", "streamed", "refused", "broken", "given up")), outcomes
        identities = [identity for caller in callers for identity in caller.identities]
        assert len(set(identities)) == len(identities)
        assert max(faulty.seen.values()) <= 4  # two targets, two tries
        recorded = [record.request_id for record in edge.ledger.records]
        assert len(set(recorded)) == len(recorded)
        assert set(identities) <= set(recorded)
        assert not [event for event in edge.ledger.events if event[0] == "unexpected_error"]
        for upstream in edge.service.upstreams.values():
            upstream.endpoint.close()
        await asyncio.sleep(0.2)
        others = asyncio.all_tasks() - {asyncio.current_task()} - first._tasks - second._tasks
        assert not [task for task in others if "edge" in repr(task)], others
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= sockets + 1
        wire = await Wire.open(edge.port)
        await wire.send(get())
        assert (await wire.answers(1))[0].status == 200
        await wire.close()
