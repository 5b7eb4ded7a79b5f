"""The wire format that most APIs share: OpenAI's Chat Completions and Embeddings.

Source: OpenAI API reference, "Chat Completions: create", "The chat completion object", "The chat completion chunk
object", "Embeddings: create". This is the hot path: an answer is decoded once, into the few fields that the gateway
decides on, and travels on as the bytes that came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.chat import KNOWN_PARAMETERS, ChatRequest
from roadworthy.gateway.providers import fault
from roadworthy.gateway.providers.contract import (
    Piece,
    Provider,
    ProviderFailure,
    Reply,
    StreamDecoder,
    UnsupportedParameter,
    Usage,
)
from roadworthy.gateway.providers.header import request_headers
from roadworthy.gateway.settings import ProviderSettings


class _Present(msgspec.Struct, gc=False):
    """An object whose presence is all that matters."""


class _PromptTokens(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _Cost(msgspec.Struct, gc=False):
    total_cost: float | None = None


class _Tokens(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptTokens | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    cost: _Cost | float | None = None  # Perplexity; others give a bare number, of which the currency is not known


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Present] | None = None
    function_call: _Present | None = None
    audio: _Present | None = None


class _Choice(msgspec.Struct, gc=False):
    message: _Message
    finish_reason: str | None = None
    index: int = 0


class _Completion(msgspec.Struct, gc=False):
    choices: list[_Choice]
    model: str | None = None
    usage: _Tokens | None = None
    error: _Present | None = None


class _ChunkChoice(msgspec.Struct, gc=False):
    delta: _Message | None = None
    finish_reason: str | None = None
    index: int = 0


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_ChunkChoice]
    model: str | None = None
    usage: _Tokens | None = None
    error: _Present | None = None


class _Embeddings(msgspec.Struct, gc=False):
    data: list[_Present]
    model: str | None = None
    usage: _Tokens | None = None


_decode_completion = msgspec.json.Decoder(_Completion).decode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_embeddings = msgspec.json.Decoder(_Embeddings).decode
_encode = msgspec.json.Encoder().encode
# As numbers: `10 in data` is ten times as fast as `b"\n" in data`.
_LINE_FEED, _OPENING_BRACE, _CLOSING_BRACE = b"\n{}"

# Values that ask for what happens anyway, so that a provider without the parameter can leave them out.
_NEUTRAL: dict[str, tuple[bytes, ...]] = {
    "n": (b"1",),
    "logprobs": (b"false",),
    "store": (b"false",),
    "stream": (b"false",),
    "tools": (b"[]",),
    "tool_choice": (b'"auto"', b'"none"'),
    "modalities": (b'["text"]',),
    "logit_bias": (b"{}",),
    "frequency_penalty": (b"0", b"0.0"),
    "presence_penalty": (b"0", b"0.0"),
    "stop": (b"[]",),
    "parallel_tool_calls": (b"true",),
    "top_logprobs": (b"0",),
}
WITHOUT_EFFECT = frozenset(
    [
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    ]
)
"""Parameters that do not change what is answered: bookkeeping, caching and speed at OpenAI."""


class OpenAIShape:
    """Base of the providers that speak OpenAI's format; subclasses say what their API takes.

    Args:
        settings: Address, key and extra headers.

    Raises:
        ConfigError: A key is needed and missing, or a header cannot be sent.
    """

    kind: ClassVar[str] = ""
    default_base_url: ClassVar[str] = ""
    needs_key: ClassVar[bool] = False
    takes: ClassVar[frozenset[str] | None] = None
    """Parameters that the API documents; None: all are passed on."""
    leaves_out: ClassVar[frozenset[str]] = frozenset()
    """Parameters that are dropped because they do not change the answer there."""
    renames: ClassVar[Mapping[str, str]] = {}
    """OpenAI's name of a parameter, and the API's own."""
    knows_developer: ClassVar[bool] = True
    """Whether the API knows the role `developer`; else it is sent as `system`."""
    counts_streams: ClassVar[bool] = False
    """Whether a stream tells its tokens when asked (`stream_options.include_usage`); then it is always asked."""

    chat_path = "/chat/completions"
    embeddings_path: str | None = None

    def __init__(self, settings: ProviderSettings) -> None:
        self.name = settings.name
        self.base_url = (settings.base_url or self.default_base_url).rstrip("/")
        self.headers = request_headers(settings, "authorization", "Bearer ", required=self.needs_key)

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        """See `Provider.chat_body`."""
        fields = ask.fields
        if self.takes is None or fields.keys() <= self.takes:
            extra = _counted(ask) if self.counts_streams and ask.stream and not ask.include_usage else {}
            if self.knows_developer or not _has_developer(ask):
                return ask.body(model, **extra)
            return ask.body(model, messages=without_developer(ask), **extra)
        dropped, changed = self._fit(ask)
        if self.counts_streams and ask.stream and not ask.include_usage:
            changed.update(_counted(ask))
        if not self.knows_developer and _has_developer(ask):
            changed["messages"] = without_developer(ask)
        return ask.body(model, tuple(dropped), **changed)

    def _fit(self, ask: ChatRequest) -> tuple[list[str], dict[str, Any]]:
        """Names to leave out and fields to add, so that only documented parameters are left."""
        dropped: list[str] = []
        changed: dict[str, Any] = {}
        takes = self.takes or KNOWN_PARAMETERS
        for name, raw in ask.fields.items():
            if name in takes:
                continue
            own = self.renames.get(name)
            if own is None and name not in self.leaves_out and not is_neutral(name, raw):
                raise UnsupportedParameter(name)
            dropped.append(name)
            if own is not None and bytes(raw) != b"null":
                changed[own] = raw
        return dropped, changed

    def chat_reply(self, ask: ChatRequest, body: bytes) -> Reply:
        """See `Provider.chat_reply`."""
        try:
            completion = _decode_completion(body)
            choice = completion.choices[0]
        except (*fault.UNREADABLE, IndexError):
            raise fault.unreadable(body) from None
        if completion.error is not None:
            raise fault.unreadable(body)
        message = choice.message
        has_payload = bool(message.tool_calls or message.refusal or message.function_call or message.audio)
        if not has_payload and len(completion.choices) > 1:
            has_payload = any(_has_payload(each.message) for each in completion.choices)
        content = message.content
        if choice.finish_reason == "content_filter" and not has_payload and (not content or content.isspace()):
            raise ProviderFailure(Reason.CONTENT_FILTERED, 200, "The provider's content filter withheld the answer.")
        return Reply(
            body if body[-1] == _CLOSING_BRACE and body[0] == _OPENING_BRACE else body.strip(),
            completion.model or "",
            content,
            choice.finish_reason,
            has_payload,
            _usage(completion.usage),
        )

    def chat_stream(self, ask: ChatRequest) -> StreamDecoder:
        """See `Provider.chat_stream`."""
        return OpenAIStream(hide_usage=self.counts_streams and not ask.include_usage)

    def embeddings_body(self, fields: Mapping[str, msgspec.Raw], model: str) -> bytes:
        """See `Provider.embeddings_body`."""
        return _encode({**fields, "model": model})

    def embeddings_reply(self, body: bytes) -> Reply:
        """See `Provider.embeddings_reply`."""
        try:
            answer = _decode_embeddings(body)
        except fault.UNREADABLE:
            raise fault.unreadable(body) from None
        if not answer.data:
            raise ProviderFailure(Reason.EMPTY, 200, "The answer holds no vectors.")
        usage = answer.usage
        tokens = None
        if usage is not None and usage.prompt_tokens is not None:
            tokens = Usage(usage.prompt_tokens, usage.completion_tokens or 0)
        return Reply(body.strip(), answer.model or "", has_payload=True, usage=tokens)

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> ProviderFailure:
        """See `Provider.failure`."""
        return fault.failure(status, headers, body)


class OpenAIStream:
    """Decoder of one stream whose end mark is `data: [DONE]`.

    Args:
        ends_with_choice: The API sends no end mark of its own; the chunk with the finish reason is the end.
        hide_usage: The last chunk with the usage was asked for by us and is not shown to the caller.
    """

    __slots__ = ("_ends_with_choice", "_hide_usage", "_shown", "finished")

    def __init__(self, ends_with_choice: bool = False, hide_usage: bool = False) -> None:
        self.finished = False
        self._ends_with_choice = ends_with_choice
        self._hide_usage = hide_usage
        self._shown = False

    def feed(self, event: bytes, data: bytes) -> Sequence[Piece]:
        """See `StreamDecoder.feed`."""
        try:
            chunk = _decode_chunk(data)
        except fault.UNREADABLE:
            return self._not_a_chunk(data)
        if chunk.error is not None:
            raise fault.unreadable(data)
        text, useful, finish = _read(chunk.choices)
        if useful:
            self._shown = True
        if finish is not None:
            self._end(finish)
        usage = chunk.usage
        if usage is not None and self._hide_usage and not chunk.choices:
            return (Piece(b"", model=chunk.model or "", usage=_usage(usage)),)
        return (
            Piece(
                data if _LINE_FEED not in data and data[-1] == _CLOSING_BRACE else one_line(data),
                text,
                useful,
                finish,
                chunk.model or "",
                None if usage is None else _usage(usage),
            ),
        )

    def _end(self, finish: str) -> None:
        if finish == "content_filter" and not self._shown:
            raise ProviderFailure(Reason.CONTENT_FILTERED, 200, "The provider's content filter withheld the answer.")
        if self._ends_with_choice:
            self.finished = True

    def _not_a_chunk(self, data: bytes) -> Sequence[Piece]:
        stripped = data.strip()
        if stripped == b"[DONE]":
            self.finished = True
            return ()
        if not stripped:
            return ()
        raise fault.unreadable(data)


def _read(choices: list[_ChunkChoice]) -> tuple[str, bool, str | None]:
    """Text and finish reason of the first choice, and whether any choice shows the caller something."""
    text, useful, finish = "", False, None
    for choice in choices:
        first = choice.index == 0
        if first and choice.finish_reason:
            finish = choice.finish_reason
        delta = choice.delta
        if delta is None:
            continue
        content = delta.content
        if content:
            if first:
                text = content
            if not content.isspace():
                useful = True
                continue
        if _has_payload(delta):
            useful = True
    return text, useful, finish


def _has_payload(message: _Message) -> bool:
    return bool(message.tool_calls or message.refusal or message.function_call or message.audio)


def _usage(tokens: _Tokens | None) -> Usage | None:
    if tokens is None or tokens.prompt_tokens is None or tokens.completion_tokens is None:
        return None
    details, cost = tokens.prompt_tokens_details, tokens.cost
    if details is None and tokens.prompt_cache_hit_tokens is None and cost is None:
        return Usage(tokens.prompt_tokens, tokens.completion_tokens)
    cached = (details.cached_tokens if details is not None else None) or tokens.prompt_cache_hit_tokens or 0
    told = cost.total_cost if isinstance(cost, _Cost) else None
    return Usage(tokens.prompt_tokens, tokens.completion_tokens, cached, 0, told)


def _counted(ask: ChatRequest) -> dict[str, Any]:
    """`stream_options` with the usage asked for, whatever else the caller put there."""
    raw = ask.fields.get("stream_options")
    given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw] | None) if raw is not None else None
    return {"stream_options": {**(given or {}), "include_usage": True}}


def one_line(data: bytes) -> bytes:
    """JSON on one line: a chunk with line breaks between its tokens would not survive as one `data:` line."""
    return _encode(msgspec.json.decode(data))


def is_neutral(name: str, raw: msgspec.Raw) -> bool:
    """Whether the value asks for what happens without the parameter."""
    value = bytes(raw)
    return value == b"null" or value in _NEUTRAL.get(name, ())


def _has_developer(ask: ChatRequest) -> bool:
    return any(message.role == "developer" for message in ask.view.messages)


def without_developer(ask: ChatRequest) -> list[dict[str, Any]]:
    """The messages with role `developer` renamed to `system`, everything else untouched."""
    messages = msgspec.json.decode(ask.fields["messages"], type=list[dict[str, msgspec.Raw]])
    return [
        {**message, "role": "system"} if view.role == "developer" else message
        for message, view in zip(messages, ask.view.messages, strict=True)
    ]


def _is_a_provider(provider: OpenAIShape) -> Provider:
    """For the type checker: the class keeps the contract."""
    return provider
