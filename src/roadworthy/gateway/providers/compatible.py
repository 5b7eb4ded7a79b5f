"""Any server with OpenAI's wire format: vLLM, Ollama, llama.cpp, gateways.

Parameters pass through untouched, those that OpenAI does not document included, because these servers document their
own (vLLM: "OpenAI-Compatible Server, Extra parameters"; llama.cpp: server README, "POST /v1/chat/completions").
"""

from __future__ import annotations

from roadworthy.gateway.providers.openai_shape import OpenAIShape


class Compatible(OpenAIShape):
    """A server at an address that the configuration names; a key is optional."""

    kind = "compatible"
    embeddings_path: str | None = "/embeddings"
