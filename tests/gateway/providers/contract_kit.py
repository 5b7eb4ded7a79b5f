"""One kit for every provider: its API's double at the other end of a real socket, OpenAI's own types as the judge."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import httpx2
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from doubles import Fault
from doubles.server import Double
from roadworthy.core.attempts import Reason
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.edge.sse import EventParser
from roadworthy.gateway.providers.contract import Piece, Provider, ProviderFailure, Reply, UnsupportedParameter
from roadworthy.gateway.providers.registry import build
from roadworthy.gateway.settings import ProviderSettings

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of France?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["city", "population"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA, "strict": True}}


def request(**fields: Any) -> ChatRequest:
    """A parsed chat request."""
    return ChatRequest.parse(json.dumps({"model": "chat", "messages": MESSAGES, **fields}).encode())


def plain_client(provider: Provider) -> httpx2.Client:
    """A client that reads the trust store only where there is a certificate to check: it takes 50 ms of CPU."""
    return httpx2.Client(timeout=60, verify=provider.base_url.startswith("https:"))


def talk(provider: Provider, ask: ChatRequest, model: str) -> Reply:
    """A plain exchange, as the edge does it."""
    with plain_client(provider) as client:
        answer = client.post(
            provider.base_url + provider.chat_path,
            content=provider.chat_body(ask, model),
            headers={**dict(provider.headers), "content-type": "application/json"},
        )
    if answer.status_code != 200:
        headers = {name.lower(): value for name, value in answer.headers.raw}
        raise provider.failure(answer.status_code, headers, answer.content)
    return provider.chat_reply(ask, answer.content)


def listen(provider: Provider, ask: ChatRequest, model: str) -> tuple[list[Piece], bool]:
    """A streamed exchange: its pieces, and whether the API's own end was seen."""
    parser, decoder, pieces = EventParser(), provider.chat_stream(ask), []
    with (
        plain_client(provider) as client,
        client.stream(
            "POST",
            provider.base_url + provider.chat_path,
            content=provider.chat_body(ask, model),
            headers={**dict(provider.headers), "content-type": "application/json"},
        ) as answer,
    ):
        assert answer.status_code == 200
        for part in answer.iter_bytes():
            for event, data in parser.feed(part):
                pieces += decoder.feed(event, data)
    return pieces, decoder.finished


def completion(reply: Reply) -> ChatCompletion:
    """The reply as the official client sees it."""
    assert reply.body.startswith(b"{")
    assert reply.body.endswith(b"}")
    return ChatCompletion.model_validate_json(reply.body)


def chunks(pieces: list[Piece]) -> list[ChatCompletionChunk]:
    """The pieces as the official client sees them."""
    pieces = [piece for piece in pieces if piece.payload]
    for piece in pieces:
        assert b"\n" not in piece.payload
        assert piece.payload.endswith(b"}")
    return [ChatCompletionChunk.model_validate_json(piece.payload) for piece in pieces]


class ProviderContract:
    """Subclasses name the kind, its double and what the API has not."""

    kind: ClassVar[str]
    model: ClassVar[str]
    key_header: ClassVar[str] = "authorization"
    tools: ClassVar[bool] = True
    json_schema: ClassVar[bool] = True
    missing_model: ClassVar[str] = "no-such-model"

    def double(self) -> Double:
        """The API's double, not yet started."""
        raise NotImplementedError

    @pytest.fixture
    def server(self):
        """The running double."""
        with self.double() as double:
            yield double

    @pytest.fixture
    def provider(self, server: Double) -> Provider:
        """The provider under test."""
        return build(ProviderSettings("upstream", self.kind, server.base_url, api_key=server.api_key))

    # answers

    def test_plain(self, provider: Provider, server: Double) -> None:
        reply = talk(provider, request(temperature=0.5, max_tokens=50), self.model)
        answer = completion(reply)
        assert reply.content == server.reply == answer.choices[0].message.content
        assert reply.finish_reason == answer.choices[0].finish_reason == "stop"
        assert reply.model == answer.model
        assert self.model in reply.model
        assert not reply.has_payload
        assert answer.usage is not None
        assert reply.usage is not None
        assert reply.usage.prompt_tokens == answer.usage.prompt_tokens > 0
        assert reply.usage.completion_tokens == answer.usage.completion_tokens > 0
        assert server.requests[0].json["model"] == self.model
        assert server.requests[0].json["max_tokens"] == 50

    def test_stream(self, provider: Provider, server: Double) -> None:
        pieces, finished = listen(provider, request(stream=True), self.model)
        answer = chunks(pieces)
        assert finished
        assert "".join(piece.text for piece in pieces) == server.reply
        assert "".join(c.choices[0].delta.content or "" for c in answer if c.choices) == server.reply
        assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]
        assert [piece.useful for piece in pieces if piece.text.strip()].count(False) == 0
        assert not any(piece.useful for piece in pieces if not piece.text.strip())
        assert self.model in pieces[0].model
        assert answer[0].choices[0].delta.role == "assistant"

    def test_stream_with_usage(self, provider: Provider) -> None:
        ask = request(stream=True, stream_options={"include_usage": True})
        pieces, finished = listen(provider, ask, self.model)
        assert finished
        last = chunks(pieces)[-1]
        assert last.usage is not None
        assert pieces[-1].usage is not None
        assert pieces[-1].usage.prompt_tokens == last.usage.prompt_tokens > 0
        assert pieces[-1].usage.completion_tokens == last.usage.completion_tokens > 0

    def test_the_new_name_of_the_token_limit(self, provider: Provider, server: Double) -> None:
        talk(provider, request(max_completion_tokens=33), self.model)
        sent = server.requests[0].json
        assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 33

    def test_developer_messages(self, provider: Provider, server: Double) -> None:
        messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
        assert talk(provider, request(messages=messages), self.model).content == server.reply
        assert b"Be brief." in server.requests[0].body

    def test_text_parts(self, provider: Provider, server: Double) -> None:
        messages = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
        assert talk(provider, request(messages=messages), self.model).content == server.reply

    def test_bookkeeping_parameters_are_no_obstacle(self, provider: Provider, server: Double) -> None:
        ask = request(user="u1", store=False, metadata={"a": "b"}, n=1, seed=None, logprobs=False)
        assert talk(provider, ask, self.model).content == server.reply

    # tools

    def test_tools(self, provider: Provider, server: Double) -> None:
        if not self.tools:
            with pytest.raises(UnsupportedParameter) as refused:
                provider.chat_body(request(tools=[TOOL]), self.model)
            assert refused.value.param == "tools"
            return
        reply = talk(provider, request(tools=[TOOL], tool_choice="required"), self.model)
        message = completion(reply).choices[0].message
        assert reply.has_payload
        assert reply.finish_reason == "tool_calls"
        assert message.tool_calls is not None
        call = message.tool_calls[0]
        assert call.function.name == "get_weather"
        assert json.loads(call.function.arguments) == {"city": "text", "days": 7}

        said = json.loads(reply.body)["choices"][0]["message"]
        result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
        again = request(messages=[*MESSAGES, said, result], tools=[TOOL])
        assert talk(provider, again, self.model).content == server.reply

    def test_stream_tools(self, provider: Provider) -> None:
        if not self.tools:
            return
        pieces, finished = listen(provider, request(tools=[TOOL], stream=True), self.model)
        assert finished
        assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["tool_calls"]
        assert any(piece.useful for piece in pieces)
        deltas = [c.choices[0].delta.tool_calls[0] for c in chunks(pieces) if c.choices[0].delta.tool_calls]
        assert deltas[0].id
        assert deltas[0].function.name == "get_weather"
        assert {delta.index for delta in deltas} == {0}
        assert json.loads("".join(delta.function.arguments or "" for delta in deltas)) == {"city": "text", "days": 7}

    # JSON

    def test_json_schema(self, provider: Provider) -> None:
        if not self.json_schema:
            with pytest.raises(UnsupportedParameter) as refused:
                provider.chat_body(request(response_format=JSON_SCHEMA), self.model)
            assert refused.value.param == "response_format"
            return
        reply = talk(provider, request(response_format=JSON_SCHEMA), self.model)
        assert json.loads(reply.content or "") == {"city": "text", "population": 7}
        pieces, _ = listen(provider, request(response_format=JSON_SCHEMA, stream=True), self.model)
        assert json.loads("".join(piece.text for piece in pieces)) == {"city": "text", "population": 7}

    # errors

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (400, Reason.BAD_REQUEST), (401, Reason.UNAUTHORIZED), (402, Reason.UNAUTHORIZED),
            (403, Reason.UNAUTHORIZED), (404, Reason.MODEL_NOT_FOUND), (408, Reason.HTTP_ERROR),
            (409, Reason.HTTP_ERROR), (413, Reason.BAD_REQUEST), (422, Reason.BAD_REQUEST),
            (429, Reason.RATE_LIMITED), (500, Reason.HTTP_ERROR), (502, Reason.HTTP_ERROR),
            (503, Reason.HTTP_ERROR), (504, Reason.HTTP_ERROR), (529, Reason.HTTP_ERROR),
        ],
    )  # fmt: skip
    def test_errors(self, provider: Provider, server: Double, status: int, reason: Reason) -> None:
        server.faults = Fault("status", status=status)
        with pytest.raises(ProviderFailure) as failed:
            talk(provider, request(), self.model)
        assert (failed.value.reason, failed.value.status) == (reason, status)
        assert 0 < len(failed.value.detail) <= 2_000

    def test_retry_after(self, provider: Provider, server: Double) -> None:
        server.faults = Fault("status", status=429, headers={"retry-after": "7"})
        with pytest.raises(ProviderFailure) as failed:
            talk(provider, request(), self.model)
        assert failed.value.retry_after_s == 7.0

    def test_a_wrong_key(self, server: Double) -> None:
        provider = build(ProviderSettings("upstream", self.kind, server.base_url, api_key="sk-wrong-canary"))
        with pytest.raises(ProviderFailure) as failed:
            talk(provider, request(), self.model)
        assert failed.value.reason is Reason.UNAUTHORIZED
        assert "sk-wrong-canary" not in failed.value.detail

    def test_a_missing_model(self, provider: Provider) -> None:
        with pytest.raises(ProviderFailure) as failed:
            talk(provider, request(), self.missing_model)
        assert failed.value.reason is Reason.MODEL_NOT_FOUND

    def test_the_content_filter(self, provider: Provider, server: Double) -> None:
        server.faults = Fault("filtered")
        with pytest.raises(ProviderFailure) as failed:
            talk(provider, request(), self.model)
        assert failed.value.reason is Reason.CONTENT_FILTERED
        with pytest.raises(ProviderFailure) as failed:
            listen(provider, request(stream=True), self.model)
        assert failed.value.reason is Reason.CONTENT_FILTERED

    # answers that are none

    @pytest.mark.parametrize("kind", ["html", "not_json", "no_choices", "empty_body", "truncated_body"])
    def test_a_200_that_is_no_answer(self, provider: Provider, server: Double, kind: Any) -> None:
        server.faults = Fault(kind)
        with pytest.raises(ProviderFailure) as failed:
            talk(provider, request(), self.model)
        assert (failed.value.reason, failed.value.status) == (Reason.MALFORMED, 200)

    @pytest.mark.parametrize(("kind", "content"), [("empty", ""), ("whitespace", " \n\t ")])
    def test_emptiness_is_told_not_judged(self, provider: Provider, server: Double, kind: Any, content: str) -> None:
        server.faults = Fault(kind)
        reply = talk(provider, request(), self.model)
        assert (reply.content, reply.has_payload) == (content, False)
        pieces, _ = listen(provider, request(stream=True), self.model)
        assert not any(piece.useful for piece in pieces)

    def test_empty_lines_before_the_body(self, provider: Provider, server: Double) -> None:
        server.faults = Fault("keep_alive")
        assert completion(talk(provider, request(), self.model)).choices[0].message.content == server.reply
        pieces, finished = listen(provider, request(stream=True), self.model)
        assert finished
        assert "".join(piece.text for piece in pieces) == server.reply

    # streams that break

    def test_a_stream_without_its_end_mark(self, provider: Provider, server: Double) -> None:
        server.faults = Fault("end_early", after=3)
        pieces, finished = listen(provider, request(stream=True), self.model)
        assert not finished
        assert sum(bool(piece.text) for piece in pieces) == 3

    def test_an_error_inside_a_stream(self, provider: Provider, server: Double) -> None:
        server.faults = Fault("error_event", after=3)
        with pytest.raises(ProviderFailure) as failed:
            listen(provider, request(stream=True), self.model)
        assert failed.value.reason is Reason.HTTP_ERROR
        assert failed.value.detail
