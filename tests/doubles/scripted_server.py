"""A tiny real HTTP server that says what it is told to and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Say:
    """An answer. `cut` ends ten bytes before the promised end; `hang` waits for the test's end before answering."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False


def events(*payloads: object, done: bool = True, cut: bool = False, headers: dict[str, str] | None = None) -> Say:
    """An event stream; a string payload is sent as it is, anything else as JSON."""
    lines = [f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in payloads]
    body = "".join(lines) + ("data: [DONE]\n\n" if done else "")
    return Say(body.encode(), headers={"content-type": "text/event-stream", **(headers or {})}, cut=cut)


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class ScriptedServer:
    """Answers by `script["METHOD /path"]`, with 404 for anything else."""

    def __init__(self) -> None:
        self.script: dict[str, Say] = {}
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append(Asked(self.command, self.path, headers, json.loads(raw) if raw else None))
                say = server.script.get(f"{self.command} {self.path}", Say({"error": {"code": "not_found"}}, 404))
                if say.hang:
                    server.over.wait(30)
                self.send_response_only(say.status)
                body = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
                length = len(body) + (10 if say.cut else 0)
                for name, value in {"content-length": str(length), **say.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client may have given up
                    self.wfile.write(body)
                self.close_connection = say.cut or say.hang

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    @property
    def last(self) -> Asked:
        return self.asked[-1]


@contextmanager
def serving(server: ScriptedServer | None = None) -> Iterator[ScriptedServer]:
    """A server that runs as long as the block."""
    server = server or ScriptedServer()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.http.shutdown()
        thread.join()
        server.http.server_close()
