"""Anthropic's API: the translation in the corners that the contract kit does not reach."""

from __future__ import annotations

import json

import httpx2
import pytest

import doubles
from doubles.anthropic_api import invalid_schema
from gateway.providers.contract_kit import SCHEMA, TOOL, chunks, completion, listen, request, talk
from roadworthy.core.attempts import Reason
from roadworthy.gateway.providers.anthropic import Anthropic
from roadworthy.gateway.providers.contract import ProviderFailure, UnsupportedParameter
from roadworthy.gateway.providers.strict_schema import strict_schema
from roadworthy.gateway.settings import ProviderSettings

MODEL = "claude-sonnet-4-5"
PROVIDER = Anthropic(ProviderSettings("a", "anthropic", "", api_key="k"), wall=lambda: 1_760_000_000.9)


def body(**fields):
    return json.loads(PROVIDER.chat_body(request(**fields), MODEL))


@pytest.fixture
def server():
    with doubles.anthropic() as double:
        yield double


@pytest.fixture
def provider(server):
    return Anthropic(
        ProviderSettings("a", "anthropic", server.base_url, api_key="test-key"), wall=lambda: 1_760_000_000.9
    )


# requests


def test_the_smallest_request():
    assert body() == {
        "model": MODEL,
        "max_tokens": 4096,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What is the capital of France?"}]}],
    }


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 9, "max_completion_tokens": 8}, {"max_tokens": 8}),
        ({"temperature": 1.7}, {"temperature": 1.0}),
        ({"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2, "top_p": 0.5}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
        ({"stream": True}, {"stream": True}),
        ({"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}),
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
        ({"tools": [TOOL], "tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
            {"tool_choice": {"type": "tool", "name": "get_weather"}},
        ),
        (
            {"tools": [TOOL], "parallel_tool_calls": False},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
    ],
)
def test_fields(fields, sent):
    found = body(**fields)
    assert {name: found[name] for name in sent} == sent


@pytest.mark.parametrize(
    "fields",
    [
        {"stop": []}, {"stop": None}, {"tools": []}, {"tool_choice": "auto"}, {"reasoning_effort": "none"},
        {"response_format": {"type": "text"}}, {"verbosity": "medium"}, {"user": "u"}, {"stream_options": None},
        {"frequency_penalty": 0, "n": 1, "logprobs": False},
    ],
)  # fmt: skip
def test_fields_that_ask_for_nothing(fields):
    assert body(**fields) == body()


def test_tool_definitions():
    assert body(tools=[TOOL])["tools"] == [
        {"name": "get_weather", "description": "Weather of a city.", "input_schema": TOOL["function"]["parameters"]}
    ]
    bare = {"type": "function", "function": {"name": "now"}}
    assert body(tools=[bare])["tools"] == [{"name": "now", "input_schema": {"type": "object", "properties": {}}}]
    strict = {"type": "function", "function": {**TOOL["function"], "strict": True}}
    (tool,) = body(tools=[strict])["tools"]
    assert tool["strict"] is True
    assert tool["input_schema"]["additionalProperties"] is False


def test_a_whole_conversation():
    call = {"type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    messages = [
        {"role": "system", "content": "One."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "text", "text": ""}]},
        {"role": "user", "content": "again"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "a", **call}, {"id": "b", **call}]},
        {"role": "tool", "tool_call_id": "a", "content": "Sunny"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "Rain"}]},
        {"role": "developer", "content": [{"type": "text", "text": "Two."}]},
    ]
    found = body(messages=messages)
    use = {"type": "tool_use", "name": "get_weather", "input": {"city": "Paris"}}
    assert found["system"] == "One.\nTwo."
    assert found["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "text", "text": "again"}]},
        {"role": "assistant", "content": [{"id": "a", **use}, {"id": "b", **use}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "Sunny"}]},
                {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "Rain"}]},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
        ),
        ({"type": "refusal", "refusal": "No."}, {"type": "text", "text": "No."}),
    ],
)
def test_parts(part, block):
    assert body(messages=[{"role": "user", "content": [part]}])["messages"] == [{"role": "user", "content": [block]}]


def said(**message):
    return {"messages": [{"role": "user", "content": "x"}, message]}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"), ({"seed": 1}, "seed"), ({"logprobs": True}, "logprobs"), ({"functions": [{}]}, "functions"),
        ({"web_search_options": {}}, "web_search_options"), ({"verbosity": "low"}, "verbosity"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"), ({"audio": {"voice": "alloy"}}, "audio"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format"),
        ({"stop": ["\n"], "stream": True}, "stop"), ({"reasoning_effort": "absurd"}, "reasoning_effort"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools"), ({"tools": ["x"]}, "tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": "always"}, "tool_choice"),
        (said(role="function", name="f", content="1"), "messages"),
        (said(role="tool", content="no id"), "messages"),
        (said(role="assistant", content=None, function_call={"name": "f", "arguments": "{}"}), "messages"),
        (said(role="assistant", tool_calls=[{"id": "a", "function": {"name": "f", "arguments": "{"}}]), "messages"),
        (said(role="assistant", tool_calls=[{"id": "a", "function": {"name": "f", "arguments": "[1]"}}]), "messages"),
        (said(role="assistant", tool_calls=["x"]), "messages"),
        (said(role="user", content=[{"type": "input_audio", "input_audio": {}}]), "messages"),
        (said(role="user", content=[{"type": "file", "file": {"file_id": "f"}}]), "messages"),
        (said(role="user", content=["bare"]), "messages"),
        (said(role="user", content=[{"type": "image_url", "image_url": {"url": 5}}]), "messages"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused_by_name(fields, param):
    with pytest.raises(UnsupportedParameter) as refused:
        body(**fields)
    assert refused.value.param == param


# schemas


def test_schemas_are_closed_and_bounds_told_in_words():
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "Years"},
            "tags": {"type": "array", "items": {"type": "object", "properties": {}}, "minItems": 2},
            "one": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
            "minimum": {"$ref": "#/$defs/part"},
        },
        "$defs": {"part": {"type": "object", "properties": {"x": {"type": "number"}}}},
    }
    strict = strict_schema(schema, "response_format")
    assert invalid_schema(strict) == ""
    assert strict["properties"]["age"] == {"type": "integer", "description": "Years (minimum: 0)"}
    assert strict["properties"]["tags"]["description"] == "(minItems: 2)"
    assert "minimum" in strict["properties"]
    assert strict_schema(SCHEMA, "response_format") == SCHEMA


@pytest.mark.parametrize("extra", [True, {"type": "string"}])
def test_open_objects_cannot_be_asked_for(extra):
    with pytest.raises(UnsupportedParameter):
        strict_schema({"type": "object", "properties": {}, "additionalProperties": extra}, "tools")


def test_schemas_nested_without_end():
    schema: dict[str, object] = {"type": "string"}
    for _ in range(500):
        schema = {"type": "array", "items": schema}
    with pytest.raises(UnsupportedParameter):
        strict_schema(schema, "response_format")


# answers


def message(*content, stop="end_turn", **fields):
    usage = {"input_tokens": 3, "output_tokens": 5}
    return json.dumps(
        {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": list(content),
         "stop_reason": stop, "usage": usage, **fields}
    ).encode()  # fmt: skip


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"),
        ("model_context_window_exceeded", "length"), ("pause_turn", "length"), ("refusal", "content_filter"),
        ("something_new", "stop"), (None, "stop"),
    ],
)  # fmt: skip
def test_stop_reasons(stop, finish):
    reply = PROVIDER.chat_reply(request(), message({"type": "text", "text": "Half"}, stop=stop))
    assert (reply.finish_reason, completion(reply).choices[0].finish_reason) == (finish, finish)


@pytest.mark.parametrize(
    ("stop", "told", "text", "finish"),
    [
        ("\n\n", None, "One.", "stop"), (["\n\n", "END"], ["END"], "One.", "stop"),
        (["\t"], None, "One.\n\nTwo.", "length"), (["\n\n", "\n"], None, "One.", "stop"),
        ("END", ["END"], "One.\n\nTwo.", "length"), ([], None, "One.\n\nTwo.", "length"),
    ],
)  # fmt: skip
def test_a_blank_stop_is_kept_for_the_api(stop, told, text, finish):
    """The API refuses stop sequences of white space only; OpenAI's ends before the first one."""
    asked = request(stop=stop)
    assert json.loads(PROVIDER.chat_body(asked, MODEL)).get("stop_sequences") == told
    reply = PROVIDER.chat_reply(asked, message({"type": "text", "text": "One.\n\nTwo."}, stop="max_tokens"))
    assert (reply.content, reply.finish_reason) == (text, finish)
    assert completion(reply).choices[0].message.content == text


def test_a_whole_answer(provider, server):
    server.thinking = "Let me think."
    reply = talk(provider, request(), MODEL)
    answer = json.loads(reply.body)
    assert answer["created"] == 1_760_000_000
    assert answer["choices"][0]["message"] == {
        "role": "assistant", "content": server.reply, "refusal": None, "reasoning_content": "Let me think.",
    }  # fmt: skip
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 4


def test_cached_tokens_are_part_of_the_prompt():
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5}
    reply = PROVIDER.chat_reply(request(), message({"type": "text", "text": "x"}, usage=usage))
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (17, 5)


def test_no_usage_is_unknown():
    reply = PROVIDER.chat_reply(request(), message({"type": "text", "text": "x"}, usage=None))
    assert reply.usage is None
    assert "usage" not in json.loads(reply.body)


def test_an_answer_of_a_call_alone():
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": [1, {"y": None}]}}
    reply = PROVIDER.chat_reply(request(), message(block, stop="tool_use"))
    assert (reply.content, reply.has_payload) == (None, True)
    call = completion(reply).choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == block["input"]


def test_blocks_that_we_do_not_know_are_passed_over():
    blocks = [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "a"}, {"type": "new_thing", "z": 1}]
    assert PROVIDER.chat_reply(request(), message(*blocks)).content == "a"


def test_a_refusal_tells_why():
    details = {"type": "refusal", "category": "bio", "explanation": None}
    with pytest.raises(ProviderFailure) as failed:
        PROVIDER.chat_reply(request(), message(stop="refusal", stop_details=details))
    assert (failed.value.reason, failed.value.detail) == (Reason.CONTENT_FILTERED, "bio")


# streams


def test_thinking_in_a_stream_is_not_yet_an_answer(provider, server):
    server.thinking = "Let me think."
    pieces, finished = listen(provider, request(stream=True), MODEL)
    assert finished
    thoughts = [json.loads(piece.payload)["choices"][0]["delta"].get("reasoning_content") for piece in pieces]
    assert "".join(thought or "" for thought in thoughts) == "Let me think."
    assert not any(piece.useful for piece, thought in zip(pieces, thoughts, strict=True) if thought)
    assert "".join(piece.text for piece in pieces) == server.reply


def test_usage_goes_with_the_end_unless_a_chunk_was_asked_for(provider):
    pieces, _ = listen(provider, request(stream=True), MODEL)
    assert [bool(piece.usage) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].finish_reason == "stop"
    pieces, _ = listen(provider, request(stream=True, stream_options={"include_usage": True}), MODEL)
    assert [bool(piece.usage) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert chunks(pieces)[-1].choices == []
    assert pieces[-2].finish_reason == "stop"


def test_a_streamed_call_without_arguments_is_valid_json(provider):
    tool = {"type": "function", "function": {"name": "now"}}
    pieces, _ = listen(provider, request(stream=True, tools=[tool], tool_choice="required"), MODEL)
    calls = [c.choices[0].delta.tool_calls for c in chunks(pieces) if c.choices[0].delta.tool_calls]
    assert "".join(call[0].function.arguments or "" for call in calls) == "{}"


def test_events_out_of_order_are_malformed():
    for data in (b'{"type":"content_block_stop","index":0}', b'{"type":"message_stop"}', b'{"type":"message_start"}'):
        with pytest.raises(ProviderFailure) as failed:
            PROVIDER.chat_stream(request()).feed(b"", data)
        assert failed.value.reason is Reason.MALFORMED


def test_events_that_we_do_not_know_are_passed_over():
    decoder = PROVIDER.chat_stream(request())
    assert decoder.feed(b"ping", b'{"type":"ping"}') == ()
    assert decoder.feed(b"new", b'{"type":"something_new","index":1}') == ()
    assert not decoder.finished


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("overloaded_error", Reason.HTTP_ERROR), ("api_error", Reason.HTTP_ERROR),
        ("rate_limit_error", Reason.RATE_LIMITED), ("authentication_error", Reason.UNAUTHORIZED),
        ("invalid_request_error", Reason.BAD_REQUEST), ("billing_error", Reason.UNAUTHORIZED),
    ],
)  # fmt: skip
def test_error_events(kind, reason):
    data = json.dumps({"type": "error", "error": {"type": kind, "message": "words"}}).encode()
    with pytest.raises(ProviderFailure) as failed:
        PROVIDER.chat_stream(request()).feed(b"error", data)
    assert (failed.value.reason, failed.value.detail) == (reason, "words")


# the double refuses what the API refuses, so that a wrong translation cannot pass


@pytest.mark.parametrize(
    "fields",
    [
        {"system": "x", "surprise": 1}, {"temperature": 1.5}, {"messages": [{"role": "system", "content": "x"}]},
        {"messages": []}, {"stop_sequences": [" "]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "y"}]}]},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
    ],
)  # fmt: skip
def test_the_double_is_strict(provider, server, fields):
    sent = {"model": MODEL, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], **fields}
    with httpx2.Client() as client:
        answer = client.post(f"{server.base_url}/messages", json=sent, headers=dict(provider.headers))
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
