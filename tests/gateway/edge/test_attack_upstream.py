"""A provider that breaks HTTP's rules: every answer is its request's own, and no connection in doubt is used again."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import time
import zlib
from typing import NamedTuple

import pytest

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, echo, framed, stream, whole
from raw_http import Wire, chat, post, say
from roadworthy.gateway.settings import Breaker, Limits, Retry

GOOD = completion("first")
EVIL = whole(completion("EVIL"))
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = PLAIN + b"transfer-encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"


class Case(NamedTuple):
    """What the provider says to the first request, and what must come of it.

    Attributes:
        says: Bytes of its answer.
        outcome: The text that is served, or the attempt's reason.
        reused: Whether the connection may serve the next request; None where both are right.
        then: close, reset, or keep the connection.
    """

    says: bytes
    outcome: str
    reused: bool | None
    then: str = "keep"


def limit(value: bytes, body: bytes = GOOD) -> bytes:
    return PLAIN + b"content-length: " + value + b"\r\n\r\n" + body


CASES = {
    # more than one answer
    "two answers": Case(whole(GOOD) + EVIL, "first", False),
    "the beginning of a second answer": Case(whole(GOOD) + EVIL[:9], "first", False),
    "the head of a second answer": Case(whole(GOOD) + EVIL[:60], "first", False),
    "one byte too much": Case(whole(GOOD) + b"H", "first", False),
    "rubbish behind the answer": Case(whole(GOOD) + b"\0\1\2rubbish", "first", False),
    "an empty line behind the answer": Case(whole(GOOD) + b"\r\n", "first", None),
    "two answers in chunks": Case(CHUNKED + framed(GOOD) + CHUNKED + framed(completion("EVIL")), "first", False),
    # answers that are none yet
    "100": Case(b"HTTP/1.1 100 Continue\r\n\r\n" + whole(GOOD), "first", True),
    "103 three times": Case(INTERIM * 3 + whole(GOOD), "first", True),
    "100 with a length": Case(b"HTTP/1.1 100 C\r\ncontent-length: 5\r\n\r\n" + whole(GOOD), "first", True),
    "100 and no more": Case(b"HTTP/1.1 100 Continue\r\n\r\n", "connection_cut", False, "close"),
    "103 without end": Case(INTERIM * 3_000, "malformed_body", False),
    "101": Case(b"HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n" + EVIL, "malformed_body", False),
    "101 without upgrade": Case(b"HTTP/1.1 101 S\r\n\r\n" + EVIL, "malformed_body", False),
    # without a body
    "204": Case(b"HTTP/1.1 204 No Content\r\n\r\n", "http_error", True),
    "304 with a length": Case(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n", "http_error", True),
    "204 and a body": Case(b"HTTP/1.1 204 No Content\r\n\r\n" + GOOD, "http_error", False),
    "no body": Case(whole(b""), "malformed_body", True),
    # framing
    "chunks": Case(CHUNKED + framed(GOOD, 7), "first", True),
    "chunks of one byte": Case(CHUNKED + framed(completion("first" + "x" * 90_000), 1), "first" + "x" * 90_000, True),
    "chunks with a trailer": Case(
        CHUNKED + framed(GOOD)[:-2] + b"content-encoding: gzip\r\nconnection: close\r\n\r\n", "first", None
    ),
    "chunks with extensions": Case(CHUNKED + framed(GOOD).replace(b"\r\n", b";a=b\r\n", 1), "first", True),
    "trailer without end": Case(CHUNKED + framed(GOOD)[:-2] + b"x: " + b"y" * 200_000, "malformed_body", False),
    "chunk extension without end": Case(CHUNKED + b"5;" + b"y" * 200_000, "malformed_body", False),
    "chunk size no number": Case(CHUNKED + b"zz\r\n", "malformed_body", False),
    "chunk size over 64 bits": Case(CHUNKED + b"1" * 17 + b"\r\n", "malformed_body", False),
    "chunks cut off": Case(CHUNKED + framed(GOOD)[:-5], "connection_cut", False, "close"),
    "HTTP/1.0 with a length": Case(whole(GOOD, version=b"1.0"), "first", False, "close"),
    "HTTP/1.0 without": Case(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD, "first", False, "close"),
    "no length": Case(PLAIN + b"\r\n" + GOOD, "first", False, "close"),
    "no length, reset": Case(PLAIN + b"\r\n" + GOOD, "connection_cut", False, "reset"),
    "no length, half": Case(PLAIN + b"\r\n" + GOOD[:20], "malformed_body", False, "close"),
    "connection: close": Case(whole(GOOD, b"connection: close"), "first", False),
    "length too large": Case(limit(b"%d" % (len(GOOD) + 1)), "connection_cut", False, "close"),
    "length too small": Case(limit(b"%d" % (len(GOOD) - 1)), "malformed_body", False),
    "length negative": Case(limit(b"-1"), "malformed_body", False),
    "length over 64 bits": Case(limit(b"9" * 20), "malformed_body", False),
    "length twice": Case(PLAIN + b"content-length: 1\r\n" + limit(b"2")[len(PLAIN) :], "malformed_body", False),
    "length and chunks": Case(
        PLAIN + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + framed(GOOD), "malformed_body", False
    ),
    "unknown coding": Case(PLAIN + b"transfer-encoding: x\r\n\r\n" + GOOD, "first", False, "close"),
    # what is no HTTP
    "nothing": Case(b"", "connection_cut", False, "close"),
    "reset": Case(b"", "connection_cut", False, "reset"),
    "half a status line": Case(b"HTTP/1.1 2", "connection_cut", False, "close"),
    "HTTP/0.9": Case(GOOD, "malformed_body", False),
    "HTTP/2": Case(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0d", "malformed_body", False),
    "status of two digits": Case(whole(GOOD, status=b"20 OK"), "malformed_body", False),
    "status 000": Case(whole(GOOD, status=b"000 X"), "timeout", False),
    "status 999": Case(whole(GOOD, status=b"999 X"), "http_error", True),
    "line feeds alone": Case(whole(GOOD).replace(b"\r\n", b"\n"), "malformed_body", False),
    "NUL in a header": Case(whole(GOOD, b"x: \0"), "malformed_body", False),
    "folded header": Case(whole(GOOD, b"x: y\r\n z"), "malformed_body", False),
    # too much
    "header line of 100 kB": Case(whole(GOOD, b"x: " + b"y" * 100_000), "malformed_body", False),
    "10,000 header lines": Case(whole(GOOD, *[b"x: yyyy"] * 10_000), "malformed_body", False),
    "header without end": Case(PLAIN + b"x: " + b"y" * 1_000_000, "malformed_body", False),
    "body over the limit": Case(whole(completion("x" * 300_000)), "malformed_body", False),
    "chunks over the limit": Case(CHUNKED + framed(completion("x" * 300_000), 999), "malformed_body", None),
    "gzip": Case(whole(gzip.compress(GOOD), b"content-encoding: gzip"), "first", True),
    "gzip bomb": Case(whole(gzip.compress(b"x" * 50_000_000), b"content-encoding: gzip"), "malformed_body", True),
    "gzip cut off": Case(whole(gzip.compress(GOOD)[:-9], b"content-encoding: gzip"), "malformed_body", True),
    "deflate": Case(whole(zlib.compress(GOOD), b"content-encoding: deflate"), "first", True),
    "unknown encoding": Case(whole(GOOD, b"content-encoding: br"), "malformed_body", True),
}


async def play(call: Call, case: Case) -> bool:
    try:
        await call.send(case.says)
    except ConnectionError:
        return False  # the gateway has heard enough
    if case.then == "reset":
        await asyncio.sleep(0.02)  # the bytes first
        sock = call.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        call.writer.transport.abort()
        raise ConnectionResetError
    return case.then == "keep"


async def start(start_edge, double: WireDouble):
    return await start_edge(
        {"a": double.base_url},
        ["a/m"],
        limits=Limits(max_reply_bytes=200_000, drain_timeout_s=1.0),
        retry=Retry(max_tries=1),
        breaker=Breaker(1_000, 1.0),
    )


@pytest.mark.parametrize("name", CASES)
async def test_one_answer_for_one_request(start_edge, name) -> None:
    case = CASES[name]

    async def script(call: Call) -> bool:
        return await (play(call, case) if call.number == 0 else echo(call))

    async with WireDouble(script) as double:
        edge = await start(start_edge, double)
        wire = await Wire.open(edge.port)
        await wire.send(post(chat("asked")) + post(chat("second")) + post(chat("third")))
        first, second, third = await wire.answers(3)
        if first.status == 200:
            assert first.text == case.outcome
        else:
            assert first.json["error"]["attempts"][0]["reason"] == case.outcome
        assert (second.text, third.text) == ("second", "third")
        assert case.reused is None or (double.connections == 1) is case.reused
        assert edge.service.in_flight == 0
        await wire.close()


async def test_a_reset_behind_unread_bytes_is_no_end_of_an_answer(start_edge) -> None:
    loop = asyncio.get_running_loop()

    def provider() -> None:
        connection, _ = listening.accept()
        connection.recv(65_536)
        loop.call_soon_threadsafe(time.sleep, 0.2)  # the gateway finds the bytes and the reset together
        time.sleep(0.05)
        connection.sendall(PLAIN + b"\r\n" + GOOD)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        edge = await start_edge({"a": f"http://127.0.0.1:{listening.getsockname()[1]}/v1"}, ["a/m"])
        playing = loop.run_in_executor(None, provider)
        answer = (await say(edge.port, post(chat("asked")))).answers[0]
        await playing
    assert answer.json["error"]["attempts"][0]["reason"] == "connection_cut"


async def test_what_a_provider_says_unasked_ends_the_idle_connection(start_edge) -> None:
    async def script(call: Call) -> bool:
        await echo(call)
        if call.number == 0:
            await asyncio.sleep(0.05)
            await call.send(EVIL)
        return True

    async with WireDouble(script) as double:
        edge = await start(start_edge, double)
        assert (await say(edge.port, post(chat("first")))).answers[0].text == "first"
        await asyncio.sleep(0.1)
        assert (await say(edge.port, post(chat("second")))).answers[0].text == "second"
        assert double.connections == 2


async def test_an_answer_before_the_request_was_read(start_edge) -> None:
    class Hasty(WireDouble):
        async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(whole(completion(f"hasty {self.connections}")))
            await asyncio.Event().wait()
            return False

    async with Hasty() as double:
        edge = await start(start_edge, double)
        large = post(chat("x", user="u" * 9_000_000))
        for number in (1, 2):  # a second request behind the unsent rest of the first would never be answered
            assert (await say(edge.port, large, quiet_s=0.5)).answers[0].text == f"hasty {number}"


# -- streams

FULL = stream("first")
STREAMS = {
    "whole": (EVENT_STREAM + framed(FULL), True),
    "byte by byte": (EVENT_STREAM + framed(FULL, 1), True),
    "surplus": (EVENT_STREAM + framed(FULL) + EVIL, False),
    "surplus head": (EVENT_STREAM + framed(FULL) + EVIL[:9], False),
    "events behind the end mark": (EVENT_STREAM + framed(FULL + chunk("EVIL")), True),
    "no end of the coding": (EVENT_STREAM + framed(FULL)[:-5], False),
    "no length": (EVENT_STREAM.replace(b"transfer-encoding: chunked\r\n", b"connection: close\r\n") + FULL, False),
    "HTTP/1.0": (EVENT_STREAM.replace(b"1.1", b"1.0").replace(b"transfer-encoding: chunked\r\n", b"") + FULL, False),
    "with a length": (
        EVENT_STREAM.replace(b"transfer-encoding: chunked", b"content-length: %d" % len(FULL)) + FULL,
        True,
    ),
    "carriage returns": (EVENT_STREAM + framed(FULL.replace(b"\n", b"\r\n"), 3), True),
    "comments and fields": (
        EVENT_STREAM + framed(FULL.replace(b"data:", b": hello\nid: 1\nretry: 5\nevent: message\ndata:")),
        True,
    ),
    "byte order mark": (EVENT_STREAM + framed(b"\xef\xbb\xbf" + FULL), True),
    "interim answer": (INTERIM + EVENT_STREAM + framed(FULL), True),
    "longer than a plain answer may be": (
        EVENT_STREAM + framed(FULL.replace(b"data:", b": " + b"x" * 20_000 + b"\n\ndata:")),
        True,
    ),
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_shows_its_own_text_only(start_edge, name) -> None:
    says, reused = STREAMS[name]

    async def script(call: Call) -> bool:
        if call.number:
            return await echo(call)
        await call.send(says)
        return b"\r\ntransfer-encoding" in says or b"content-length" in says

    async with WireDouble(script) as double:
        edge = await start(start_edge, double)
        heard = await say(edge.port, post(chat("first", stream=True)) + post(chat("second")))
        body = heard.answers[0].body
        assert b"EVIL" not in body
        text = "".join(part[1:].split('"')[0] for part in body.decode().split('"content": ')[1:])
        assert text == "first"
        assert body.endswith(b"data: [DONE]\n\n")
        assert heard.answers[1].text == "second"
        assert (double.connections == 1) is reused


@pytest.mark.parametrize("before", [b"", chunk("seen")], ids=["before the first token", "after it"])
@pytest.mark.parametrize(
    "says",
    [
        b"data: " + b"x" * 1_500_000,
        b"x" * 1_500_000,
        b"data: {}\n\n",
        b"data: \xff\xfe\n\n",
        b"data: [[[[[[\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"choices":[{"delta":{"content":1}}]}\n\n',
        b'data: {"choices":[{"index":99999999999999999999,"delta":{}}]}\n\n',
        b"event: error\ndata: {}\n\n",
    ],
    ids=["endless event", "endless line", "empty object", "no UTF-8", "half", "deep", "wrong type", "number", "error"],
)
async def test_a_broken_stream_is_an_error_and_never_a_clean_end(start_edge, before, says) -> None:
    async def script(call: Call) -> bool:
        if call.streamed:
            await call.send(EVENT_STREAM + framed(before + says)[:-5])
            return False
        return await echo(call)

    async with WireDouble(script) as double:
        edge = await start(start_edge, double)
        wire = await Wire.open(edge.port)
        await wire.send(post(chat("x", stream=True)))
        if before:
            assert await wire.end() == "closed"
            assert b"event: error\ndata: " in wire.data
            assert not wire.data.endswith(b"0\r\n\r\n")
            assert b"[DONE]" not in wire.data
        else:
            assert (await wire.answers(1))[0].code == "llm_chain_failed"
        await wire.close()
        assert (await say(edge.port, post(chat("next")))).answers[0].text == "next"
        assert edge.service.in_flight == 0
