"""A request that cannot be meant is refused at the door, with the field's name and without its value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roadworthy.core.errors import UsageError
from roadworthy.gateway.chat import ChatRequest

SECRET = "canary-91c7"
HELLO = [{"role": "user", "content": "Hello"}]


def parse(**fields: Any) -> ChatRequest:
    return ChatRequest.parse(json.dumps({"model": "chat", "messages": HELLO, **fields}).encode())


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hello", **fields}]}


@pytest.mark.parametrize(("fields", "param"), [
    ({"model": 5}, "model"), ({"model": ""}, "model"), ({"messages": []}, "messages"),
    ({"messages": SECRET}, "messages"), ({"messages": [SECRET]}, "messages[0]"),
    ({"messages": [{"content": SECRET}]}, "messages[0].role"), (message(role=SECRET), "messages[0].role"),
    (message(content=5), "messages[0].content"), (message(name=5), "messages[0].name"),
    (message(tool_calls=SECRET), "messages[0].tool_calls"), (message(tool_call_id=5), "messages[0].tool_call_id"),
    ({"stream": SECRET}, "stream"), ({"stream_options": SECRET}, "stream_options"),
    ({"temperature": SECRET}, "temperature"), ({"temperature": 2.1}, "temperature"),
    ({"temperature": -1}, "temperature"),
    ({"top_p": 1.5}, "top_p"), ({"n": 0}, "n"), ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": 10**30}, "max_tokens"), ({"max_completion_tokens": -1}, "max_completion_tokens"),
    ({"stop": 5}, "stop"), ({"stop": ["a", 5]}, "stop[1]"), ({"seed": SECRET}, "seed"),
    ({"presence_penalty": 3}, "presence_penalty"), ({"frequency_penalty": SECRET}, "frequency_penalty"),
    ({"logprobs": 1}, "logprobs"), ({"top_logprobs": -1}, "top_logprobs"),
    ({"logit_bias": {SECRET: SECRET}}, "logit_bias[...]"), ({"tools": SECRET}, "tools"),
    ({"response_format": SECRET}, "response_format"), ({"response_format": {}}, "response_format.type"),
    ({"response_format": {"type": SECRET}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SECRET}}},
     "response_format.json_schema.schema"),
])  # fmt: skip
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(**fields)
    assert (caught.value.code, caught.value.param) == ("invalid_request", param)
    assert caught.value.why
    assert SECRET not in str(caught.value.as_dict())


@pytest.mark.parametrize("name", ["model", "messages"])
def test_a_missing_field_is_named(name: str) -> None:
    body = {"model": "chat", "messages": HELLO}
    del body[name]
    with pytest.raises(UsageError) as caught:
        ChatRequest.parse(json.dumps(body).encode())
    assert caught.value.param == name


@pytest.mark.parametrize("body", [
    b"", b"[]", b"null", b'"canary-91c7"', b'{"model": "canary-91c7"', b'{"model": "\xff"}', b"[" * 100_000,
    b'{"model":"chat","messages":' + b"[" * 100_000, b'\xef\xbb\xbf{"model":"chat"}', b'{"model":"\\ud800"}', b"\x00",
])  # fmt: skip
def test_what_is_no_json_object_is_told_so(body: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        ChatRequest.parse(body)
    assert caught.value.code == "invalid_request"
    assert SECRET not in str(caught.value.as_dict())


@pytest.mark.parametrize("fields", [
    {"temperature": 0}, {"temperature": 2}, {"temperature": None}, {"top_p": 1}, {"n": 1}, {"max_tokens": 1},
    {"stop": "END"}, {"stop": []}, {"stop": None}, {"seed": -1}, {"logit_bias": {"50256": -100}}, {"tools": []},
    {"response_format": {"type": "text"}}, {"response_format": {"type": "json_object"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
    message(content=[{"type": "text", "text": "Hello"}]), message(role="assistant", content=None, tool_calls=[{}]),
])  # fmt: skip
def test_what_the_reference_allows_is_let_through(fields: dict[str, Any]) -> None:
    assert parse(**fields).fields.keys() >= fields.keys()
