"""Files and batches pass through the edge: checked, bounded, piece by piece, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

import doubles
from roadworthy.gateway.edge import passage
from roadworthy.gateway.edge.passage import Passages
from roadworthy.gateway.settings import Key, Limits

MIB = 1 << 20
Answer = Callable[[str, bytes], tuple[int, bytes]]


@dataclass
class WorkerDouble:
    """Takes requests on the worker's socket, one per connection, as the worker does."""

    path: Path
    answer: Answer = lambda head, body: (200, b"{}")
    read_pause_s: float = 0.0
    cut_after: int | None = None
    answers_at_once: bool = False
    heads: list[str] = field(default_factory=list)
    received: int = 0
    digest: str = ""
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = hashlib.sha256()
            left = 0 if self.answers_at_once else int(lines.get("content-length", 0))
            while left:
                piece = await reader.read(min(left, 256 * 1024))
                if not piece:
                    self.broken.set()
                    return
                left -= len(piece)
                self.received += len(piece)
                body.update(piece)
                if self.read_pause_s:
                    await asyncio.sleep(self.read_pause_s)
            self.digest = body.hexdigest()
            status, content = self.answer(head, b"")
            kind = b"application/json" if content[:1] == b"{" else b"application/jsonl"
            writer.write(b"HTTP/1.1 %d X\r\ncontent-type: %b\r\ncontent-length: %d\r\nx-request-id: w\r\n\r\n" % (
                status, kind, len(content)))  # fmt: skip
            writer.write(content if self.cut_after is None else content[: self.cut_after])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.broken.set()
        finally:
            writer.close()
            self.closed.set()


Start = Callable[..., Awaitable[object]]


@pytest_asyncio.fixture
async def worker(tmp_path: Path) -> AsyncIterator[WorkerDouble]:
    (tmp_path / "run").mkdir()
    double = WorkerDouble(tmp_path / "run" / "worker.sock")
    server = await asyncio.start_unix_server(double.handle, double.path, limit=64 * 1024)
    yield double
    server.close()


@pytest_asyncio.fixture
async def edge(start_edge, tmp_path: Path):
    """An edge whose ordinary bodies may have 64 KiB and whose files 8 MiB."""
    with doubles.openai() as double:
        made = await start_edge(
            {"up": double.base_url},
            ["up/gpt-4.1-mini"],
            state_dir=str(tmp_path),
            limits=Limits(max_body_bytes=65_536, request_timeout_s=1.0, drain_timeout_s=1.0),
        )
        made.server.passages = Passages(made.service, 8 * MIB)
        yield made


async def test_the_request_goes_through_with_its_tenant_and_query(edge, worker: WorkerDouble) -> None:
    worker.answer = lambda head, body: (200, b'{"object":"list"}')
    answer = await edge.http.get("/v1/files?purpose=batch&limit=5", headers={"rw-tenant": "somebody-else"})
    assert (answer.status_code, answer.json(), answer.headers["x-request-id"]) == (200, {"object": "list"}, "w")
    [head] = worker.heads
    assert head.startswith("GET /v1/files?purpose=batch&limit=5 HTTP/1.1\r\n")
    assert head.count("rw-tenant") == 1
    assert "rw-tenant: anonymous\r\n" in head


async def _received(worker: WorkerDouble, size: int) -> None:
    async with asyncio.timeout(30):
        while worker.received < size:  # noqa: ASYNC110 - the double counts in its own way
            await asyncio.sleep(0.005)


async def test_a_large_upload_waits_for_a_slow_worker_without_filling_memory(edge, worker, monkeypatch) -> None:
    content = bytes(range(256)) * (6 * MIB // 256)
    worker.read_pause_s = 0.01
    waiting: list[int] = []
    write = passage.Passage._write

    def watched(self, data: bytes) -> None:
        write(self, data)
        waiting.append(sum(map(len, self._waiting)) if self._transport is None else
                       self._transport.get_write_buffer_size())  # fmt: skip

    monkeypatch.setattr(passage.Passage, "_write", watched)
    answer = await edge.http.post("/v1/files", content=content)
    assert answer.status_code == 200
    assert worker.digest == hashlib.sha256(content).hexdigest()
    assert max(waiting) < MIB


async def test_others_are_served_while_an_upload_crawls(edge, worker: WorkerDouble) -> None:
    worker.read_pause_s = 0.05
    upload = asyncio.create_task(edge.http.post("/v1/files", content=b"x" * (4 * MIB)))
    await _received(worker, 200_000)
    assert [(await edge.ask()).status_code for _ in range(5)] == [200] * 5
    assert not upload.done()
    assert (await upload).status_code == 200


async def test_an_upload_over_the_limit_is_refused_before_its_body(edge, worker: WorkerDouble) -> None:
    answer = await edge.http.post("/v1/files", content=b"x" * (8 * MIB + 70_000))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert not worker.heads


async def test_one_that_hides_its_size_is_cut_off_at_the_limit(edge, worker: WorkerDouble) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")

    async def send_on() -> None:
        for _ in range(40):
            writer.write(b"80000\r\n" + b"x" * 0x80000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    with pytest.raises(ConnectionError):
        await send_on()
    assert edge.service.in_flight == 0


async def test_a_large_content_comes_back_whole(edge, worker: WorkerDouble) -> None:
    content = b'["line"]\n' * 400_000
    worker.answer = lambda head, body: (200, content)
    answer = await edge.http.get("/v1/files/file-1/content")
    assert answer.content == content
    assert answer.headers["content-type"] == "application/jsonl"


async def test_a_content_that_breaks_never_looks_whole(edge, worker: WorkerDouble) -> None:
    worker.answer = lambda head, body: (200, b"x" * 400_000)
    worker.cut_after = 200_000
    with pytest.raises(httpx2.RemoteProtocolError):
        await edge.http.get("/v1/files/file-1/content")


async def test_errors_of_the_worker_pass_unchanged(edge, worker: WorkerDouble) -> None:
    worker.answer = lambda head, body: (404, b'{"error":{"code":"not_found"}}')
    answer = await edge.http.get("/v1/batches/batch_none")
    assert (answer.status_code, answer.json()) == (404, {"error": {"code": "not_found"}})


async def test_a_worker_that_is_being_started_is_waited_for(edge, tmp_path: Path) -> None:
    content = b"x" * (3 * MIB)
    asking = asyncio.create_task(edge.http.post("/v1/files", content=content))
    (tmp_path / "run").mkdir()
    await asyncio.sleep(0.3)  # it was tried and nobody was there
    double = WorkerDouble(tmp_path / "run" / "worker.sock")
    server = await asyncio.start_unix_server(double.handle, double.path, limit=64 * 1024)
    assert (await asking).status_code == 200
    assert double.digest == hashlib.sha256(content).hexdigest()
    server.close()


async def test_without_a_worker_it_is_said_when_to_come_again(edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage, "CONNECT_S", 0.1)
    answer = await edge.http.post("/v1/batches", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "worker_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_worker_that_hangs_up_is_one_that_is_away(edge, worker: WorkerDouble) -> None:
    worker.answer = lambda head, body: (200, b"{" + b"x" * 100)
    worker.cut_after = 10
    assert (await edge.http.get("/v1/files")).status_code == 503


async def test_a_caller_that_goes_away_leaves_nothing(edge, worker: WorkerDouble) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n" + b"x" * 100_000)
    await _received(worker, 100_000)
    writer.transport.abort()
    async with asyncio.timeout(30):
        await worker.broken.wait()


@pytest.mark.parametrize("framing", [b"content-length: 5", b"transfer-encoding: chunked"])
async def test_an_answer_before_the_body_is_told_after_it(edge, worker: WorkerDouble, framing: bytes) -> None:
    worker.answers_at_once = True
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"POST /v1/files HTTP/1.1\r\nhost: x\r\n%b\r\n\r\n" % framing)
    async with asyncio.timeout(30):
        await worker.closed.wait()
    await asyncio.sleep(0.05)
    writer.write(b"hello" if b"length" in framing else b"5\r\nhello\r\n0\r\n\r\n")
    async with asyncio.timeout(30):
        assert b" 200 " in await reader.readline()
    writer.close()


async def test_a_caller_that_stops_sending_is_not_waited_for(edge, worker: WorkerDouble) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n" + b"x" * 1000)
    began = time.monotonic()
    answer = await reader.read()
    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert time.monotonic() - began < 10
    async with asyncio.timeout(30):
        await worker.broken.wait()
    writer.close()


@pytest.mark.parametrize(
    ("method", "headers", "status", "code"),
    [
        ("PUT", {}, 405, "method_not_allowed"),
        ("HEAD", {}, 405, ""),
        ("GET", {"origin": "https://page.example"}, 403, "forbidden"),
    ],
)
async def test_what_is_not_passed_on(edge, worker, method: str, headers, status: int, code: str) -> None:
    answer = await edge.http.request(method, "/v1/files", headers=headers)
    assert answer.status_code == status
    assert code in answer.text
    assert not worker.heads


async def test_keys_are_checked_before_any_byte_of_the_body(start_edge, worker: WorkerDouble, tmp_path: Path) -> None:
    made = await start_edge({}, [], state_dir=str(tmp_path), require_key=True)
    made.server.passages = Passages(made.service, MIB)
    digest = hashlib.sha256(b"rw_test").hexdigest()
    other = hashlib.sha256(b"rw_op").hexdigest()
    made.service.load_keys([Key("key_1", digest, ("use",)), Key("key_2", other, ("operate",))])
    assert (await made.http.post("/v1/files", content=b"x")).status_code == 401
    refused = await made.http.post("/v1/files", content=b"x", headers={"authorization": "Bearer rw_op"})
    assert refused.status_code == 403
    assert not worker.heads
    taken = await made.http.post("/v1/files", content=b"x", headers={"authorization": "Bearer rw_test"})
    assert taken.status_code == 200
    assert "rw-tenant: key_1\r\n" in worker.heads[0]
    assert "rw_test" not in worker.heads[0]


async def test_several_requests_share_a_connection(edge, worker: WorkerDouble) -> None:
    for number in range(5):
        assert (await edge.http.post("/v1/files", content=b"x" * 1000 * number)).status_code == 200
        assert (await edge.ask()).status_code == 200
    assert len(edge.server.connections) == 1


async def test_a_pipelined_one_is_refused_after_the_one_before_it(edge, worker: WorkerDouble) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"GET /v1/batches HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/files HTTP/1.1\r\nhost: x\r\n\r\n")
    answers = await reader.read()
    assert answers.count(b"HTTP/1.1 ") == 2
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in answers
    assert len(worker.heads) == 1
    writer.close()


async def test_an_upload_that_asks_first_is_told_to_go_on(edge, worker: WorkerDouble) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hello")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert worker.received == 5
    writer.close()


async def test_when_batches_are_off_the_paths_are_unknown(edge, worker: WorkerDouble) -> None:
    edge.server.passages = None
    answer = await edge.http.get("/v1/files")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
