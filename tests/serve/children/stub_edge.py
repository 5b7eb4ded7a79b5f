"""An edge worker that gives canned answers, for tests of the rest. STUB_EDGE: ok, refuses, blank, cut, never."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from roadworthy.gateway.keys import KeyStore

parser = argparse.ArgumentParser()
parser.add_argument("--settings-fd", type=int)
parser.add_argument("--worker", type=int)
arguments = parser.parse_args()
with open(arguments.settings_fd, "rb") as pipe:
    settings = json.load(pipe)
behaviour = os.environ.get("STUB_EDGE", "ok")
store = KeyStore(Path(settings["state_dir"]) / "state.db")


class Server(ThreadingHTTPServer):
    """Shares the port as real workers do."""

    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


class Edge(BaseHTTPRequestHandler):
    """Ready, and one answer."""

    def do_GET(self) -> None:
        self.tell(503 if behaviour == "never" else 200, {"status": "ready"})

    def do_POST(self) -> None:
        ask = json.loads(self.rfile.read(int(self.headers["content-length"])))
        secret = self.headers.get("authorization", "").removeprefix("Bearer ")
        if settings["require_key"] and store.find(hashlib.sha256(secret.encode()).hexdigest()) is None:
            self.tell(401, {"error": {"code": "unauthorized", "message": "no key"}})
        elif behaviour == "refuses":
            hint = "openai/gpt: timeout after 9 ms"
            self.tell(
                502, {"error": {"code": "llm_chain_failed", "message": f"All failed. {hint}", "debug_hint": hint}}
            )
        elif ask.get("stream"):
            self.stream()
        else:
            text = " " if behaviour == "blank" else "Hello \x1b[31mthere."
            choice = {"message": {"content": text}, "finish_reason": "stop"}
            self.tell(200, {"choices": [choice], "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 7}})

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("x-roadworthy-served-by", "local/m")
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for text in ("Hel", "lo."):
            self.wfile.write(b"data: %b\n\n" % json.dumps({"choices": [{"delta": {"content": text}}]}).encode())
        if behaviour != "cut":
            self.wfile.write(b"data: [DONE]\n\n")

    def tell(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("x-roadworthy-served-by", "local/m")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


Server((settings["host"], settings["port"]), Edge).serve_forever(poll_interval=0.01)
