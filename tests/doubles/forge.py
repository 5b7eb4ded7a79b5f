"""GitHub and GitLab as far as issues go, over real HTTP: the documented statuses, headers and fields.

GitHub: docs.github.com/en/rest/issues/issues and rate-limits beside it. GitLab: docs.gitlab.com/api/issues.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "token-of-a-test-0123456789"
REPOSITORY = "acme/shop"


class ForgeDouble:
    """Both forges in one; what goes wrong is set by `faults`: statuses with headers that come first, in order."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.comments: list[tuple[int, str]] = []
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], Any]:
        """One request."""
        self.asked.append((method, path, headers))
        if self.faults:
            status, extra = self.faults.pop(0)
            return status, extra, {"message": f"fault {status}"}
        gitlab = path.startswith("/projects/")
        given = headers.get("private-token") if gitlab else headers.get("authorization", "").removeprefix("Bearer ")
        if given != TOKEN:
            return 401, {}, {"message": "Bad credentials" if not gitlab else "401 Unauthorized"}
        parts = urlsplit(path)
        if gitlab and parts.path.split("/")[2] != REPOSITORY.replace("/", "%2F"):
            return 404, {}, {"message": "404 Project Not Found"}
        if not gitlab and not parts.path.startswith(f"/repos/{REPOSITORY}/"):
            return 404, {}, {"message": "Not Found"}
        rest = unquote(parts.path).split("/issues", 1)[1]
        if method == "GET":
            return 200, {}, self._listed(parse_qs(parts.query), gitlab)
        if rest:
            number = int(rest.split("/")[1])
            self.comments.append((number, body["body"]))
            return 201, {}, {"id": 1, "body": body["body"]}
        return self._made(body, gitlab)

    def _listed(self, query: dict[str, list[str]], gitlab: bool) -> list[dict[str, Any]]:
        wanted = set(query["labels"][0].split(","))
        state = {"opened": "open"}.get(query["state"][0], query["state"][0])
        found = [each for each in self.issues if each["state"] == state and wanted <= set(each["names"])]
        return [self._shown(each, gitlab) for each in found]

    def _made(self, body: dict[str, Any], gitlab: bool) -> tuple[int, dict[str, str], Any]:
        labels = body["labels"].split(",") if gitlab else body["labels"]
        text = body["description"] if gitlab else body["body"]
        if not body.get("title") or len(body["title"]) > 256:
            return (400 if gitlab else 422), {}, {"message": "Validation Failed", "errors": [{"field": "title"}]}
        made = {"number": len(self.issues) + 1, "title": body["title"], "text": text, "names": labels, "state": "open"}
        self.issues.append(made)
        return 201, {}, self._shown(made, gitlab)

    def _shown(self, issue: dict[str, Any], gitlab: bool) -> dict[str, Any]:
        number, title = issue["number"], issue["title"]
        if gitlab:
            return {"iid": number, "title": title, "web_url": f"{self.url}/{REPOSITORY}/-/issues/{number}"}
        return {"number": number, "title": title, "html_url": f"{self.url}/{REPOSITORY}/issues/{number}"}


def _handler(double: ForgeDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def _do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, told = double.answer(self.command, self.path, headers, json.loads(raw or b"null"))
            content = json.dumps(told).encode()
            self.send_response(status)
            for name, value in {**extra, "content-type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def forge() -> Iterator[ForgeDouble]:
    """A running double."""
    double = ForgeDouble()
    thread = threading.Thread(target=double.http.serve_forever, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        double.http.shutdown()
        double.http.server_close()
        thread.join()
