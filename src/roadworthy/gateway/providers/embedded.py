"""The model that rides along: a child process with the server of llama.cpp.

Source: llama.cpp, tools/server/README.md, "POST /v1/chat/completions", and what the server of xllamacpp 2026.10 does
(measured): it honours n, logprobs, seed, logit_bias, stop, penalties and response_format json_object and json_schema
(by grammar); it ignores tools, tool_choice, functions, audio and web search without a word, so those are refused here
instead. Its `model` is the alias that the child was started with. There are no embeddings: the child is a chat model.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers.contract import ProviderFailure, UnsupportedParameter
from roadworthy.gateway.providers.openai_shape import WITHOUT_EFFECT, OpenAIShape

_CANNOT_READ = ("is not supported", "json.exception", "Failed to parse", "parse error")
# A model this small may not find an end by itself, and without a bound it would write until its context is full.
_DEFAULT_MAX_TOKENS = msgspec.Raw(b"512")


class _Part(msgspec.Struct, gc=False):
    type: str = ""


_part_type = msgspec.json.Decoder(_Part).decode


class Embedded(OpenAIShape):
    """Our own llama.cpp server on a loopback port."""

    kind = "embedded"
    counts_streams = True
    takes = frozenset(
        [
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "messages",
            "model",
            "n",
            "presence_penalty",
            "response_format",
            "seed",
            "stop",
            "stream",
            "stream_options",
            "temperature",
            "top_logprobs",
            "top_k",
            "top_p",
        ]
    )
    # A small instruct model has no reasoning to shorten and no verbosity to set.
    leaves_out = WITHOUT_EFFECT | {"reasoning_effort", "verbosity", "parallel_tool_calls"}

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        """See `Provider.chat_body`; images, audio and files are refused, because the model reads text only."""
        for message in ask.view.messages:
            if isinstance(message.content, list):
                _refuse_media(message.content)
        if ask.view.max_tokens is None and ask.view.max_completion_tokens is None:
            ask = ChatRequest(ask.view, {**ask.fields, "max_tokens": _DEFAULT_MAX_TOKENS})
        return super().chat_body(ask, model)

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> ProviderFailure:
        """See `Provider.failure`. The server says 503 while it loads the model: that is not the caller's fault."""
        found = super().failure(status, headers, body)
        if status == 500 and any(words in found.detail for words in _CANNOT_READ):
            # llama.cpp answers 500 to requests it cannot read; a breaker must not open on the caller's request.
            return ProviderFailure(Reason.BAD_REQUEST, status, found.detail)
        return found


def _refuse_media(parts: list[msgspec.Raw]) -> None:
    for part in parts:
        try:
            kind = _part_type(part).type
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # not an object: the server names the fault
        if kind in ("image_url", "input_audio", "file"):
            raise UnsupportedParameter("messages")
