"""The fault switch of the doubles: each fault is on the wire what its name says."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest

import doubles
from doubles import Fault
from doubles.openai_api import OpenAIDouble


@pytest.fixture
def server() -> Iterator[OpenAIDouble]:
    with doubles.openai() as double:
        double.reply = "one two three four five"
        yield double


def ask(server: OpenAIDouble, timeout: float = 5.0, **fields: object) -> socket.socket:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], **fields}).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-key\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
    connection.sendall(head.encode() + body)
    return connection


def rest(connection: socket.socket) -> bytes:
    """All bytes until the server closes, or until nothing comes for the socket's timeout."""
    received = b""
    with connection:
        try:
            while part := connection.recv(65_536):
                received += part
        except TimeoutError:
            received += b"<SILENCE>"
    return received


@pytest.mark.parametrize(("kind", "ending"), [("hang", b"<SILENCE>"), ("close", b"")])
def test_no_answer_at_all(server, kind, ending):
    server.faults = Fault(kind)
    assert rest(ask(server, timeout=0.3)) == ending


def test_reset(server):
    server.faults = Fault("reset")
    with pytest.raises(ConnectionResetError):
        rest(ask(server))


@pytest.mark.parametrize(("kind", "ending"), [("cut", b""), ("stall", b"<SILENCE>")])
def test_a_stream_that_breaks(server, kind, ending):
    server.faults = Fault(kind, after=3)
    received = rest(ask(server, timeout=0.3, stream=True))
    assert b'" three"' in received
    assert b'" four"' not in received
    assert b"[DONE]" not in received
    assert not received.endswith(b"0\r\n\r\n")
    assert received.endswith(b"<SILENCE>") is bool(ending)


@pytest.mark.parametrize("kind", ["cut", "stall", "wrong_length"])
def test_a_plain_answer_shorter_than_announced(server, kind):
    server.faults = Fault(kind)
    head, _, body = rest(ask(server, timeout=0.3)).partition(b"\r\n\r\n")
    announced = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert len(body.removesuffix(b"<SILENCE>")) < announced


def test_end_early_is_whole_http(server):
    server.faults = Fault("end_early", after=2)
    received = rest(ask(server, timeout=0.3, stream=True)).removesuffix(b"<SILENCE>")
    assert received.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in received


@pytest.mark.parametrize("kind", ["delay", "drip"])
def test_slowness(server, kind):
    server.faults = Fault(kind, seconds=0.02)
    start = time.monotonic()
    received = rest(ask(server, timeout=0.3, stream=True))
    assert b"[DONE]" in received
    assert time.monotonic() - start >= 0.02  # a lower bound only: sleeping shorter is impossible


def test_a_huge_header(server):
    server.faults = Fault("huge_header", size=70_000)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("POST", "/v1/chat/completions", b"{}", {"authorization": "Bearer test-key"})
    with pytest.raises(http.client.LineTooLong):
        connection.getresponse()
    connection.close()


def test_a_compressed_stream(server):
    server.faults = Fault("gzip")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
    connection.request("POST", "/v1/chat/completions", body, {"authorization": "Bearer test-key"})
    answer = connection.getresponse()
    assert answer.headers["content-encoding"] == "gzip"
    assert b"[DONE]" in gzip.decompress(answer.read())
    connection.close()


def test_an_html_page(server):
    server.faults = Fault("html")
    received = rest(ask(server, timeout=0.3, stream=True))
    assert received.startswith(b"HTTP/1.1 200")
    assert b"text/html" in received


def test_connections_are_kept_alive_and_counted(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for _ in range(2):
        connection.request("GET", "/v1/models", headers={"authorization": "Bearer test-key"})
        assert json.loads(connection.getresponse().read())["object"] == "list"
    connection.close()
    assert (server.connections, len(server.requests)) == (1, 2)
