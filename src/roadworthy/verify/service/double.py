"""Doubles of providers on loopback: they answer as documented, or fail as documented, and count who asked them what.

OpenAI's shapes after platform.openai.com/docs/api-reference/chat and docs/guides/error-codes; Anthropic's after its API
docs ("Messages", "Errors"). A path `/N/v1/...` is the double of the provider number N.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

PLACEHOLDER = "This is a placeholder response. [STUB]"
"""What a provider's double of kind `stub` answers: text that no gateway may serve."""
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"

FAILURES = (
    "error", "unavailable", "hang", "refuse", "rate_limited", "unauthorized", "html", "empty", "garbage", "stub", "cut",
)  # fmt: skip
"""Ways in which a provider fails: 500, 503, no answer, closed connection, 429, 401, a proxy's page as 200, an empty
answer, JSON that breaks off, placeholder text, an answer that breaks off in its middle."""
_STATUS = {"error": 500, "unavailable": 503, "rate_limited": 429, "unauthorized": 401, "leak": 500}
_WORDS = {500: "server_error", 503: "service_unavailable_error", 429: "requests", 401: "invalid_request_error"}


@dataclass
class Behaviour:
    """How a provider's double answers; may be changed at any time.

    Attributes:
        kind: `answer`, `leak` (500 that repeats what was sent, credentials too), or one of `FAILURES`.
        delay_s: Before the first byte.
        text: Of the answer; None makes one that is different each time.
        retry_after_s: Of a 429.
        completion_tokens: Told as usage; None takes the request's limit, else 16.
    """

    kind: str = "answer"
    delay_s: float = 0.0
    text: str | None = None
    retry_after_s: int = 1
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One request of a gateway.

    Attributes:
        provider: Name.
        model: Asked for.
        at: `time.monotonic()` of its last byte.
        body: As it came.
        kind: The behaviour it met.
        tokens: Prompt and answer that were told as used; 0 when none.
        credential: What the gateway showed as its key.
    """

    provider: str
    model: str
    at: float
    body: bytes
    kind: str
    tokens: int = 0
    credential: str = field(default="", repr=False)


@dataclass
class _Request:
    number: int
    path: str
    headers: Mapping[str, str]
    body: bytes
    told: dict[str, Any] = field(default_factory=dict)


class Doubles:
    """One server for all providers, in a thread of its own; a context manager.

    Args:
        providers: Their names; the place is the number in the path.

    Attributes:
        behaviour: By provider; under `provider/model` for one model alone.
        received: Every request, in order.
        under_way: Requests that are being answered, and the most there were at the same time.
    """

    def __init__(self, providers: tuple[str, ...] = ()) -> None:
        self.providers = providers
        self.behaviour = {name: Behaviour() for name in providers}
        self.received: list[Received] = []
        self.under_way = 0
        self.peak = 0
        self.port = 0
        self._serial = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="doubles", daemon=True)
        self._started = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def url(self) -> str:
        """Root of the doubles."""
        return f"http://127.0.0.1:{self.port}"

    def serving(self, providers: tuple[str, ...]) -> None:
        """Take the place of these providers."""
        self.providers = providers
        self.behaviour = {name: Behaviour() for name in providers}

    def all(self, kind: str = "answer", **more: Any) -> None:
        """Let every provider behave alike, and all of its models."""
        self.behaviour = {name: Behaviour(kind, **more) for name in self.providers}

    def since(self, mark: int, target: str = "") -> list[Received]:
        """The requests after the first `mark`; those for a `provider/model` alone when one is named."""
        return [each for each in self.received[mark:] if target in ("", f"{each.provider}/{each.model}")]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**24, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                self.under_way += 1
                self.peak = max(self.peak, self.under_way)
                try:
                    if not await self._answer(request, writer):
                        return
                finally:
                    self.under_way -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            return  # the gateway hung up, or the drill is over
        finally:
            writer.close()

    async def _answer(self, request: _Request, writer: asyncio.StreamWriter) -> bool:
        if not 0 <= request.number < len(self.providers):
            return False
        name = self.providers[request.number]
        model = str(request.told.get("model", ""))
        behaviour = self.behaviour.get(f"{name}/{model}") or self.behaviour[name]
        prompt = max(1, len(request.body) // 8)
        limit = request.told.get("max_tokens") or request.told.get("max_completion_tokens") or 16
        completion = behaviour.completion_tokens if behaviour.completion_tokens is not None else int(limit)
        used = prompt + completion if behaviour.kind in ("answer", "stub") else 0
        shown = request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("x-api-key", "")
        self.received.append(Received(name, model, time.monotonic(), request.body, behaviour.kind, used, shown))
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        return await self._say(request, writer, behaviour, name, (prompt, completion))

    async def _say(
        self, request: _Request, writer: asyncio.StreamWriter, behaviour: Behaviour, name: str, used: tuple[int, int]
    ) -> bool:
        kind = behaviour.kind
        if kind == "hang":
            await asyncio.sleep(3600)
        if kind in ("refuse", "hang"):
            return False
        if kind in _STATUS:
            writer.write(_error(request, behaviour, _STATUS[kind]))
            await writer.drain()
            return True
        text = self._text(request, behaviour, name)
        plain = _plain(request, text, used)
        if kind == "html":
            writer.write(_whole(HTML, content_type="text/html"))
        elif kind == "garbage":
            writer.write(_whole(plain[: len(plain) // 2]))
        elif request.told.get("stream"):
            writer.write(_stream(request, text, used, cut=kind == "cut"))
        else:
            writer.write(_whole(plain)[: -len(plain) // 2 if kind == "cut" else None])
        await writer.drain()
        return kind != "cut"

    def _text(self, request: _Request, behaviour: Behaviour, name: str) -> str:
        if behaviour.kind == "empty":
            return ""
        if behaviour.kind == "stub":
            return PLACEHOLDER
        if behaviour.text is not None:
            return behaviour.text
        self._serial += 1
        seen = hashlib.sha256(request.body).hexdigest()[:8]
        return f"Bridges grow in summer, says {name} in its answer {self._serial} to question {seen}."


def is_ours(text: str) -> bool:
    """Whether a text is an answer that a healthy double gave."""
    return text.startswith("Bridges grow in summer, says ")


def _anthropic(request: _Request) -> bool:
    return request.path.endswith("/messages")


def _error(request: _Request, behaviour: Behaviour, status: int) -> bytes:
    message = "The double fails as it was told to."
    if behaviour.kind == "leak":
        sent = request.headers.get("authorization") or request.headers.get("x-api-key") or ""
        message = f"Upstream failed for {sent} with {request.body.decode('utf-8', 'replace')}"
    kind = "overloaded_error" if status == 503 else "api_error"
    told: dict[str, Any] = {"error": {"message": message, "type": _WORDS[status], "param": None, "code": None}}
    if _anthropic(request):
        told = {"type": "error", "error": {"type": kind, "message": message}}
    lines = {"retry-after": str(behaviour.retry_after_s)} if status == 429 else {}
    return _whole(json.dumps(told).encode(), status=status, headers=lines)


def _plain(request: _Request, text: str, used: tuple[int, int]) -> bytes:
    model = request.told.get("model", "")
    if _anthropic(request):
        return json.dumps({
            "id": "msg_double", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": text}],
            "usage": {"input_tokens": used[0], "output_tokens": used[1]},
        }).encode()  # fmt: skip
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    return json.dumps({
        "id": "chatcmpl-double", "object": "chat.completion", "created": 1_760_000_000, "model": model,
        "choices": [choice], "usage": _usage(used),
    }).encode()  # fmt: skip


def _usage(used: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)}


def _stream(request: _Request, text: str, used: tuple[int, int], *, cut: bool) -> bytes:
    events = _anthropic_events(request, text, used) if _anthropic(request) else _openai_events(request, text, used)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    if cut:
        events = events[: max(2, len(events) // 2)]
    content = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in events)
    return head + content + (b"" if cut else b"0\r\n\r\n")


def _openai_events(request: _Request, text: str, used: tuple[int, int]) -> list[bytes]:
    words = text.split(" ") if text else []
    pieces = [word if not at else f" {word}" for at, word in enumerate(words)]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in pieces), {}]

    def event(delta: dict[str, Any], last: bool) -> bytes:
        told = {
            "id": "chatcmpl-double", "object": "chat.completion.chunk", "created": 1_760_000_000,
            "model": request.told.get("model", ""),
            "choices": [{"index": 0, "delta": delta, "finish_reason": "stop" if last else None}],
        }  # fmt: skip
        return b"data: " + json.dumps(told).encode() + b"\n\n"

    found = [event(delta, at == len(deltas) - 1) for at, delta in enumerate(deltas)]
    options = request.told.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        told = {"id": "chatcmpl-double", "object": "chat.completion.chunk", "created": 1_760_000_000,
                "model": request.told.get("model", ""), "choices": [], "usage": _usage(used)}  # fmt: skip
        found.append(b"data: " + json.dumps(told).encode() + b"\n\n")
    return [*found, b"data: [DONE]\n\n"]


def _anthropic_events(request: _Request, text: str, used: tuple[int, int]) -> list[bytes]:
    start = json.loads(_plain(request, "", used)) | {"content": [], "stop_reason": None}
    start["usage"]["output_tokens"] = 1
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"{word} "}}
          for word in text.split(" ") if word),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": used[1]}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in told]


def _whole(
    body: bytes, *, status: int = 200, content_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> bytes:
    lines = [f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}", f"content-type: {content_type}"]
    lines += [f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def _read(reader: asyncio.StreamReader) -> _Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    path = first.split(" ")[1]
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    number = path.lstrip("/").split("/", 1)[0]
    told: Any = None
    with contextlib.suppress(ValueError):
        told = json.loads(body)
    return _Request(
        int(number) if number.isdecimal() else -1, path, headers, body, told if isinstance(told, dict) else {}
    )
