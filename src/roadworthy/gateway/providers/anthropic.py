"""Anthropic: the Messages API, translated both ways.

Source: Claude API docs, "Messages: create", "Handling stop reasons", "Streaming messages", "Structured outputs" (the
documented `output_config.format` is used, no forced tool), "Errors" (error types and 529 overloaded), "Rate limits"
(`retry-after`, `anthropic-ratelimit-*`), "Versioning" (`anthropic-version: 2023-06-01`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.core.clock import SystemClock
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers import fault
from roadworthy.gateway.providers.anthropic_request import messages_body, stopped
from roadworthy.gateway.providers.anthropic_stream import FINISH_REASONS, AnthropicStream, StopDetails, Tokens
from roadworthy.gateway.providers.contract import (
    Provider,
    ProviderFailure,
    Reply,
    StreamDecoder,
    UnsupportedParameter,
)
from roadworthy.gateway.providers.header import request_headers
from roadworthy.gateway.settings import ProviderSettings


class _Block(msgspec.Struct, gc=False):
    type: str
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Message(msgspec.Struct, gc=False):
    id: str
    model: str
    content: list[_Block]
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: Tokens | None = None


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.Encoder().encode


class Anthropic:
    """Anthropic's API as one of OpenAI's shape.

    Args:
        settings: Address, key and extra headers.
        wall: Seconds since the Unix epoch, for the field `created`, which the API does not have.

    Raises:
        ConfigError: The key is missing, or a header cannot be sent.
    """

    kind: ClassVar[str] = "anthropic"
    default_base_url: ClassVar[str] = "https://api.anthropic.com/v1"
    chat_path = "/messages"
    embeddings_path: str | None = None

    def __init__(self, settings: ProviderSettings, wall: Callable[[], float] = SystemClock.wall) -> None:
        self.name = settings.name
        self.base_url = (settings.base_url or self.default_base_url).rstrip("/")
        self.headers = request_headers(
            settings, "x-api-key", "", required=True, fixed=(("anthropic-version", "2023-06-01"),)
        )
        self._wall = wall

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        """See `Provider.chat_body`."""
        return messages_body(ask, model)

    def chat_reply(self, ask: ChatRequest, body: bytes) -> Reply:
        """See `Provider.chat_reply`."""
        try:
            message = _decode(body)
        except fault.UNREADABLE:
            raise fault.unreadable(body) from None
        answer = _answer(message.content)
        calls = "tool_calls" in answer
        if message.stop_reason == "refusal" and not answer["content"] and not calls:
            details = message.stop_details or StopDetails()
            raise ProviderFailure(Reason.CONTENT_FILTERED, 200, details.words())
        finish = FINISH_REASONS.get(message.stop_reason or "end_turn", "stop")
        if answer["content"] and not calls and (text := stopped(ask, answer["content"])) != answer["content"]:
            answer["content"], finish = text, "stop"
        tokens = message.usage or Tokens()
        completion: dict[str, Any] = {
            "id": message.id,
            "object": "chat.completion",
            "created": int(self._wall()),
            "model": message.model,
            "choices": [{"index": 0, "message": answer, "logprobs": None, "finish_reason": finish}],
        }
        usage = tokens.as_openai()
        if usage is not None:
            completion["usage"] = usage
        return Reply(_encode(completion), message.model, answer["content"], finish, calls, tokens.usage())

    def chat_stream(self, ask: ChatRequest) -> StreamDecoder:
        """See `Provider.chat_stream`."""
        return AnthropicStream(int(self._wall()), ask.include_usage)

    def embeddings_body(self, fields: Mapping[str, msgspec.Raw], model: str) -> bytes:
        """The API has no embeddings.

        Raises:
            UnsupportedParameter: Always.
        """
        raise UnsupportedParameter("input")

    def embeddings_reply(self, body: bytes) -> Reply:
        """The API has no embeddings.

        Raises:
            ProviderFailure: Always `malformed_body`.
        """
        raise fault.unreadable(body)

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> ProviderFailure:
        """See `Provider.failure`."""
        return fault.failure(status, headers, body)


def _answer(blocks: list[_Block]) -> dict[str, Any]:
    """The assistant's message; blocks of server tools and redacted thinking have no counterpart and are left out."""
    texts = [block.text for block in blocks if block.type == "text"]
    thoughts = [block.thinking for block in blocks if block.type == "thinking" and block.thinking]
    calls = [
        {"id": block.id, "type": "function", "function": {"name": block.name, "arguments": bytes(block.input).decode()}}
        for block in blocks
        if block.type == "tool_use"
    ]
    answer: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if thoughts:
        answer["reasoning_content"] = "".join(thoughts)
    if calls:
        answer["tool_calls"] = calls
    return answer


def _is_a_provider(provider: Anthropic) -> Provider:
    """For the type checker: the class keeps the contract."""
    return provider
