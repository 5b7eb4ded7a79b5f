"""A queue behind real HTTP that keeps, refuses, forgets or mangles what it takes: only what is told honestly passes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.service import queued
from roadworthy.verify.service.configuration import Line, Target
from roadworthy.verify.service.drill import Drill
from roadworthy.verify.service.queued import hand_over

COUNT = 3
ERROR = {"error": {"code": "store_unavailable", "message": "The disk is full."}}


class Queue(BaseHTTPRequestHandler):
    """Takes files and batches; `way` says what it does during the fault."""

    protocol_version = "HTTP/1.1"
    way: str
    store: dict[str, Any]

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def say(self, status: int, told: object) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        away = self.store["away"]
        if away and self.way == "refuses":
            return self.say(503, ERROR)
        if away and self.way == "hangs up":
            self.close_connection = True
            return None
        if away and self.way == "no code":
            return self.say(500, b"oops")
        if away and self.way == "waits":
            time.sleep(queued.FELT_S + 0.1)
        kind = "batch" if self.path == "/v1/batches" else "file"
        number = f"{kind}_{len(self.store)}_{time.monotonic_ns()}"
        content = b"" if kind == "batch" else body.split(b"\r\n\r\n")[-1].split(b"\r\n--")[0]
        if not away or self.way not in ("forgets", "instantly forgets"):
            self.store[number] = content[:-9] if away and self.way == "mangles" else content
        if away and self.way == "forgets":
            time.sleep(queued.FELT_S + 0.1)
        return self.say(200, {"id": number, "object": kind})

    def do_GET(self) -> None:
        number = self.path.split("/")[3]
        if number not in self.store:
            return self.say(404, {"error": {"code": "not_found", "message": "no"}})
        if self.path.endswith("/content"):
            return self.say(200, self.store[number])
        status = "failed" if self.way == "fails" else "completed"
        return self.say(200, {"id": number, "status": status, "request_counts": {"total": 1, "completed": 1}})


@pytest.fixture
def behind() -> Iterator[Callable[[str], tuple[Drill, dict[str, Any]]]]:
    servers: list[ThreadingHTTPServer] = []

    def start(way: str) -> tuple[Drill, dict[str, Any]]:
        store: dict[str, Any] = {"away": False}
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Queue,), {"way": way, "store": store}))
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        edge = SimpleNamespace(url=f"http://127.0.0.1:{server.server_address[1]}")
        lines = (Line("chat", (Target("a", "m"),), 1.0),)
        return cast(Drill, SimpleNamespace(edge=edge, key=None, lines=lines)), store

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@contextmanager
def _away(store: dict[str, Any]) -> Iterator[None]:
    store["away"] = True
    yield
    store["away"] = False


@pytest.mark.parametrize(
    ("way", "taken", "felt", "problem"),
    [
        ("refuses", 0, True, ""),
        ("waits", COUNT, True, ""),
        ("keeps", COUNT, False, ""),
        ("forgets", COUNT, True, "3 batches were taken during the fault and afterwards are unknown"),
        ("instantly forgets", COUNT, False, "3 files were taken during the fault and afterwards are not what was sent"),
        ("mangles", COUNT, False, "3 files were taken during the fault and afterwards are not what was sent"),
        ("fails", COUNT, False, "4 batches were taken during the fault and afterwards are failed"),
        ("hangs up", 0, False, "A batch got no answer that says what became of it"),
        ("no code", 0, False, "A file got no answer that says what became of it"),
    ],
)
def test_what_is_taken_is_done_or_refused(
    way: str, taken: int, felt: bool, problem: str, behind: Callable[[str], tuple[Drill, dict[str, Any]]]
) -> None:
    drill, store = behind(way)
    found = hand_over(drill, _away(store), "gone", COUNT)
    assert (len(found.batches) - 1, len(found.files)) == (taken, taken)
    assert found.felt is felt
    assert problem in found.problems if problem else not found.problems, found.problems


def test_a_queue_that_takes_nothing_before_is_not_measured(
    behind: Callable[[str], tuple[Drill, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queued, "_READY_S", 0.6)
    drill, store = behind("refuses")
    store["away"] = True
    with pytest.raises(NotMeasured, match="even before the fault"):
        hand_over(drill, _away(store), "gone", COUNT)
