"""The data plane as a caller sees it: ask, plain or streamed, and look at its health."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from roadworthy.client.record import (
    Answer,
    Health,
    LlmHealth,
    Model,
    Served,
    objects,
    pick,
    read_llm_health,
    read_served,
)
from roadworthy.client.transport import Api, read_error
from roadworthy.core.errors import GatewayError, UsageError

Messages = str | Sequence[Mapping[str, Any]]


class GatewayClient(Api):
    """Calls the public API of a gateway. Every call raises `RemoteError` for what the gateway reports.

    Every call raises `GatewayError` with `gateway_unreachable` when nothing answers, or something that is no gateway.

    Args:
        url: For example `http://127.0.0.1:8080`.
        key: Key with scope `use`; None when the gateway needs none.
        timeout_s: Longest silence while an answer is awaited, in seconds.
        fresh: Take no answer out of the gateway's cache, and leave none in it; for whoever judges the providers.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = 120.0, fresh: bool = False) -> None:
        super().__init__(url, key, timeout_s=timeout_s, fresh=fresh)

    def chat(self, messages: Messages, *, model: str, **parameters: Any) -> Answer:
        """Ask and wait for the whole answer.

        Args:
            messages: The user's text, or OpenAI-shaped messages.
            model: Route, or `provider/model`.
            parameters: Further fields of the request; those that are None are left out.

        Raises:
            RemoteError: For example `llm_chain_failed`, with the attempts.
            GatewayError: `gateway_unreachable`.
        """
        start = time.monotonic()
        response, told = self.call("POST", "/v1/chat/completions", _body(messages, model, parameters))
        choice = next(iter(objects(told, "choices")), {})
        usage = told.get("usage")
        return Answer(
            pick(choice.get("message"), "content", str) or "",
            pick(told, "model", str) or "",
            response.headers.get("x-roadworthy-served-by", ""),
            pick(choice, "finish_reason", str),
            pick(usage, "prompt_tokens", int),
            pick(usage, "completion_tokens", int),
            (time.monotonic() - start) * 1000,
            read_served(told),
        )

    def stream(self, messages: Messages, *, model: str, **parameters: Any) -> Iterator[str | Answer]:
        """Ask and get the answer's text as it comes, then, once and last, the whole `Answer`.

        Args:
            messages: As in `chat`.
            model: As in `chat`.
            parameters: As in `chat`.

        Raises:
            RemoteError: Before any text; or `stream_incomplete` in the middle, as the gateway reports it.
            GatewayError: `stream_incomplete` when the stream ends without its end mark; `gateway_unreachable`.
        """
        body = _body(messages, model, {**parameters, "stream": True, "stream_options": {"include_usage": True}})
        gathered = _Gathered()
        with self.open("/v1/chat/completions", body) as response:
            gathered.served_by = response.headers.get("x-roadworthy-served-by", "")
            try:
                for event in httpx2.EventSource(response):
                    if event.data == "[DONE]":
                        break
                    text = gathered.take(event.data)
                    if text:
                        yield text
                else:
                    raise _incomplete("It ended without its end mark.")
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                raise _incomplete(f"The connection broke: {type(error).__name__}.") from error
        yield gathered.answer()

    def models(self) -> tuple[Model, ...]:
        """The names that callers may ask for.

        Raises:
            RemoteError: For example `unauthorized`.
            GatewayError: `gateway_unreachable`.
        """
        _, told = self.call("GET", "/v1/models")
        return tuple(
            Model(pick(item, "id", str) or "", pick(item, "owned_by", str) or "") for item in objects(told, "data")
        )

    def health(self) -> Health:
        """All parts, as /health tells them; not healthy is an answer, not an error."""
        return self._health("/health")

    def live(self) -> Health:
        """Whether the process lives, as /livez tells it."""
        return self._health("/livez")

    def ready(self) -> Health:
        """Whether it takes requests, as /readyz tells it; not ready is an answer, not an error."""
        return self._health("/readyz")

    def health_llm(self) -> LlmHealth:
        """One real request through the real chain; costs what a short answer costs.

        Raises:
            GatewayError: `gateway_unreachable`.
        """
        _, told = self.call("GET", "/health/llm", also_ok=(500, 502, 503, 504))
        return read_llm_health(told)

    def metrics(self) -> str:
        """The metrics page in Prometheus text format; needs the scope operate where keys are needed."""
        return b"".join(self.download("/metrics")).decode("utf-8", "replace")

    def _health(self, path: str) -> Health:
        response, told = self.call("GET", path, also_ok=(500, 503))
        return Health(response.is_success, response.status_code, told, _skew(response.headers.get("date", "")))


class _Gathered:
    """What a stream has said so far."""

    def __init__(self) -> None:
        self.served_by = ""
        self._start = time.monotonic()
        self._text: list[str] = []
        self._model = ""
        self._finish_reason: str | None = None
        self._usage: dict[str, Any] | None = None
        self._served: Served | None = None

    def take(self, data: str) -> str:
        """Read one event and return the text it adds; raises what an error event reports."""
        try:
            told = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _incomplete("One of its events is not JSON.") from error
        failed = pick(told, "error", dict)
        if failed is not None:
            raise read_error({"code": "stream_incomplete", "attempts": _attempts(told), **failed})
        choice = next(iter(objects(told, "choices")), {})
        text = pick(choice.get("delta"), "content", str) or ""
        self._text.append(text)
        self._model = pick(told, "model", str) or self._model
        self._finish_reason = pick(choice, "finish_reason", str) or self._finish_reason
        self._usage = pick(told, "usage", dict) or self._usage
        self._served = read_served(told) or self._served
        return text

    def answer(self) -> Answer:
        """The whole answer."""
        return Answer(
            "".join(self._text),
            self._model,
            self.served_by,
            self._finish_reason,
            pick(self._usage, "prompt_tokens", int),
            pick(self._usage, "completion_tokens", int),
            (time.monotonic() - self._start) * 1000,
            self._served,
        )


def _body(messages: Messages, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    told = [{"role": "user", "content": messages}] if isinstance(messages, str) else [dict(one) for one in messages]
    given = {name: value for name, value in parameters.items() if value is not None}
    body = {"model": model, "messages": told, **given}
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        # Bytes that are no UTF-8 become lone surrogates in sys.argv and stdin.
        raise UsageError("The request is not text.", "A part of it is not UTF-8.", "Convert it to UTF-8.") from error
    return body


def _attempts(told: object) -> object:
    return (pick(told, "roadworthy", dict) or {}).get("attempts")


def _incomplete(why: str) -> GatewayError:
    return GatewayError("The stream broke before the answer was whole.", why, code="stream_incomplete")


def _skew(date: str) -> float | None:
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (there - datetime.now(UTC)).total_seconds() if there.tzinfo is not None else None
