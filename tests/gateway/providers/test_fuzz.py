"""Whatever bytes a provider sends, the only thing that comes out is a value or a `ProviderFailure`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers.contract_kit import request
from rig.examples import examples
from roadworthy.core.errors import UsageError
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers.contract import ProviderFailure, UnsupportedParameter
from roadworthy.gateway.providers.fault import LONGEST_RETRY_AFTER_S
from roadworthy.gateway.providers.registry import KINDS, build
from roadworthy.gateway.settings import ProviderSettings

PROVIDERS = [build(ProviderSettings(kind, kind, "http://127.0.0.1:1/v1", api_key="k")) for kind in KINDS]
ASK = request()
EXAMPLES = settings(max_examples=examples(40), deadline=None)
"""For every kind; all but one share most of their code."""
WORDS = st.sampled_from(
    [
        "choices",
        "message",
        "delta",
        "content",
        "finish_reason",
        "content_filter",
        "error",
        "code",
        "type",
        "usage",
        "index",
        "tool_calls",
        "detail",
        "data",
        "message_start",
        "message_delta",
        "content_block_start",
        "content_block_delta",
        "content_block",
        "tool_use",
        "text",
        "text_delta",
        "input_json_delta",
        "partial_json",
        "id",
        "model",
        "stop_reason",
        "refusal",
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "message_stop",
        "details",
    ]
)
PARAMETERS = st.sampled_from(
    [
        "tools",
        "tool_choice",
        "stop",
        "response_format",
        "reasoning_effort",
        "n",
        "seed",
        "temperature",
        "functions",
        "user",
        "max_tokens",
        "parallel_tool_calls",
        "stream_options",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | WORDS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=20
)
OBJECTS = VALUES.map(lambda value: json.dumps(value).encode())
BYTES = st.binary(max_size=200) | OBJECTS | OBJECTS.flatmap(lambda data: st.just(data[: len(data) // 2]))
HEADERS = st.dictionaries(
    st.sampled_from(
        b"""retry-after retry-after-ms date x-ratelimit-remaining-requests x-ratelimit-reset-requests
        anthropic-ratelimit-tokens-remaining anthropic-ratelimit-tokens-reset""".split()
    ),
    st.binary(max_size=30)
    | st.sampled_from([b"0", b"1e400", b"-1", b"Tue, 18 Nov 2025 10:00:00 GMT", b"9s", b"2025-11-18T10:00:12Z"]),
)


def outcome(call: Callable[[], Any]) -> Any:
    """What comes out: a value, or the failure or refusal that the contract allows."""
    try:
        return call()
    except (ProviderFailure, UnsupportedParameter) as refused:
        return refused


@pytest.mark.parametrize("provider", PROVIDERS, ids=KINDS)
class TestAnyBytes:
    @EXAMPLES
    @given(body=BYTES)
    def test_replies(self, provider, body):
        found = outcome(lambda: provider.chat_reply(ASK, body))
        if isinstance(found, ProviderFailure):
            assert len(found.detail) <= 2_000
        else:
            json.loads(found.body)
            assert found.body.startswith(b"{")
            assert found.body.endswith(b"}")

    @EXAMPLES
    @given(events=st.lists(st.tuples(st.sampled_from([b"", b"error", b"message_start"]), BYTES), max_size=6))
    def test_streams(self, provider, events):
        decoder = provider.chat_stream(ASK)
        for event, data in events:
            pieces = outcome(lambda event=event, data=data: decoder.feed(event, data.replace(b"\r", b"")))
            if isinstance(pieces, ProviderFailure):
                assert len(pieces.detail) <= 2_000
                return
            for piece in pieces:
                assert piece.payload.endswith(b"}")
                assert b"\n" not in piece.payload
                json.loads(piece.payload)

    @EXAMPLES
    @given(status=st.integers(300, 599), headers=HEADERS, body=BYTES)
    def test_failures(self, provider, status, headers, body):
        failed = provider.failure(status, headers, body)
        assert failed.status == status
        assert len(failed.detail) <= 2_000
        assert failed.retry_after_s is None or 0 <= failed.retry_after_s <= LONGEST_RETRY_AFTER_S

    @EXAMPLES
    @given(body=BYTES)
    def test_embeddings(self, provider, body):
        found = outcome(lambda: provider.embeddings_reply(body))
        assert isinstance(found, ProviderFailure) or found.has_payload

    @EXAMPLES
    @given(fields=st.dictionaries(PARAMETERS, VALUES, max_size=4), content=VALUES, calls=VALUES)
    def test_requests(self, provider, fields, content, calls):
        messages = [{"role": "user", "content": content}, {"role": "assistant", "tool_calls": calls}, {"role": "tool"}]
        try:
            ask = ChatRequest.parse(json.dumps({"model": "m", "messages": messages, **fields}).encode())
        except UsageError:
            return
        sent = outcome(lambda: provider.chat_body(ask, "target"))
        if isinstance(sent, UnsupportedParameter):
            assert sent.param in {"messages", *fields}
        else:
            assert json.loads(sent)["model"] == "target"
