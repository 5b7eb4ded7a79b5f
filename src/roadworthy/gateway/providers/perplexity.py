"""Perplexity's Sonar API: OpenAI's shape, an answer with sources.

Source: Perplexity API docs, "Sonar: OpenAI compatibility", "Chat Completions", and the official Python client's types
(`chat/completion_create_params.py`: `response_format` knows text, json_schema and regex). Function calling is not
honoured by the Sonar models, so tools are refused here instead of being ignored there. Answers carry `citations` and
`search_results` beside the choices; they travel on. Chunks repeat the whole `usage`; the chunk with the finish reason
ends the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers.contract import StreamDecoder, UnsupportedParameter
from roadworthy.gateway.providers.openai_shape import WITHOUT_EFFECT, OpenAIShape, OpenAIStream


class Perplexity(OpenAIShape):
    """Perplexity's API; embeddings live elsewhere and need other models, so none are offered."""

    kind = "perplexity"
    default_base_url = "https://api.perplexity.ai"
    needs_key = True
    takes = frozenset(
        [
            "frequency_penalty",
            "logprobs",
            "max_tokens",
            "messages",
            "model",
            "n",
            "presence_penalty",
            "reasoning_effort",
            "response_format",
            "stop",
            "stream",
            "temperature",
            "top_logprobs",
            "top_k",
            "top_p",
            "web_search_options",
        ]
    )
    # Usage comes with every chunk, asked for or not.
    leaves_out = WITHOUT_EFFECT | {"stream_options"}
    renames: ClassVar[Mapping[str, str]] = {"max_completion_tokens": "max_tokens"}
    knows_developer = False

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        """See `Provider.chat_body`."""
        form = ask.view.response_format
        if form is not None and form.type == "json_object":
            raise UnsupportedParameter("response_format")
        return super().chat_body(ask, model)

    def chat_stream(self, ask: ChatRequest) -> StreamDecoder:
        """See `Provider.chat_stream`."""
        return OpenAIStream(ends_with_choice=True)
