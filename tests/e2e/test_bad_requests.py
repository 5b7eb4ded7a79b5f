"""What the gateway tells a caller whose request cannot be meant; and that nobody else suffers from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rig import Gateway, needs_model

CANARY = "canary-5f1d"
MODEL = "smollm2-135m-instruct"
pytestmark = needs_model
HELLO = [{"role": "user", "content": f"Hello {CANARY}"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "chat", "messages": HELLO, "max_tokens": 4, **fields}).encode()


def error_of(live: Gateway, request: bytes, status: int) -> dict[str, Any]:
    answer = live.post(request)
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    for field in ("code", "message", "what", "mend", "type", "request_id"):
        assert error[field], field
    assert answer.headers["x-request-id"] == error["request_id"]
    assert CANARY not in answer.text
    assert error["mend"] in error["message"]
    return error


@pytest.mark.parametrize("request_body", [
    b"", b"[]", b'{"model": "canary-5f1d"', b'{"model": "\xff"}', b"[" * 100_000,
])  # fmt: skip
def test_what_is_no_json_object(live: Gateway, request_body: bytes) -> None:
    assert error_of(live, request_body, 400)["code"] == "invalid_request"


@pytest.mark.parametrize(("fields", "param"), [
    ({"messages": []}, "messages"), ({"messages": [{"role": CANARY, "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"), ({"temperature": 3}, "temperature"),
    ({"max_tokens": 0}, "max_tokens"), ({"stream": CANARY}, "stream"), ({"stop": 5}, "stop"),
    ({"response_format": {"type": CANARY}}, "response_format.type"),
])  # fmt: skip
def test_a_field_that_is_wrong(live: Gateway, fields: dict[str, Any], param: str) -> None:
    error = error_of(live, body(**fields), 400)
    assert (error["code"], error["param"]) == ("invalid_request", param)
    assert error["why"]


def test_an_unknown_model(live: Gateway) -> None:
    error = error_of(live, body(model=CANARY), 404)
    assert (error["code"], error["param"]) == ("unknown_model", "model")


@pytest.mark.parametrize(("fields", "param"), [
    ({"temprature": 1}, "temprature"), ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": CANARY}}]}]}, "messages"),
    ({"web_search_options": {}}, "web_search_options"),
])  # fmt: skip
def test_an_unsupported_parameter(live: Gateway, fields: dict[str, Any], param: str) -> None:
    error = error_of(live, body(**fields), 400)
    assert (error["code"], error["param"]) == ("unsupported_parameter", param)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_longer_than_the_models_context(live: Gateway, stream: bool) -> None:
    long = [{"role": "user", "content": "word " * 20_000}]
    error = error_of(live, body(messages=long, stream=stream), 400)
    assert error["code"] == "provider_rejected_request"
    assert "context_length_exceeded" in error["message"]
    assert "4096" in error["message"]


def test_a_body_larger_than_the_gateway_takes(live: Gateway) -> None:
    error = error_of(live, body(messages=[{"role": "user", "content": "x" * 11_000_000}]), 413)
    assert error["code"] == "request_too_large"


def test_json_that_the_token_limit_cuts_off(live: Gateway) -> None:
    schema = {"type": "object", "properties": {"story": {"type": "string", "minLength": 200}}, "required": ["story"]}
    form = {"type": "json_schema", "json_schema": {"name": "story", "schema": schema}}
    error = error_of(live, body(response_format=form), 422)
    assert error["code"] == "runtime_quality_failed"
    assert "max_tokens" in error["mend"]


def test_paths_and_methods(live: Gateway) -> None:
    assert error_at(live, "/v1/nothing", 404) == "not_found"
    assert error_at(live, "/v1/chat/completions", 405) == "method_not_allowed"
    assert error_at(live, "/v1/models/none", 404) == "unknown_model"


def error_at(live: Gateway, path: str, status: int) -> str:
    answer = live.get(path)
    assert answer.status_code == status
    return str(answer.json()["error"]["code"])


def test_nobody_else_suffers_and_nothing_is_leaked(live: Gateway) -> None:
    bad = [
        body(messages=[{"role": "user"}]), body(messages=[{"role": "user", "content": [{"type": CANARY}]}]),
        body(response_format={"type": "json_object"}, max_tokens=1), body(logit_bias={"x": 1}),
        body(messages=[{"role": "assistant", "content": "x", "tool_calls": [5]}]),
        body(messages=[{"role": "user", "content": "word " * 20_000}]),
    ]  # fmt: skip
    for request in bad * 3:
        assert live.post(request).status_code < 500
    states = {
        (row["provider"], row["state"]) for row in live.cli("gateway", "breaker", "list", "--json").data["breakers"]
        if row["provider"] == "embedded"
    }  # fmt: skip
    assert states == {("embedded", "closed")}
    assert live.ask(max_tokens=4).status_code == 200
    assert not live.events("unexpected_error")
    assert "Traceback" not in live.err
    assert live.events("request")
    assert "Hello canary" not in live.err
    assert "Hello canary" not in json.dumps(live.journaled())
