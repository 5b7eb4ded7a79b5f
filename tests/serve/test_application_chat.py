"""How applications ask models: what is waited for, what is told, and that nobody waits for an answer in vain."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import GatewayError, UsageError
from roadworthy.core.job import JobInterrupted
from roadworthy.serve import application_chat
from roadworthy.serve.application_chat import EdgeChat

Answer = tuple[int, dict[str, str], Any]
GOOD: Answer = (200, {}, {"choices": [], "roadworthy": {}})
REFUSED = {
    "code": "runtime_quality_failed", "what": "No answer passed.", "why": "Why.", "mend": "Mend.", "message": "m",
    "attempts": [{"provider": "p", "model": "m", "reason": "gate", "latency_ms": 3.0}], "request_id": "req_1",
    "quality_issues": {"words": [{"rule": "min"}]}, "rejected": {"text": "short", "served_by": "p/m"},
}  # fmt: skip


class Edge:
    """Answers from a script, the last line again and again; None hangs until the caller is gone."""

    def __init__(self, path: Path, *answers: Answer | None) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.gone = threading.Event()
        edge = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                edge.asked.append((self.path, body))
                answer = answers[min(len(edge.asked), len(answers)) - 1]
                if answer is None:
                    assert self.connection.recv(1) == b""
                    edge.gone.set()
                    self.close_connection = True
                    return
                status, lines, told = answer
                content = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                for name, value in {**lines, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

            def address_string(self) -> str:
                return "edge"

        self.server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Callable[..., Edge]]:
    made: list[Edge] = []

    def start(*answers: Answer | None, name: str = "edge-0.sock") -> Edge:
        made.append(Edge(tmp_path / name, *answers))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits as long as they would have been; they end at once."""
    told: list[float] = []
    monkeypatch.setattr(application_chat, "_pause", lambda seconds, check: told.append(seconds))
    return told


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[EdgeChat]:
    made = EdgeChat(tmp_path)
    yield made
    made.close()


def on(chat: EdgeChat, check: Callable[[], None] = lambda: None, **body: Any) -> dict[str, Any]:
    return chat("key_a", {"model": "chat", "messages": [], **body}, check)


def test_it_asks_in_the_name_of_the_tenant(edge, chat: EdgeChat, pauses: list[float]) -> None:
    made = edge(GOOD)
    assert on(chat, quality={"words": {"min": 3}}) == GOOD[2]
    body = {"model": "chat", "messages": [], "quality": {"words": {"min": 3}}}
    assert made.asked == [("/internal/as/key_a/v1/chat/completions", body)]
    assert pauses == []


def test_limits_and_busy_providers_are_waited_for(edge, chat: EdgeChat, pauses: list[float]) -> None:
    busy: Answer = (503, {}, {"error": {"code": "llm_unavailable"}})
    limited: Answer = (429, {"retry-after": "7"}, {"error": {"code": "rate_limited"}})
    edge(busy, *[limited] * 9, busy, busy, GOOD)
    assert on(chat) == GOOD[2]
    assert pauses == [0.5, *[7.0] * 9, 1.0, 2.0]


def test_what_does_not_get_better_is_told(edge, chat: EdgeChat, pauses: list[float]) -> None:
    edge((503, {}, {"error": {"code": "llm_unavailable"}}))
    with pytest.raises(RemoteError) as told:
        on(chat)
    assert (told.value.code, told.value.status) == ("llm_unavailable", 503)
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_a_refusal_carries_why(edge, chat: EdgeChat, pauses: list[float]) -> None:
    edge((422, {}, {"error": REFUSED}))
    with pytest.raises(RemoteError) as told:
        on(chat)
    error = told.value
    assert (error.code, error.what, error.request_id) == ("runtime_quality_failed", "No answer passed.", "req_1")
    assert [(one.provider, one.reason) for one in error.attempts] == [("p", "gate")]
    assert error.quality_issues == {"words": [{"rule": "min"}]}
    assert error.rejected is not None
    assert (error.rejected.text, error.rejected.served_by) == ("short", "p/m")
    assert pauses == []


def test_a_limit_smaller_than_the_question_is_final(edge, chat: EdgeChat, pauses: list[float]) -> None:
    edge((429, {}, {"error": {"code": "budget_exceeded"}}))
    with pytest.raises(RemoteError) as told:
        on(chat)
    assert told.value.code == "budget_exceeded"
    assert pauses == []


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff", b"[" * 5_000])
def test_an_answer_that_is_none_is_an_error(edge, chat: EdgeChat, pauses: list[float], content: bytes) -> None:
    edge((200, {}, content))
    with pytest.raises(GatewayError) as told:
        on(chat)
    assert told.value.code == "llm_failure"


def test_an_edge_that_is_started_again_is_waited_for(edge, chat: EdgeChat, monkeypatch, tmp_path: Path) -> None:
    waits: list[float] = []

    def pause(seconds: float, check: Callable[[], None]) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            edge(GOOD)

    monkeypatch.setattr(application_chat, "_pause", pause)
    assert on(chat) == GOOD[2]
    assert waits == [1.0] * 3


def test_without_any_edge_it_gives_up(chat: EdgeChat, pauses: list[float], monkeypatch) -> None:
    monkeypatch.setattr(application_chat, "AWAY_S", 0.05)
    with pytest.raises(GatewayError) as told:
        on(chat)
    assert told.value.code == "gateway_unreachable"


def test_whoever_is_told_to_stop_hangs_up(edge, chat: EdgeChat) -> None:
    made = edge(None)
    checks: list[float] = []

    def check() -> None:
        checks.append(time.monotonic())
        if len(checks) == 4:
            raise JobInterrupted

    with pytest.raises(JobInterrupted):
        on(chat, check)
    assert made.gone.wait(5)


def test_many_threads_ask_at_once(edge, chat: EdgeChat) -> None:
    made = edge(GOOD)
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda n=n: answers.append(on(chat, n=n))) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == [GOOD[2]] * 30
    assert sorted(body["n"] for _, body in made.asked) == list(range(30))


@pytest.mark.parametrize("body", [{"stream": True}, {"messages": object()}, {"n": float("nan")}])
def test_a_question_that_cannot_be_asked_is_refused(chat: EdgeChat, body: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        on(chat, **body)
