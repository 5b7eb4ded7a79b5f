"""The official SDK against a real gateway and a real model: nothing but the address is changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
import pytest_asyncio

from rig import Gateway, needs_model

MODEL = "smollm2-135m-instruct"
pytestmark = needs_model
QUESTION: Any = [{"role": "user", "content": "Name three colours."}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"capital": {"type": "string", "maxLength": 20}, "inhabitants": {"type": "integer"}},
            "required": ["capital", "inhabitants"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
def client(live: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="none-needed", max_retries=0) as client:
        yield client


@pytest_asyncio.fixture
async def patient(live: Gateway) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="none-needed", max_retries=0) as client:
        yield client


def test_plain(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="chat", messages=QUESTION, max_tokens=16)
    assert answer.model == MODEL
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in {"stop", "length"}
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 16
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_who_served_is_in_headers_and_body(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="rescued", messages=QUESTION, max_tokens=8)
    answer = raw.parse()
    assert raw.headers["x-roadworthy-served-by"] == f"embedded/{MODEL}"
    assert raw.headers["x-roadworthy-fallback"] in {"connect_failed", "breaker_open"}
    assert raw.headers["x-request-id"] == raw.request_id == answer.roadworthy["request_id"]  # type: ignore[attr-defined]
    reasons = [attempt["reason"] for attempt in answer.roadworthy["attempts"]]  # type: ignore[attr-defined]
    assert raw.headers["x-roadworthy-attempts"] == str(len([one for one in reasons if one != "breaker_open"]))
    assert reasons[-1] == "served"
    assert reasons[0] in {"connect_failed", "breaker_open"}
    assert answer.model == MODEL


def test_stream(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(
        model="chat", messages=QUESTION, max_tokens=16, stream=True, stream_options={"include_usage": True},
    ))  # fmt: skip
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.strip()
    assert {chunk.model for chunk in chunks} == {MODEL}
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert finishes[-1] in {"stop", "length"}
    assert finishes[:-1] == [None] * (len(finishes) - 1)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens <= 16


def test_the_streaming_manager_puts_a_whole_answer_together(client: openai.OpenAI) -> None:
    # The manager refuses answers that were cut at the token limit, so the model must come to its own end.
    greeting: Any = [{"role": "user", "content": "Hi"}]
    with client.chat.completions.stream(model="chat", messages=greeting, max_tokens=300, temperature=0) as stream:
        kinds = {event.type for event in stream}
        whole = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert whole.choices[0].message.content


async def test_async(patient: openai.AsyncOpenAI) -> None:
    answer = await patient.chat.completions.create(model="chat", messages=QUESTION, max_tokens=8)
    assert answer.choices[0].message.content
    stream = await patient.chat.completions.create(model="chat", messages=QUESTION, max_tokens=8, stream=True)
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(pieces).strip()


def test_json_schema(client: openai.OpenAI) -> None:
    question: Any = [{"role": "user", "content": "Capital of France and its number of inhabitants as JSON."}]
    answer = client.chat.completions.create(
        model="chat",
        messages=question,
        response_format=SCHEMA,
        max_tokens=80,
        temperature=0,
    )
    value = json.loads(answer.choices[0].message.content or "")
    assert set(value) == {"capital", "inhabitants"}
    assert isinstance(value["capital"], str)
    assert isinstance(value["inhabitants"], int)


def test_json_object(client: openai.OpenAI) -> None:
    question: Any = [{"role": "user", "content": "Give a JSON object with the key colour."}]
    answer = client.chat.completions.create(
        model="chat",
        messages=question,
        response_format={"type": "json_object"},
        max_tokens=200,
        temperature=0,
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_tools_are_called_where_the_model_can(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="paid", messages=QUESTION, tools=[TOOL], tool_choice="required")
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls or ()
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}


def test_tools_in_a_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="paid", messages=QUESTION, tools=[TOOL]) as stream:
        stream.until_done()
        whole = stream.get_final_completion()
    (call,) = whole.choices[0].message.tool_calls or ()
    assert set(json.loads(call.function.arguments)) == {"city"}


def test_tools_are_refused_where_the_model_would_ignore_them(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="chat", messages=QUESTION, tools=[TOOL])
    assert caught.value.code == "unsupported_parameter"
    assert caught.value.param == "tools"


def test_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"chat", "rescued", "dead", "paid", f"embedded/{MODEL}", "double/gpt-4.1-mini"} <= set(names)
    assert client.models.retrieve("chat").id == "chat"
    assert client.models.retrieve(f"embedded/{MODEL}").owned_by == "embedded"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-nothing")
    assert caught.value.code == "unknown_model"


def test_a_pinned_provider_and_model(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=f"embedded/{MODEL}", messages=QUESTION, max_tokens=4)
    assert answer.model == MODEL


def test_embeddings(client: openai.OpenAI) -> None:
    # The SDK asks for base64 by itself and decodes it.
    answer = client.embeddings.create(model="double/gpt-4.1-mini", input=["one", "two"])
    assert [len(vector.embedding) for vector in answer.data] == [8, 8]
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="chat", input="one")
    assert caught.value.code == "unsupported_parameter"


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="chatt", messages=QUESTION)
    assert caught.value.code == "unknown_model"
    assert caught.value.param == "model"
    assert "Did you mean chat?" in str(caught.value)


def test_a_malformed_request_is_a_bad_request(client: openai.OpenAI) -> None:
    wrong: Any = [{"role": "wizard", "content": "x"}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="chat", messages=wrong)
    assert caught.value.code == "invalid_request"
    assert caught.value.param == "messages[0].role"


def test_a_spent_chain_is_an_error_that_the_sdk_does_not_retry(live: Gateway) -> None:
    live.cli("gateway", "breaker", "reset")
    with (
        openai.OpenAI(base_url=f"{live.url}/v1", api_key="none-needed", max_retries=2) as client,
        pytest.raises(openai.InternalServerError) as caught,
    ):
        client.chat.completions.create(model="dead", messages=QUESTION)
    error = caught.value
    assert error.status_code == 502
    assert error.code == "llm_chain_failed"
    assert error.response.headers["x-should-retry"] == "false"
    assert isinstance(error.body, dict)
    assert {attempt["provider"] for attempt in error.body["attempts"]} == {"gone", "gone-too"}


def test_keys(guarded: Gateway) -> None:
    secret = guarded.cli("key", "create", "sdk", "--scope", "use").out.strip()
    with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=secret, max_retries=0) as client:
        assert client.chat.completions.create(model="paid", messages=QUESTION).choices[0].message.content
    with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="rw_wrong", max_retries=0) as client:
        for call in (client.models.list, lambda: client.chat.completions.create(model="paid", messages=QUESTION)):
            with pytest.raises(openai.AuthenticationError) as caught:
                call()
            assert caught.value.code == "unauthorized"
            assert "rw_wrong" not in str(caught.value)
