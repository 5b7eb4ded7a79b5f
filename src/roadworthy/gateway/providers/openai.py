"""OpenAI: Chat Completions and Embeddings, passed through.

Source: OpenAI API reference, "Chat Completions", "Embeddings"; guide "Error codes"; guide "Rate limits" (headers).
"""

from __future__ import annotations

from roadworthy.gateway.chat import KNOWN_PARAMETERS
from roadworthy.gateway.providers.openai_shape import OpenAIShape


class OpenAI(OpenAIShape):
    """OpenAI's own API takes every parameter that we let in but `top_k`, which only its relatives have."""

    kind = "openai"
    counts_streams = True
    default_base_url = "https://api.openai.com/v1"
    needs_key = True
    takes = KNOWN_PARAMETERS - {"top_k"}
    embeddings_path: str | None = "/embeddings"
