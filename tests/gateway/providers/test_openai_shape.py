"""OpenAI's shape in the corners that the contract kit does not reach."""

from __future__ import annotations

import json

import msgspec
import pytest

from gateway.providers.contract_kit import MESSAGES, request
from roadworthy.core.attempts import Reason
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers.contract import ProviderFailure, UnsupportedParameter
from roadworthy.gateway.providers.openai_shape import OpenAIStream
from roadworthy.gateway.providers.registry import build
from roadworthy.gateway.settings import ProviderSettings

PROVIDER = build(ProviderSettings("o", "openai", "", api_key="k"))
DEEPSEEK = build(ProviderSettings("d", "deepseek", "", api_key="k"))
EMBEDDED = build(ProviderSettings("e", "embedded", "http://127.0.0.1:1/v1"))
ASK = request()


def reply(*choices, **fields):
    return PROVIDER.chat_reply(ASK, json.dumps({"model": "m", "choices": list(choices), **fields}).encode())


def chunk(*choices, **fields):
    return json.dumps({"id": "c", "model": "m", "choices": list(choices), **fields}).encode()


def test_the_body_travels_as_it_came():
    body = b'{"choices":[{"message":{"content":"hi"}}],  "x_vendor": {"kept": 1.50}}'
    assert PROVIDER.chat_reply(ASK, body).body is body
    assert PROVIDER.chat_reply(ASK, b"\n\n" + body + b"\r\n ").body == body


def test_unknown_is_none_not_zero():
    told = reply({"message": {"content": "hi"}}, usage={"total_tokens": 3})
    assert (told.usage, told.finish_reason) == (None, None)
    assert PROVIDER.chat_reply(ASK, b'{"choices":[{"message":{"content":"hi"}}]}').model == ""


@pytest.mark.parametrize(
    ("message", "has_payload"),
    [
        ({"content": None}, False),
        ({"content": None, "tool_calls": []}, False),
        ({"content": None, "tool_calls": None, "audio": None, "refusal": ""}, False),
        ({"content": None, "tool_calls": [{"id": "1"}]}, True),
        ({"content": None, "refusal": "No."}, True),
        ({"content": None, "audio": {"id": "a"}}, True),
        ({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, True),
    ],
)
def test_payload(message, has_payload):
    assert reply({"message": message}).has_payload is has_payload


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"[]", b"{}", b'{"choices":[]}', b'{"choices":null}', b'{"choices":[{}]}',
        b'{"choices":[{"message":null}]}', b'{"choices":[{"message":{"content":[1]}}]}',
        b'{"choices":[{"message":{"content":"',
        b"\xff\xfe", b"[" * 100_000, b'{"choices":[{"message":{"content":"a"}}]} trailing',
    ],
)  # fmt: skip
def test_malformed(body):
    with pytest.raises(ProviderFailure) as failed:
        PROVIDER.chat_reply(ASK, body)
    assert (failed.value.reason, failed.value.status) == (Reason.MALFORMED, 200)


def test_an_error_object_under_200_keeps_its_words():
    with pytest.raises(ProviderFailure) as failed:
        PROVIDER.chat_reply(ASK, b'{"error":{"message":"Slow down","code":429}}')
    assert (failed.value.reason, failed.value.detail) == (Reason.RATE_LIMITED, "Slow down")


def test_a_filtered_answer_with_text_is_an_answer():
    assert reply({"message": {"content": "Half an"}, "finish_reason": "content_filter"}).content == "Half an"


def test_chunks_of_another_choice_add_no_text():
    decoder = OpenAIStream()
    (second,) = decoder.feed(b"", chunk({"index": 1, "delta": {"content": "two"}}))
    assert (second.text, second.useful, second.finish_reason) == ("", True, None)
    (ended,) = decoder.feed(b"", chunk({"index": 1, "delta": {}, "finish_reason": "stop"}))
    assert ended.finish_reason is None


def test_a_chunk_without_choices_travels():
    (piece,) = OpenAIStream().feed(b"", chunk(prompt_filter_results=[]))
    assert (piece.text, piece.useful) == ("", False)
    (piece,) = OpenAIStream().feed(b"", chunk(usage={"prompt_tokens": 1, "completion_tokens": 2}))
    assert (piece.usage.prompt_tokens, piece.usage.completion_tokens) == (1, 2)


def test_line_breaks_between_tokens_do_not_break_the_event():
    data = json.dumps(json.loads(chunk({"index": 0, "delta": {"content": "a\nb"}})), indent=1).encode()
    (piece,) = OpenAIStream().feed(b"", data)
    assert b"\n" not in piece.payload
    assert json.loads(piece.payload) == json.loads(data)
    assert piece.text == "a\nb"


@pytest.mark.parametrize("data", [b"[DONE]", b" [DONE] "])
def test_the_end_mark(data):
    decoder = OpenAIStream()
    assert decoder.feed(b"", data) == ()
    assert decoder.finished


@pytest.mark.parametrize("data", [b"", b"  "])
def test_an_empty_event_says_nothing(data):
    decoder = OpenAIStream()
    assert decoder.feed(b"", data) == ()
    assert not decoder.finished


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"error":{"message":"x","type":"server_error","code":500}}', Reason.HTTP_ERROR),
        (b'{"error":{"message":"x","type":"rate_limit_error"}}', Reason.RATE_LIMITED),
        (b'{"error":{"message":"x","code":429}}', Reason.RATE_LIMITED),
        (b'{"error":{"message":"x","type":"insufficient_quota"}}', Reason.UNAUTHORIZED),
        (b'{"error":"boom"}', Reason.HTTP_ERROR),
        (b'{"object":"chat.completion.chunk"}', Reason.MALFORMED),
        (b'{"choices":[{"delta":{"content":', Reason.MALFORMED),
        (b"<html>", Reason.MALFORMED),
    ],
)
def test_events_that_are_no_chunk(data, reason):
    with pytest.raises(ProviderFailure) as failed:
        OpenAIStream().feed(b"", data)
    assert failed.value.reason is reason


def test_an_error_beside_choices_is_an_error():
    with pytest.raises(ProviderFailure) as failed:
        OpenAIStream().feed(b"", chunk(error={"message": "Provider disconnected", "code": 502}))
    assert (failed.value.reason, failed.value.detail) == (Reason.HTTP_ERROR, "Provider disconnected")


# requests


def test_the_request_keeps_its_raw_fields():
    body = (
        b'{"model":"chat","messages":[{"role":"user","content":"hi"}],"temperature":1.50,"seed":12345678901234567890}'
    )
    sent = PROVIDER.chat_body(ChatRequest.parse(body), "gpt-4.1-mini")
    assert b'"temperature":1.50' in sent
    assert b'"seed":12345678901234567890' in sent
    assert json.loads(sent)["model"] == "gpt-4.1-mini"


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", 1), ("n", 2), ("logit_bias", {"5": 1}), ("audio", {"voice": "alloy"}), ("functions", [{}])],
)
def test_what_an_api_cannot_do_is_refused_by_name(field, value):
    with pytest.raises(UnsupportedParameter) as refused:
        DEEPSEEK.chat_body(request(**{field: value}), "m")
    assert refused.value.param == field


def test_what_asks_for_nothing_is_left_out():
    ask = request(seed=None, n=1, logit_bias={}, modalities=["text"], store=True, user="u", max_completion_tokens=None)
    assert json.loads(DEEPSEEK.chat_body(ask, "m")).keys() == {"model", "messages"}


def test_the_developer_role_becomes_system_and_nothing_else_changes():
    messages = [{"role": "developer", "content": "a", "name": "n"}, *MESSAGES]
    sent = json.loads(DEEPSEEK.chat_body(request(messages=messages), "m"))["messages"]
    assert sent == [{"role": "system", "content": "a", "name": "n"}, *MESSAGES]


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file"])
def test_the_embedded_model_reads_text_only(kind):
    messages = [{"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": kind, kind: {}}]}]
    with pytest.raises(UnsupportedParameter) as refused:
        EMBEDDED.chat_body(request(messages=messages), "m")
    assert refused.value.param == "messages"


# embeddings


def test_embeddings():
    fields = {"input": b'"hi"'}
    body = PROVIDER.embeddings_body({name: msgspec.Raw(raw) for name, raw in fields.items()}, "text-embedding-3-small")
    assert json.loads(body) == {"input": "hi", "model": "text-embedding-3-small"}
    answer = (
        b'{"object":"list","data":[{"embedding":[0.1]}],"model":"e","usage":{"prompt_tokens":2,"total_tokens":2}}\n'
    )
    told = PROVIDER.embeddings_reply(answer)
    assert told.body == answer.strip()
    assert (told.model, told.content, told.usage.prompt_tokens) == ("e", None, 2)


@pytest.mark.parametrize(
    ("body", "reason"), [(b'{"data":[]}', Reason.EMPTY), (b"{}", Reason.MALFORMED), (b"<p>", Reason.MALFORMED)]
)
def test_embeddings_that_are_none(body, reason):
    with pytest.raises(ProviderFailure) as failed:
        PROVIDER.embeddings_reply(body)
    assert failed.value.reason is reason
