"""A gateway that does what verify must find: it takes the same command line and configuration, and keeps no promise.

    python naive_gateway.py FLAW gateway serve --config FILE --port N

It asks the first target alone, passes on whatever comes, knows no key, no limit, no breaker and no budget, keeps one
cache for everybody, and writes down what it hears. With the flaw `stub` it makes its answers up instead; with `late` it
fails after four seconds; with `slow` it takes 0.2 s longer; with `mute` it accepts connections and answers nothing but
/livez and /v1/models. With `even` it keeps no answers, so that it does not grow; with `leak` it does so, too, but keeps
1 MB more each second, and with `files` it opens a file with every tenth request.
"""

from __future__ import annotations

import http.client
import json
import os
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import yaml

STUB = "This is a placeholder response."
HELP = "# HELP roadworthy_requests_total Requests.\n# HELP roadworthy_attempts_total Attempts.\n"


def names(config: dict[str, Any]) -> list[str]:
    """What a gateway of this configuration offers."""
    gateway = config["gateway"]
    found = list(gateway["routes"])
    chains = [route["chain"] for route in gateway["routes"].values()]
    for name, mode in (gateway.get("modes") or {}).items():
        roles = list(mode["roles"])
        found += [name, *(f"{name}/{role}" for role in roles[1:])]
        chains += [[each for each in chain if "/" in each] for chain in mode["roles"].values()]
    return sorted(dict.fromkeys([*found, *(target for chain in chains for target in chain)]))


class Naive(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    config: dict[str, Any]
    flaw = ""
    cache: dict[str, bytes]
    held: ClassVar[list[object]] = []

    def log_message(self, format: str, *args: object) -> None:
        print(format % args, file=sys.stderr, flush=True)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-request-id", f"req_{os.urandom(6).hex()}")
        self.send_header("access-control-allow-origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/livez":
            return self.say(200, b'{"status": "alive"}')
        if path == "/v1/models":
            data = [{"id": name, "object": "model", "owned_by": "x"} for name in names(self.config)]
            return self.say(200, json.dumps({"object": "list", "data": data}).encode())
        if path == "/metrics":
            page = f"{HELP}roadworthy_requests_total 1\nroadworthy_tasks {threading.active_count()}\n"
            return self.say(200, page.encode(), "text/plain")
        if path == "/health":
            targets = [
                {"provider": "a", "model": "m", "state": "closed"},
                {"provider": "b", "model": "m", "state": "closed"},
            ]
            return self.say(200, json.dumps({"status": "ok", "targets": targets}).encode())
        return self.say(200, b"{}")

    do_DELETE = do_OPTIONS = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        print("heard", body.decode("utf-8", "replace"), self.headers.get("x-request-id"), file=sys.stderr, flush=True)
        if self.flaw == "mute":
            self.close_connection = True
            return None
        if self.flaw == "late":
            time.sleep(4)
            return self.say(502, b'{"error": {"code": "llm_chain_failed", "message": "late"}}')
        if self.flaw == "slow":
            time.sleep(0.2)
        if self.flaw == "stub":
            choice = {"index": 0, "message": {"role": "assistant", "content": STUB}, "finish_reason": "stop"}
            return self.say(200, json.dumps({"choices": [choice], "roadworthy": {"cache": "off"}}).encode())
        self.pass_on(body)
        return None

    do_PUT = do_POST

    def pass_on(self, body: bytes) -> None:
        try:
            told = json.loads(body)
        except ValueError:
            return self.say(400, body)
        if not isinstance(told, dict) or "messages" not in told:
            return self.say(400, body)
        key = json.dumps(told["messages"])
        if "no-store" not in self.headers.get("cache-control", "") and key in self.cache:
            return self.say(200, self.cache[key])
        first = self.config["gateway"]["routes"]["chat"]["chain"][0].split("/")[0]
        name = told["model"].split("/")[0] if told["model"].startswith(("a/", "b/")) else first
        status, answer = self.asked(self.config["gateway"]["providers"][name], body)
        if self.flaw == "files" and told["messages"][0]["content"].split(":")[0].endswith("0"):
            self.held.append(open(os.devnull))  # noqa: SIM115  the flaw
        if status == 200 and self.flaw not in ("even", "leak", "files"):
            self.cache[key] = answer
        streamed = answer.startswith(b"data:")
        return self.say(status, answer, "text/event-stream" if streamed else "application/json")

    def asked(self, provider: dict[str, Any], body: bytes) -> tuple[int, bytes]:
        url = urlsplit(provider["base_url"])
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=5)
        secret = os.environ.get(str(provider.get("api_key", "")).removeprefix("env:"), "")
        try:
            told = {**json.loads(body), "model": "m"}
            connection.request(
                "POST",
                f"{url.path}/chat/completions",
                json.dumps(told, ensure_ascii=False).encode(),
                {"authorization": f"Bearer {secret}", "content-type": "application/json"},
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 500, b"upstream"
        finally:
            connection.close()


class Wide(ThreadingHTTPServer):
    """Takes many connections at once."""

    daemon_threads = True
    request_queue_size = 512


class Inside(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The socket in the state directory."""

    daemon_threads = True

    def get_request(self) -> Any:
        connection, _ = super().get_request()
        return connection, ("", 0)


class Internal(Naive):
    """Says that it closed every breaker."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.say(200, b'{"reset": 0}')


def leak() -> None:
    """Keep 1 MB more each second, in small pieces."""
    while True:
        Naive.held.append(bytearray(os.urandom(50_000)))
        time.sleep(0.05)


def serve(flaw: str, words: list[str]) -> None:
    """Listen until the end."""
    if flaw == "leak":
        threading.Thread(target=leak, daemon=True).start()
    config = yaml.safe_load(Path(words[words.index("--config") + 1]).read_text())
    Naive.config, Naive.flaw, Naive.cache = config, flaw, {}
    run = Path(config["gateway"]["state_dir"]) / "run"
    run.mkdir(parents=True, exist_ok=True)
    socket = run / "edge-0.sock"
    socket.unlink(missing_ok=True)
    threading.Thread(target=Inside(str(socket), Internal).serve_forever, daemon=True).start()
    Wide(("127.0.0.1", int(words[words.index("--port") + 1])), Naive).serve_forever()


def main() -> None:
    """Do what the command line says."""
    flaw, *words = sys.argv[1:]
    if words[0] in ("gateway", "up") and "--port" in words:
        serve(flaw, words)
    elif words[:2] == ["key", "create"]:
        print(json.dumps({"data": {"secret": f"rw_{os.urandom(8).hex()}"}}))
    else:
        print(json.dumps({"data": {"entries": [], "whole": False}}))


if __name__ == "__main__":
    main()
