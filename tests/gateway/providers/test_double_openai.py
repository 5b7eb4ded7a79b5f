"""The OpenAI double satisfies the official client: what it cannot parse, the double must not send."""

from __future__ import annotations

import openai
import pytest

import doubles
from doubles import Fault


@pytest.fixture
def server():
    with doubles.openai() as double:
        yield double


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=server.base_url, api_key="test-key", max_retries=0, timeout=2) as sdk:
        yield sdk


ASK = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Capital of France?"}]}


def test_plain(server, client):
    answer = client.chat.completions.create(**ASK)
    assert answer.choices[0].message.content == server.reply
    assert server.requests[0].json["model"] == "gpt-4.1-mini"


def test_stream(server, client):
    chunks = list(client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == server.reply
    assert chunks[-1].usage.completion_tokens > 0


def test_embeddings(client):
    assert len(client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data) == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_errors(server, client, status, error):
    server.faults = Fault("status", status=status)
    with pytest.raises(error):
        client.chat.completions.create(**ASK)


def test_wrong_key_is_refused(server):
    with (
        openai.OpenAI(base_url=server.base_url, api_key="wrong", max_retries=0) as sdk,
        pytest.raises(openai.AuthenticationError),
    ):
        sdk.chat.completions.create(**ASK)


@pytest.mark.parametrize("kind", ["hang", "close", "reset", "cut", "stall", "wrong_length", "truncated_body"])
def test_a_plain_answer_that_does_not_arrive(server, kind):
    server.faults = Fault(kind)
    with (
        openai.OpenAI(base_url=server.base_url, api_key="test-key", max_retries=0, timeout=0.3) as sdk,
        pytest.raises((openai.APIConnectionError, ValueError)),
    ):
        sdk.chat.completions.create(**ASK)


def test_faults_in_order_then_healthy(server, client):
    server.faults = [Fault("status", status=500), None, Fault("status", status=503)]
    outcomes = []
    for _ in range(4):
        try:
            client.chat.completions.create(**ASK)
            outcomes.append(200)
        except openai.InternalServerError as error:
            outcomes.append(error.status_code)
    assert outcomes == [500, 200, 503, 200]


def test_gzip(server, client):
    server.faults = Fault("gzip")
    assert client.chat.completions.create(**ASK).choices[0].message.content == server.reply
