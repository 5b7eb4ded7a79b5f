"""DeepSeek: OpenAI's shape with its own list of parameters.

Source: DeepSeek API docs, "Create Chat Completion" (parameters; `response_format` knows text and json_object),
"Thinking Mode" (`reasoning_content`, `reasoning_effort`), "Error Codes" (400, 401, 402 insufficient balance, 422, 429,
500, 503), "Rate Limit" (empty lines before a plain body and `: keep-alive` comments in a stream while the request
waits).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers.contract import UnsupportedParameter
from roadworthy.gateway.providers.openai_shape import WITHOUT_EFFECT, OpenAIShape


class DeepSeek(OpenAIShape):
    """DeepSeek's API; a JSON schema, several choices and a seed do not exist there."""

    kind = "deepseek"
    counts_streams = True
    default_base_url = "https://api.deepseek.com/v1"
    needs_key = True
    takes = frozenset(
        [
            "frequency_penalty",
            "logprobs",
            "max_tokens",
            "messages",
            "model",
            "presence_penalty",
            "reasoning_effort",
            "response_format",
            "stop",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
        ]
    )
    leaves_out = WITHOUT_EFFECT
    renames: ClassVar[Mapping[str, str]] = {"max_completion_tokens": "max_tokens"}
    knows_developer = False

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        """See `Provider.chat_body`."""
        form = ask.view.response_format
        if form is not None and form.type == "json_schema":
            raise UnsupportedParameter("response_format")
        return super().chat_body(ask, model)
