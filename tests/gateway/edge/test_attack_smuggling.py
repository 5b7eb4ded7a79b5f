"""Request smuggling: bytes that two parsers could read differently get one clean error and a closed connection.

Sources: RFC 9112 §11.2 and §6.3; J. Kettle, "HTTP Desync Attacks", 2019; A. Klein, "HTTP Request Smuggling in 2020".
Every case is followed by a whole second request: it must never be answered, and never reach the provider.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import doubles
from raw_http import chat, chunked, get, post, say
from rig.worker import Worker, settings
from roadworthy.gateway.settings import Limits, Route, Target

BODY = chat("first")
SMUGGLED = post(chat("SMUGGLED"))
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
HEAD = LINE + b"host: gateway\r\n"
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKED = b"transfer-encoding: chunked\r\n"
IN_CHUNKS = chunked(BODY)


def framing(lines: bytes, body: bytes = IN_CHUNKS) -> bytes:
    """A chat request whose framing lines are `lines`."""
    return HEAD + lines + b"\r\n" + body


def length(value: bytes) -> bytes:
    return framing(b"content-length:" + value + b"\r\n", BODY)


def coding(value: bytes) -> bytes:
    return framing(b"transfer-encoding:" + value + b"\r\n")


def target(value: bytes) -> bytes:
    return b"POST " + value + b" HTTP/1.1\r\nhost: gateway\r\n" + LENGTH + b"\r\n" + BODY


REFUSED = {
    # two lengths
    "CL.TE": framing(LENGTH + CHUNKED, b"0\r\n\r\n"),
    "TE.CL": framing(CHUNKED + b"content-length: 4\r\n"),
    "CL twice, the same": framing(LENGTH + LENGTH, BODY),
    "CL twice, different": framing(LENGTH + b"content-length: 0\r\n", BODY),
    "CL as a list": length(b" %d, %d" % (len(BODY), len(BODY))),
    "CL with plus": length(b" +%d" % len(BODY)),
    "CL negative": length(b" -1"),
    "CL hexadecimal": length(b" 0x40"),
    "CL with underscore": length(b" 1_0"),
    "CL with two numbers": length(b" 4 4"),
    "CL empty": length(b""),
    "CL over 64 bits": length(b" 18446744073709551617"),
    "CL with exponent": length(b" 1e2"),
    "CL in other digits": length(" ٦٤".encode()),
    # transfer codings that others may take for chunked, or not
    "TE unknown": coding(b" xchunked"),
    "TE chunked is not last": coding(b" chunked, identity"),
    "TE chunked twice": coding(b" chunked, chunked"),
    "TE identity first": coding(b" identity, chunked"),
    "TE gzip first": coding(b" gzip, chunked"),
    "TE two lines": framing(CHUNKED + CHUNKED),
    "TE two lines, unknown first": framing(b"transfer-encoding: x\r\n" + CHUNKED),
    "TE two lines, identity last": framing(CHUNKED + b"transfer-encoding: identity\r\n"),
    "TE with parameter": coding(b" chunked;q=1"),
    "TE quoted": coding(b' "chunked"'),
    "TE behind vertical tab": coding(b" \x0bchunked"),
    "TE before tab": coding(b" chunked\t"),
    "TE empty": coding(b""),
    "TE folded": coding(b"\r\n chunked"),
    "TE in HTTP/1.0": b"POST /v1/chat/completions HTTP/1.0\r\n" + CHUNKED + b"\r\n" + IN_CHUNKS,
    "TE in HTTP/1.0, kept alive": LINE.replace(b"1.1", b"1.0")
    + b"connection: keep-alive\r\n"
    + CHUNKED
    + b"\r\n"
    + IN_CHUNKS,
    # header lines
    "space before colon": framing(b"transfer-encoding : chunked\r\n"),
    "space before colon of CL": framing(b"content-length : %d\r\n" % len(BODY), BODY),
    "folded line": framing(b"x-a: b\r\n c\r\n" + LENGTH, BODY),
    "space before the first line": LINE + b" host: gateway\r\n" + LENGTH + b"\r\n" + BODY,
    "bare CR": framing(b"x-a: b\rcontent-length: 0\r\n" + LENGTH, BODY),
    "bare LF": framing(b"x-a: b\ncontent-length: 0\r\n" + LENGTH, BODY),
    "only LF": framing(LENGTH, BODY).replace(b"\r\n", b"\n"),
    "LF ends the header": HEAD + LENGTH.rstrip() + b"\n\n" + BODY,
    "NUL in a value": framing(b"x-a: b\0c\r\n" + LENGTH, BODY),
    "NUL in a name": framing(b"x\0a: b\r\n" + LENGTH, BODY),
    "name beyond ASCII": framing("x-é: b\r\n".encode() + LENGTH, BODY),
    "line without colon": framing(b"x-a\r\n" + LENGTH, BODY),
    "line without name": framing(b": b\r\n" + LENGTH, BODY),
    "Host twice": framing(b"host: other\r\n" + LENGTH, BODY),
    "Host missing": LINE + LENGTH + b"\r\n" + BODY,
    # the first line
    "method is no word": b"P@ST / HTTP/1.1\r\nhost: a\r\n\r\n",
    "method in lower case": b"post /v1/chat/completions HTTP/1.1\r\nhost: a\r\n\r\n",
    "method of 5,000 letters": b"A" * 5_000 + b" / HTTP/1.1\r\nhost: a\r\n\r\n",
    "path of 3,000 bytes": target(b"/" + b"a" * 3_000),
    "space in the path": target(b"/v1/chat completions"),
    "control character in the path": target(b"/v1/\x01"),
    "path beyond ASCII": target("/v1/é".encode()),
    "authority form": target(b"gateway:80"),
    "CONNECT": b"CONNECT gateway:80 HTTP/1.1\r\nhost: gateway\r\n\r\n",
    "HTTP/2.0": b"GET /livez HTTP/2.0\r\nhost: gateway\r\n\r\n",
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\nhost: gateway\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 64,
    # chunks
    "chunk size negative": framing(CHUNKED, b"-1\r\n"),
    "chunk size over 64 bits": framing(CHUNKED, b"10000000000000001\r\nx"),
    "chunk size of all bits": framing(CHUNKED, b"ffffffffffffffff\r\n" + b"x" * 70_000),
    "chunk size no number": framing(CHUNKED, b"xyz\r\n"),
    "chunk size with prefix": framing(CHUNKED, b"0x" + IN_CHUNKS),
    "chunk size with space": framing(CHUNKED, IN_CHUNKS.replace(b"\r\n", b" \r\n", 1)),
    "chunk size empty": framing(CHUNKED, b"\r\n" + IN_CHUNKS),
    "chunk size ends with LF": framing(CHUNKED, IN_CHUNKS.replace(b"\r\n", b"\n", 1)),
    "chunk without CRLF": framing(CHUNKED, b"%x\r\n%b0\r\n\r\n" % (len(BODY), BODY)),
    "chunk with other end": framing(CHUNKED, b"%x\r\n%bXX0\r\n\r\n" % (len(BODY), BODY)),
    "chunk ends with LF": framing(CHUNKED, b"%x\r\n%b\n0\r\n\r\n" % (len(BODY), BODY)),
    "LF in a chunk extension": framing(CHUNKED, IN_CHUNKS.replace(b"\r\n", b";a\nb\r\n", 1)),
    "CR in a chunk extension": framing(CHUNKED, IN_CHUNKS.replace(b"\r\n", b";a\rb\r\n", 1)),
    "endless chunk extension": framing(CHUNKED, IN_CHUNKS.replace(b"\r\n", b";a=" + b"b" * 100_000 + b"\r\n", 1)),
    "trailer names a length": framing(CHUNKED, IN_CHUNKS[:-2] + b"content-length: 5\r\n\r\n"),
    "trailer names a coding": framing(CHUNKED, IN_CHUNKS[:-2] + CHUNKED + b"\r\n"),
    "endless trailer": framing(CHUNKED, IN_CHUNKS[:-2] + b"x-a: " + b"b" * 40_000),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[doubles.openai]:
    with doubles.openai() as double:
        yield double


@pytest.fixture(scope="module")
def worker(upstream: doubles.openai, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    limits = Limits(max_body_bytes=65_536, drain_timeout_s=2.0)
    with Worker(settings(tmp_path_factory.mktemp("edge"), upstream.base_url, limits=limits)) as running:
        yield running


def asked(upstream: doubles.openai) -> list[str]:
    """What reached the provider since the last look."""
    texts = [request.json["messages"][0]["content"] for request in upstream.requests]
    upstream.requests.clear()
    return texts


@pytest.mark.parametrize("case", REFUSED)
async def test_ambiguous_bytes_get_one_error_and_a_closed_connection(worker, upstream, case) -> None:
    heard = await say(worker.port, REFUSED[case] + SMUGGLED)
    assert len(heard.answers) == 1, heard
    assert heard.statuses[0] in {400, 413, 431}
    assert heard.answers[0].json["error"]["mend"]
    assert heard.answers[0].headers["connection"] == "close"
    assert (heard.ended, heard.rest, heard.interim) == ("closed", b"", 0)
    assert asked(upstream) == []


@pytest.mark.parametrize("cut", [500, 20_000, 40_000, 65_536, 80_000, 98_000])
async def test_an_endless_chunk_extension_is_refused_wherever_the_network_cuts_it(worker, upstream, cut) -> None:
    data = REFUSED["endless chunk extension"] + SMUGGLED
    heard = await say(worker.port, data[:cut], data[cut:], gap_s=0.05)
    assert heard.statuses == [413]
    assert asked(upstream) == []


@pytest.mark.parametrize("case", ["CL.TE", "TE.CL", "TE gzip first", "trailer names a length", "Host missing"])
async def test_the_same_in_single_bytes(worker, upstream, case) -> None:
    data = REFUSED[case] + SMUGGLED
    heard = await say(worker.port, *(data[i : i + 1] for i in range(len(data))))
    assert len(heard.answers) == 1
    assert heard.ended == "closed"
    assert asked(upstream) == []


@pytest.mark.parametrize("case", ["CL.TE", "TE unknown", "Host twice", "CONNECT", "chunk without CRLF"])
async def test_a_bad_request_behind_a_good_one_does_not_spoil_its_answer(worker, upstream, case) -> None:
    heard = await say(worker.port, post(chat("good")) + REFUSED[case] + SMUGGLED)
    assert heard.statuses[0] == 200
    assert heard.statuses[1:] == [400]
    assert heard.ended == "closed"
    assert asked(upstream) == ["good"]


READ_ONE_WAY = {
    # exactly as RFC 9112 says, so the second request is one
    "CL with spaces": (length(b"   %d  " % len(BODY)), [200, 200]),
    "CL with zeros": (length(b" 000%d" % len(BODY)), [200, 200]),
    "chunked": (framing(CHUNKED), [200, 200]),
    "chunked in capitals": (framing(b"Transfer-Encoding: CHUNKED\r\n"), [200, 200]),
    "chunked behind tab": (coding(b"\tchunked"), [200, 200]),
    "chunk extensions": (framing(CHUNKED, IN_CHUNKS.replace(b"\r\n", b';a="b;c"\r\n', 1)), [200, 200]),
    "chunk size with zeros": (framing(CHUNKED, b"000" + IN_CHUNKS), [200, 200]),
    "chunks of one byte": (framing(CHUNKED, chunked(*(BODY[i : i + 1] for i in range(len(BODY))))), [200, 200]),
    "trailer": (framing(CHUNKED, IN_CHUNKS[:-2] + b"x-checksum: 1\r\n\r\n"), [200, 200]),
    "CRLF before the request": (b"\r\n\r\n" + post(BODY), [200, 200]),
    "absolute form": (target(b"http://other.example/v1/chat/completions?a=b"), [200, 200]),
    "body of a GET": (get(b"/livez", b"content-length: 5") + b"hello", [200, 200]),
    "asterisk form": (b"OPTIONS * HTTP/1.1\r\nhost: gateway\r\n\r\n", [404, 200]),
    "unknown path": (get(b"/../../etc/passwd"), [404, 200]),
    "other method": (b"DELETE /v1/models HTTP/1.1\r\nhost: gateway\r\n\r\n", [405, 200]),
    # the sender says that nothing follows, or wants another protocol: what follows is not looked at
    "close": (post(BODY, b"connection: close"), [200]),
    "HTTP/1.0": (post(BODY).replace(b"HTTP/1.1", b"HTTP/1.0"), [200]),
    "upgrade to h2c": (
        post(BODY, b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABk"),
        [200],
    ),
    "upgrade with chunks": (framing(CHUNKED + b"connection: upgrade\r\nupgrade: h2c\r\n"), [200]),
    "upgrade to websocket": (
        get(b"/livez", b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="),
        [200],
    ),
    "upgrade that nobody asked the connection for": (post(BODY, b"upgrade: h2c"), [200, 200]),
}


@pytest.mark.parametrize("case", READ_ONE_WAY)
async def test_what_the_rfc_allows_is_read_as_it_says(worker, upstream, case) -> None:
    request, statuses = READ_ONE_WAY[case]
    heard = await say(worker.port, request + SMUGGLED)
    assert heard.statuses == statuses
    assert heard.ended == ("open" if len(statuses) == 2 else "closed")
    expected = [] if b"/chat/completions" not in request else ["first"]
    assert asked(upstream) == ([*expected, "SMUGGLED"] if len(statuses) == 2 else expected)


async def test_a_wrong_method_is_told_the_right_one(worker) -> None:
    heard = await say(worker.port, get(b"/v1/chat/completions") + post(BODY, path=b"/livez"))
    assert [(answer.status, answer.headers["allow"]) for answer in heard.answers] == [(405, "POST"), (405, "GET, HEAD")]


async def test_an_upgrade_in_pieces_is_read_with_its_body(worker, upstream) -> None:
    request = post(BODY, b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c")
    heard = await say(worker.port, request[:60], request[60:-20], request[-20:-5], request[-5:], gap_s=0.02)
    assert heard.statuses == [200]
    assert asked(upstream) == ["first"]


async def test_an_upgrade_may_wait_for_a_go_ahead(worker, upstream) -> None:
    lines = (b"connection: upgrade", b"upgrade: h2c", b"expect: 100-continue")
    heard = await say(worker.port, post(BODY, *lines))
    assert (heard.statuses, heard.interim) == ([200], 1)
    assert asked(upstream) == ["first"]


async def test_a_trailer_is_no_header(start_edge) -> None:
    edge = await start_edge({"a": "http://127.0.0.1:9/v1"}, ["a/m"], require_key=True)
    seen: list[bytes | None] = []
    known = edge.service.authorize

    def authorize(authorization: bytes | None, scope: str, required: bool) -> str:
        seen.append(authorization)
        return known(authorization, scope, required)

    edge.service.authorize = authorize
    trailer = IN_CHUNKS[:-2] + b"authorization: Bearer stolen\r\n\r\n"
    heard = await say(edge.port, framing(CHUNKED, trailer) + framing(CHUNKED))
    assert heard.statuses == [401, 401]
    assert seen == [None, None]


async def test_head_is_answered_without_a_body(worker) -> None:
    heard = await say(worker.port, get().replace(b"GET", b"HEAD") + get(), head_only=[0])
    assert heard.statuses == [200, 200]
    assert int(heard.answers[0].headers["content-length"]) == len(heard.answers[1].body)


async def test_a_model_name_cannot_write_header_lines_or_json(upstream, tmp_path) -> None:
    route = Route("mock-*", (Target("up", "*"),))
    with Worker(settings(tmp_path, upstream.base_url, routes=(route,))) as worker:
        heard = await say(worker.port, post(chat("x", model="mock-\r\nset-cookie: a=b\r\n\r\n")))
        assert heard.statuses == [404]
        assert asked(upstream) == []
        heard = await say(worker.port, post(chat("x", model='mock-","é":{"')))
        assert heard.answers[0].json["roadworthy"]["attempts"][0]["model"] == 'mock-","é":{"'
        assert asked(upstream) == ["x"]
