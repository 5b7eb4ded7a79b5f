"""Anthropic's event stream as OpenAI-shaped chunks.

Source: Claude API docs, "Streaming messages": message_start, content_block_start, content_block_delta (text_delta,
input_json_delta, thinking_delta, signature_delta, citations_delta), content_block_stop, message_delta (cumulative
usage), message_stop, ping, error; "new event types may be added", so unknown ones are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.providers import fault
from roadworthy.gateway.providers.contract import Piece, ProviderFailure, Usage

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "refusal": "content_filter",
}
"""The API's stop reasons in OpenAI's words; an unfinished turn is told as `length`."""


class Tokens(msgspec.Struct, gc=False):
    """`usage`; the whole prompt is the sum of the three input counts."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None

    def merge(self, later: Tokens) -> None:
        """Take the counts that `later` carries; they are cumulative."""
        for name in self.__struct_fields__:
            value = getattr(later, name)
            if value is not None:
                setattr(self, name, value)

    def usage(self) -> Usage | None:
        """In our words; None when the API did not say."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        read, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        return Usage(self.input_tokens + read + written, self.output_tokens, read, written)

    def as_openai(self) -> dict[str, Any] | None:
        """OpenAI's `usage` object."""
        usage = self.usage()
        if usage is None:
            return None
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cache_read_input_tokens or 0},
        }


class StopDetails(msgspec.Struct, gc=False):
    """Why an answer was refused."""

    category: str | None = None
    explanation: str | None = None

    def words(self) -> str:
        """For the record of the attempt."""
        return self.explanation or self.category or "The model refused to answer."


class _Delta(msgspec.Struct, gc=False):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class _Block(msgspec.Struct, gc=False):
    type: str
    id: str = ""
    name: str = ""
    text: str = ""


class _Start(msgspec.Struct, gc=False):
    id: str
    model: str
    usage: Tokens | None = None


class _Event(msgspec.Struct, gc=False):
    type: str
    index: int = 0
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Start | None = None
    usage: Tokens | None = None


_decode = msgspec.json.Decoder(_Event).decode
_encode = msgspec.json.Encoder().encode
_ORDER = "An event came out of order."


class AnthropicStream:
    """Decoder of one stream.

    Args:
        created: Seconds since the Unix epoch, for the chunks' `created`, which the API does not have.
        include_usage: Whether the caller asked for OpenAI's last chunk with the usage.
    """

    __slots__ = (
        "_created",
        "_head",
        "_include_usage",
        "_model",
        "_shown",
        "_silent_tool",
        "_tokens",
        "_tool",
        "finished",
    )

    def __init__(self, created: int, include_usage: bool) -> None:
        self.finished = False
        self._created = created
        self._include_usage = include_usage
        self._head = b""
        self._model = ""
        self._tokens = Tokens()
        self._shown = False
        self._tool = -1
        self._silent_tool = False

    def feed(self, event: bytes, data: bytes) -> Sequence[Piece]:
        """See `StreamDecoder.feed`."""
        try:
            said = _decode(data)
        except fault.UNREADABLE:
            raise fault.unreadable(data) from None
        handler = _HANDLERS.get(said.type)
        if handler is None:
            return ()
        if not self._head and said.type in _NEED_START:
            raise ProviderFailure(Reason.MALFORMED, 200, _ORDER)
        return handler(self, said, data)

    def _message_start(self, said: _Event, data: bytes) -> Sequence[Piece]:
        message = said.message
        if message is None:
            raise ProviderFailure(Reason.MALFORMED, 200, "message_start carries no message.")
        if message.usage is not None:
            self._tokens.merge(message.usage)
        self._model = message.model
        self._head = b'{"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":' % (
            _encode(message.id),
            self._created,
            _encode(message.model),
        )
        return (self._piece({"role": "assistant", "content": ""}),)

    def _block_start(self, said: _Event, data: bytes) -> Sequence[Piece]:
        block = said.content_block
        if block is None:
            raise ProviderFailure(Reason.MALFORMED, 200, "content_block_start carries no block.")
        if block.type == "tool_use":
            self._tool += 1
            self._silent_tool = True
            self._shown = True
            call = {"index": self._tool, "id": block.id, "type": "function"}
            return (
                self._piece({"tool_calls": [{**call, "function": {"name": block.name, "arguments": ""}}]}, useful=True),
            )
        self._silent_tool = False
        return self._text(block.text) if block.type == "text" else ()

    def _block_delta(self, said: _Event, data: bytes) -> Sequence[Piece]:
        delta = said.delta
        if delta is None:
            raise ProviderFailure(Reason.MALFORMED, 200, "content_block_delta carries no delta.")
        if delta.type == "text_delta":
            return self._text(delta.text)
        if delta.type == "input_json_delta":
            return self._arguments(delta.partial_json)
        if delta.type == "thinking_delta" and delta.thinking:
            return (self._piece({"reasoning_content": delta.thinking}),)
        return ()

    def _block_stop(self, said: _Event, data: bytes) -> Sequence[Piece]:
        return self._arguments("{}") if self._silent_tool else ()

    def _text(self, text: str) -> Sequence[Piece]:
        if not text:
            return ()
        useful = not text.isspace()
        self._shown = self._shown or useful
        return (self._piece({"content": text}, text, useful),)

    def _arguments(self, part: str) -> Sequence[Piece]:
        if not part or self._tool < 0:
            return ()
        self._silent_tool = False
        return (self._piece({"tool_calls": [{"index": self._tool, "function": {"arguments": part}}]}, useful=True),)

    def _message_delta(self, said: _Event, data: bytes) -> Sequence[Piece]:
        if said.usage is not None:
            self._tokens.merge(said.usage)
        delta = said.delta
        if delta is None or delta.stop_reason is None:
            return ()
        if delta.stop_reason == "refusal" and not self._shown:
            details = delta.stop_details or StopDetails()
            raise ProviderFailure(Reason.CONTENT_FILTERED, 200, details.words())
        finish = FINISH_REASONS.get(delta.stop_reason, "stop")
        payload = self._head + b'[{"index":0,"delta":{},"logprobs":null,"finish_reason":%b}]}' % _encode(finish)
        usage = None if self._include_usage else self._tokens.usage()
        return (Piece(payload, finish_reason=finish, model=self._model, usage=usage),)

    def _message_stop(self, said: _Event, data: bytes) -> Sequence[Piece]:
        self.finished = True
        usage = self._tokens.usage()
        if not self._include_usage or usage is None:
            return ()
        return (
            Piece(self._head + b'[],"usage":%b}' % _encode(self._tokens.as_openai()), model=self._model, usage=usage),
        )

    def _error(self, said: _Event, data: bytes) -> Sequence[Piece]:
        raise fault.unreadable(data)

    def _piece(self, delta: dict[str, Any], text: str = "", useful: bool = False) -> Piece:
        payload = self._head + b'[{"index":0,"delta":%b,"logprobs":null,"finish_reason":null}]}' % _encode(delta)
        return Piece(payload, text, useful, model=self._model)


_HANDLERS = {
    "message_start": AnthropicStream._message_start,
    "content_block_start": AnthropicStream._block_start,
    "content_block_delta": AnthropicStream._block_delta,
    "content_block_stop": AnthropicStream._block_stop,
    "message_delta": AnthropicStream._message_delta,
    "message_stop": AnthropicStream._message_stop,
    "error": AnthropicStream._error,
}
_NEED_START = _HANDLERS.keys() - {"message_start", "error"}
