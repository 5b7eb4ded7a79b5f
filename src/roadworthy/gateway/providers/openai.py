"""OpenAI: Chat Completions and Embeddings, passed through.

Source: OpenAI API reference, "Chat Completions", "Embeddings"; guide "Error codes"; guide "Rate limits" (headers).
"""

from __future__ import annotations

from roadworthy.gateway.chat import KNOWN_PARAMETERS, ChatRequest
from roadworthy.gateway.providers.openai_shape import OpenAIShape


class OpenAI(OpenAIShape):
    """OpenAI's own API takes every parameter that we let in but `top_k`, which only its relatives have."""

    kind = "openai"
    counts_streams = True
    default_base_url = "https://api.openai.com/v1"
    needs_key = True
    takes = KNOWN_PARAMETERS - {"top_k"}
    embeddings_path: str | None = "/embeddings"

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        """See `Provider.chat_body`; a token limit of ours goes by the name that reasoning models take too."""
        if ask.tokens_filled and ask.fields.keys() <= self.takes:
            return ask.body(model, ("max_tokens",), max_completion_tokens=ask.fields["max_tokens"])
        return super().chat_body(ask, model)
