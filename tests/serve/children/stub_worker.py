"""The internal routes of an edge worker on a unix socket, answered from a script: `StubWorker(path, {...})`."""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


class StubWorker:
    """Answers `answers["METHOD /path"]`, a status and a body (bytes, or a JSON value); keeps what it was asked."""

    def __init__(self, path: Path, answers: dict[str, tuple[int, Any]]) -> None:
        self.asked: list[tuple[str, Any]] = []
        worker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                line = f"{self.command} {self.path}"
                size = int(self.headers.get("content-length", 0))
                worker.asked.append((line, json.loads(self.rfile.read(size)) if size else None))
                status, body = answers.get(line, (404, b"nothing here"))
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def address_string(self) -> str:
                return "worker"

        path.parent.mkdir(parents=True, exist_ok=True)
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
