"""docs/reference/providers.md says what the providers do: its table of parameters is what they answer when asked."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.providers.contract_kit import JSON_SCHEMA, MESSAGES, TOOL, request
from roadworthy.gateway.chat import KNOWN_PARAMETERS
from roadworthy.gateway.providers.contract import Provider, UnsupportedParameter
from roadworthy.gateway.providers.registry import KINDS, build, default_base_url
from roadworthy.gateway.settings import ProviderSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "providers.md"
VALUES = {
    "audio": {"voice": "alloy", "format": "wav"}, "frequency_penalty": 0.5, "function_call": "auto", "functions": [{}],
    "logit_bias": {"5": 1}, "logprobs": True, "max_completion_tokens": 5, "max_tokens": 5, "messages": MESSAGES,
    "metadata": {"a": "b"}, "modalities": ["text", "audio"], "model": "m", "n": 2, "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"}, "presence_penalty": 0.5, "prompt_cache_key": "k",
    "prompt_cache_retention": "24h", "reasoning_effort": "low", "response_format": {"type": "json_object"},
    "safety_identifier": "s", "seed": 1, "service_tier": "auto", "stop": ["END"], "store": True, "stream": True,
    "stream_options": {"include_usage": True}, "temperature": 0.5, "tool_choice": "required", "tools": [TOOL],
    "top_logprobs": 2, "top_k": 40, "top_p": 0.5, "user": "u", "verbosity": "low", "web_search_options": {},
}  # fmt: skip
COLUMNS = ("openai", "compatible", "embedded", "anthropic", "perplexity", "deepseek")
PROVIDERS = {kind: build(ProviderSettings(kind, kind, "http://127.0.0.1:1/v1", api_key="k")) for kind in COLUMNS}


def support(provider: Provider, name: str, value: object) -> str:
    """`yes`, `as OTHER`, `left out` or `no`."""
    fields = {name: value} if name not in ("tool_choice", "parallel_tool_calls") else {"tools": [TOOL], name: value}
    without = json.loads(provider.chat_body(request(), "m"))
    try:
        sent = json.loads(provider.chat_body(request(**fields), "m"))
    except UnsupportedParameter:
        return "no"
    if name in sent and (sent[name] == value or name in ("messages", "tools", "tool_choice")):
        return "yes"
    new = sorted(key for key, content in sent.items() if without.get(key) != content and key != "tools")
    return f"as `{new[0]}`" if new else "left out"


def table() -> list[str]:
    """The table as the page must have it."""
    assert set(COLUMNS) == set(KINDS)
    assert VALUES.keys() == KNOWN_PARAMETERS
    rows = [(f"`{name}`", name, value) for name, value in sorted(VALUES.items())]
    rows.append(("`response_format` of type json_schema", "response_format", JSON_SCHEMA))
    lines = ["| parameter | " + " | ".join(COLUMNS) + " |", "| --- " * (len(COLUMNS) + 1) + "|"]
    lines += [
        f"| {label} | " + " | ".join(support(PROVIDERS[kind], name, value) for kind in COLUMNS) + " |"
        for label, name, value in sorted(rows)
    ]
    return lines


def test_the_table_of_parameters():
    missing = [line for line in table() if line not in PAGE.read_text().splitlines()]
    assert not missing, "docs/reference/providers.md should say:\n" + "\n".join(table())


def test_the_table_of_apis():
    lines = PAGE.read_text().splitlines()
    for kind, provider in PROVIDERS.items():
        address = f"`{default_base_url(kind)}`" if default_base_url(kind) else "none"
        row = next(line for line in lines if line.startswith(f"| `{kind}` |"))
        assert [cell.strip() for cell in row.split("|")][2:5] == [
            address,
            f"`POST {provider.chat_path}`",
            f"`POST {provider.embeddings_path}`" if provider.embeddings_path else "none",
        ]
