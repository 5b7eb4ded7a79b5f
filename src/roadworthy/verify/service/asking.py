"""Callers of a service that see every byte: plain HTTP/1.1, many at once, nothing retried, nothing interpreted."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

CHAT = "/v1/chat/completions"
_LARGEST = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: HTTP status; None when no answer came.
        headers: In lower case.
        body: All that came.
        seconds: From the moment it was to be sent to the last byte.
        failure: Kind of the exception; empty with a whole answer.
        at: `time.monotonic()` when it was to be sent.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    failure: str = ""
    at: float = 0.0

    @property
    def told(self) -> dict[str, Any]:
        """The JSON object of a plain answer; empty when there is none."""
        return _object(self.body)

    @property
    def streamed(self) -> bool:
        """Whether it came as events."""
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON objects of a stream."""
        lines = self.body.decode("utf-8", "replace").splitlines()
        return [
            _object(line[5:].encode()) for line in lines if line.startswith("data:") and line[5:].strip() != "[DONE]"
        ]

    @property
    def ended(self) -> bool:
        """Whether it came to its end: a stream by its end mark."""
        return not self.failure and (not self.streamed or b"data: [DONE]" in self.body)

    @property
    def error(self) -> dict[str, Any] | None:
        """The error object; None when there is none."""
        sources = self.events if self.streamed else [self.told]
        return next((each["error"] for each in sources if isinstance(each.get("error"), dict)), None)

    @property
    def code(self) -> str:
        """Our code of the error; empty when there is none."""
        return str((self.error or {}).get("code") or "")

    @property
    def text(self) -> str:
        """Text of the answer."""
        if self.streamed:
            return "".join(_piece(each, "delta") for each in self.events)
        return _piece(self.told, "message")

    @property
    def about(self) -> dict[str, Any]:
        """The `roadworthy` object."""
        sources = self.events if self.streamed else [self.told]
        found = next((each["roadworthy"] for each in sources if isinstance(each.get("roadworthy"), dict)), None)
        return found or {}

    @property
    def cache(self) -> str:
        """What the cache did, as the answer says in its header or body."""
        return str(self.headers.get("x-roadworthy-cache") or self.about.get("cache") or "")

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """Providers asked or passed over, as the answer tells."""
        found = (self.error or {}).get("attempts") or self.about.get("attempts") or []
        return [each for each in found if isinstance(each, dict)]

    def brief(self) -> dict[str, Any]:
        """For the evidence."""
        return {
            "status": self.status, "code": self.code, "text": self.text[:200], "cache": self.cache,
            "seconds": round(self.seconds, 4), "failure": self.failure,
            "attempts": [f"{each.get('provider')}/{each.get('model')}: {each.get('reason')}" for each in self.attempts],
        }  # fmt: skip


class Caller:
    """One connection that is kept open between requests; a context manager.

    Args:
        url: Root of the service.
        key: Sent as bearer token.
        timeout_s: Longest silence.
    """

    def __init__(self, url: str, key: str | None = None, timeout_s: float = 30.0) -> None:
        parts = urlsplit(url)
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = make(parts.hostname or "", parts.port, timeout=timeout_s)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None,
        at: float | None = None,
    ) -> Reply:  # fmt: skip
        """One request; what goes wrong is told in the reply.

        Args:
            method: Of HTTP.
            path: Below the root.
            body: JSON bytes.
            headers: Further ones.
            at: `time.monotonic()` from which the seconds count; now when None.
        """
        begin = time.monotonic() if at is None else at
        sent = {
            **self._headers,
            **({"content-type": "application/json"} if body is not None else {}),
            **(headers or {}),
        }
        status, told, content = None, {}, b""
        try:
            self._connection.request(method, self._prefix + path, body, sent)
            answer = self._connection.getresponse()
            status, told = answer.status, {name.lower(): value for name, value in answer.getheaders()}
            content = answer.read(_LARGEST)
        except http.client.IncompleteRead as cut:
            self._connection.close()
            return Reply(status, told, cut.partial, time.monotonic() - begin, "IncompleteRead", begin)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            self._connection.close()
            return Reply(status, told, content, time.monotonic() - begin, type(problem).__name__, begin)
        return Reply(status, told, content, time.monotonic() - begin, "", begin)

    def chat(self, model: str, text: str, *, at: float | None = None, headers: Mapping[str, str] | None = None,
             **more: Any) -> Reply:  # fmt: skip
        """One chat request."""
        return self.send("POST", CHAT, chat_body(model, text, **more), headers, at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Question:
    """One chat request to be sent.

    Attributes:
        model: Name asked for.
        text: Of the user.
        more: Further fields of the body.
        headers: Further header lines.
    """

    model: str
    text: str
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def chat_body(model: str, text: str, **more: Any) -> bytes:
    """A chat request."""
    told = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return json.dumps(told, ensure_ascii=False).encode()


def ask_all(
    url: str,
    questions: Sequence[Question],
    *,
    key: str | None = None,
    parallel: int = 16,
    rate_per_s: float | None = None,
    timeout_s: float = 30.0,
    told: Callable[[int, int], None] | None = None,
) -> list[Reply]:
    """Send questions, `parallel` at most at the same time; replies in the order of the questions.

    Args:
        url: Root of the service.
        questions: What to send.
        key: Sent as bearer token.
        parallel: Connections.
        rate_per_s: Open loop: each question has a moment at which it is to be sent, whatever became of those before,
            and its seconds count from then. None sends as fast as the answers come.
        timeout_s: Longest silence.
        told: Hears how many are done, of how many.
    """
    replies: list[Reply | None] = [None] * len(questions)
    lock, state = threading.Lock(), {"next": 0, "done": 0}
    begin = time.monotonic() + 0.05

    def work() -> None:
        caller = Caller(url, key, timeout_s)
        try:
            while True:
                with lock:
                    number = state["next"]
                    state["next"] += 1
                if number >= len(questions):
                    return
                at = None
                if rate_per_s is not None:
                    at = begin + number / rate_per_s
                    time.sleep(max(0.0, at - time.monotonic()))
                each = questions[number]
                replies[number] = caller.chat(each.model, each.text, at=at, headers=each.headers, **each.more)
                with lock:
                    state["done"] += 1
                    if told is not None and state["done"] % 50 == 0:
                        told(state["done"], len(questions))
        finally:
            caller.close()

    with ThreadPoolExecutor(min(parallel, max(1, len(questions)))) as pool:
        for job in [pool.submit(work) for _ in range(min(parallel, len(questions)))]:
            job.result()
    return [each for each in replies if each is not None]


def _object(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _piece(told: Mapping[str, Any], name: str) -> str:
    choices = told.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    part = first.get(name)
    text = part.get("content") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""
