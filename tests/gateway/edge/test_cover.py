"""Prompts masked before they leave, answers freed of tokens and masked, on real sockets."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import msgspec
import pytest
from openai import AsyncOpenAI

from doubles.scripted_server import Say, ScriptedServer, events, serving
from rig.covered_fields import ANSWERS, EMAIL, EVERYWHERE
from roadworthy.gateway.request_metrics import fold
from roadworthy.gateway.settings import CacheSettings, Hedge, Masking
from roadworthy.runtime.metrics import Metrics
from roadworthy.serve.edge_guard import disguises

PHONE, CARD = "010-1234-5678", "4111 1111 1111 1111"
RAW = (EMAIL, PHONE, CARD)
QUESTION = f"Write to {EMAIL} or call {PHONE}, card {CARD}."
TOKENS = Masking("token")
Answer = Callable[[Any], Say]


class Echo(dict[str, Say]):
    """A script whose answer depends on what was asked."""

    def __init__(self, server: ScriptedServer, answer: Answer) -> None:
        self._server, self._answer = server, answer

    def get(self, key: str, default: Any = None) -> Any:
        return self._answer(self._server.asked[-1].body)


@pytest.fixture
def provider() -> Iterator[Callable[[Answer], ScriptedServer]]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(answer: Answer) -> ScriptedServer:
            server = ScriptedServer()
            server.script = Echo(server, answer)
            return stack.enter_context(serving(server))

        yield start


def heard(body: Any) -> str:
    return str(body["messages"][-1]["content"])


def whole(*texts: str, **more: Any) -> Say:
    choices = [
        {"index": at, "message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}
        for at, text in enumerate(texts)
    ]
    return Say({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices})


def chunk(delta: dict[str, Any], index: int = 0, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def streamed(text: str, size: int = 3, finish: str | None = "stop", done: bool = True) -> Say:
    pieces = [chunk({"content": text[at : at + size]}) for at in range(0, len(text), size)]
    end = [] if finish is None else [chunk({}, finish=finish)]
    return events(chunk({"role": "assistant", "content": ""}), *pieces, *end, done=done)


@pytest.fixture
def start(start_edge):
    async def begin(masking: Masking | None, *servers: ScriptedServer, **more: Any) -> Any:
        providers = {name: server.url for name, server in zip("abc", servers, strict=False)}
        route = {"masking": masking, **more.pop("route", {})}
        chain = [f"{name}/m" for name in providers]
        edge = await start_edge(providers, chain, route=route, token_key="k" * 32, **more)
        edge.service.disguise = disguises(edge.service.settings).open
        return edge

    return begin


async def ask(edge: Any, text: str = QUESTION, **more: Any) -> Any:
    return await edge.ask(messages=[{"role": "user", "content": text}], **more)


def said(lines: str) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """The text of each choice of a stream, and its chunks."""
    chunks = [json.loads(line[6:]) for line in lines.splitlines() if line.startswith("data: {")]
    texts: dict[int, str] = {}
    for one in chunks:
        for choice in one.get("choices", ()):
            texts[choice["index"]] = texts.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return texts, chunks


async def test_marks_leave_in_place_of_values_and_the_answer_says_how_many(start, provider) -> None:
    server = provider(lambda body: whole(f"I heard: {heard(body)}"))
    edge = await start(Masking("mask"), server)
    response = await ask(edge)
    told = "Write to ***EMAIL_MASKED*** or call ***PHONE_MASKED***, card ***CARD_MASKED***."
    assert heard(server.last.body) == told
    body = response.json()
    assert body["choices"][0]["message"]["content"] == f"I heard: {told}"
    assert body["roadworthy"]["masked"] == {"prompt": {"CARD": 1, "EMAIL": 1, "PHONE": 1}, "answer": {}}


async def test_off_nothing_is_looked_for(start, provider) -> None:
    server = provider(lambda body: whole("Good."))
    response = await ask(await start(None, server))
    assert heard(server.last.body) == QUESTION
    assert "masked" not in response.json()["roadworthy"]


async def test_tokens_leave_and_come_back_as_values(start, provider) -> None:
    server = provider(lambda body: whole(f"Done: {heard(body)}".upper(), "`" + heard(body) + "`"))
    edge = await start(TOKENS, server)
    body = (await ask(edge, n=2)).json()
    assert not any(value in heard(server.last.body) for value in RAW)
    first, second = (choice["message"]["content"] for choice in body["choices"])
    assert all(value in first for value in RAW)
    assert second == f"`{QUESTION}`"
    assert edge.ledger.records[0].masked.prompt == {"CARD": 1, "EMAIL": 1, "PHONE": 1}


@pytest.mark.parametrize("size", [1, 2, 5, 1_000])
@pytest.mark.parametrize("finish", ["stop", None])
async def test_a_stream_cut_inside_tokens_is_whole_for_the_caller(
    start, provider, size: int, finish: str | None
) -> None:
    server = provider(lambda body: streamed(f"Done: {heard(body)} {heard(body)[9:40]}", size, finish))
    response = await ask(await start(TOKENS, server), stream=True)
    texts, chunks = said(response.text)
    assert texts[0].startswith(f"Done: {QUESTION} ")
    assert response.text.endswith("data: [DONE]\n\n")
    if finish:
        assert chunks[-1]["roadworthy"]["masked"]["prompt"]["EMAIL"] == 1


async def test_what_a_stream_still_holds_comes_before_its_end(start, provider) -> None:
    answer = events(
        chunk({"content": "a"}), chunk({"content": "xxxx EMAIL"}, 1), chunk({}, 1, "stop"),
        chunk({"content": " PHO"}), chunk({}, finish="stop"),
    )  # fmt: skip
    server = provider(lambda body: answer)
    response = await ask(await start(TOKENS, server), stream=True)
    texts, chunks = said(response.text)
    assert texts == {0: "a PHO", 1: "xxxx EMAIL"}
    assert [choice["finish_reason"] for one in chunks for choice in one["choices"]][-1] == "stop"


async def test_tool_calls_go_out_covered_and_come_back_valid(start, provider) -> None:
    secret = 'p"w\\x'
    asked = [
        {"role": "user", "content": f"Mail {EMAIL}; password: {json.dumps(secret)}"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "mail", "arguments": json.dumps({"to": EMAIL})},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": f"sent to {EMAIL}"},
    ]

    def answer(body: Any) -> Say:
        arguments = body["messages"][1]["tool_calls"][0]["function"]["arguments"]
        call = {"index": 0, "id": "call_2", "type": "function", "function": {"name": "mail", "arguments": ""}}
        pieces = [
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments[at : at + 4]}}]})
            for at in range(0, len(arguments), 4)
        ]
        return events(chunk({"role": "assistant", "tool_calls": [call]}), *pieces, chunk({}, finish="tool_calls"))

    server = provider(answer)
    edge = await start(TOKENS, server)
    response = await edge.ask(messages=asked, stream=True)
    sent = json.dumps(server.last.body)
    assert EMAIL not in sent
    assert "call_1" in sent
    calls = [call for one in said(response.text)[1] for call in one["choices"][0]["delta"].get("tool_calls", ())]
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"to": EMAIL}


async def test_answers_are_masked_when_that_is_on(start, provider) -> None:
    text = "The owner is eve@evil.org, and you are "
    masking = Masking("token", answers=True)
    plain = provider(lambda body: whole(text + heard(body)))
    body = (await ask(await start(masking, plain))).json()
    assert body["choices"][0]["message"]["content"] == f"The owner is ***EMAIL_MASKED***, and you are {QUESTION}"
    assert body["roadworthy"]["masked"]["answer"] == {"EMAIL": 1}
    stream = provider(lambda body: streamed(text + heard(body)))
    response = await ask(await start(masking, stream), stream=True)
    texts, chunks = said(response.text)
    assert texts[0] == f"The owner is ***EMAIL_MASKED***, and you are {QUESTION}"
    assert chunks[-1]["roadworthy"]["masked"]["answer"] == {"EMAIL": 1}


async def test_every_target_gets_the_masked_text(start, provider) -> None:
    broken = provider(lambda body: Say({"error": {"message": f"no {heard(body)}"}}, 500))
    server = provider(lambda body: whole("I can: " + heard(body)))
    response = await ask(await start(TOKENS, broken, server))
    assert all(
        value not in json.dumps(asked.body) for each in (broken, server) for asked in each.asked for value in RAW
    )
    assert heard(broken.last.body) == heard(server.last.body)
    assert response.json()["choices"][0]["message"]["content"] == "I can: " + QUESTION


async def test_a_hedge_gets_the_masked_text(start, provider) -> None:
    slow = provider(lambda body: Say(hang=True))
    server = provider(lambda body: whole("I was quick: " + heard(body)))
    hedge = Hedge(after_s=0.02, max_extra_cost=1.0)
    response = await ask(await start(TOKENS, slow, server, route={"hedge": hedge}))
    assert response.json()["choices"][0]["message"]["content"] == "I was quick: " + QUESTION
    assert EMAIL not in json.dumps(server.last.body) + json.dumps(slow.last.body)


async def test_a_masker_that_fails_sends_nothing(start, provider) -> None:
    server = provider(lambda body: whole("Good."))
    edge = await start(TOKENS, server)

    class Broken:
        reads_answers = True

        def hide(self, text: str, count: object) -> str:
            raise RuntimeError(text)

        def answer(self, count: object, *, in_json: bool = False) -> object:
            raise AssertionError

    edge.service.disguise = lambda key_id, masking: Broken()
    for more in ({}, {"stream": True}):
        response = await ask(edge, **more)
        assert (response.status_code, response.json()["error"]["code"]) == (500, "masking_failed")
        assert not server.asked
        assert EMAIL not in response.text + repr(edge.ledger.events)
    refused = await edge.http.post("/v1/embeddings", json={"model": "chat", "input": QUESTION})
    assert (refused.status_code, refused.json()["error"]["code"]) == (500, "masking_failed")
    assert not server.asked


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_cannot_be_masked_is_not_shown(start, provider, stream: bool) -> None:
    answer = streamed(f"The owner is {EMAIL} he says") if stream else whole(f"The owner is {EMAIL}.")
    edge = await start(Masking("off", answers=True), provider(lambda body: answer))

    class Broken:
        reads_answers = True

        def hide(self, text: str, count: object) -> str:
            return text

        def answer(self, count: object, *, in_json: bool = False) -> Broken:
            return self

        def feed(self, text: str) -> str:
            raise RuntimeError(text)

    edge.service.disguise = lambda key_id, masking: Broken()
    response = await ask(edge, "Who owns it?", stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (500, "masking_failed")
    assert "bob" not in response.text + repr(edge.ledger.events)


async def test_the_cache_keeps_what_the_caller_saw_and_no_other_tenant_gets_it(start, provider) -> None:
    server = provider(lambda body: whole("I heard " + heard(body)))
    edge = await start(TOKENS, server, cache=CacheSettings(enabled=True))
    first, second = (await ask(edge, temperature=0)).json(), (await ask(edge, temperature=0)).json()
    assert len(server.asked) == 1
    assert second["roadworthy"]["cache"] == "hit"
    assert first["choices"] == second["choices"]
    other = await ask(edge, QUESTION.replace("bob@", "eve@"), temperature=0)
    assert "eve@example.com" in other.json()["choices"][0]["message"]["content"]


async def test_tokens_of_another_tenant_stay_tokens(start, provider) -> None:
    server = provider(lambda body: whole("I heard " + heard(body)))
    edge = await start(TOKENS, server)
    opened = edge.service.disguise
    await ask(edge)
    stolen = heard(server.last.body)
    edge.service.disguise = lambda key_id, masking: opened("somebody else", masking)
    answer = (await ask(edge, stolen)).json()["choices"][0]["message"]["content"]
    assert answer == "I heard " + stolen
    await ask(edge)
    assert heard(server.last.body) != stolen


async def test_embeddings_are_covered_too(start, provider) -> None:
    vectors = Say({"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}]})
    server = provider(lambda body: vectors)
    edge = await start(Masking("mask"), server)
    response = await edge.http.post("/v1/embeddings", json={"model": "chat", "input": [QUESTION]})
    assert response.status_code == 200, response.text
    assert EMAIL not in json.dumps(server.last.body)
    assert response.json()["roadworthy"]["masked"]["prompt"]["EMAIL"] == 1
    refused = await edge.http.post("/v1/embeddings", json={"model": "chat", "input": [1, 2]})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "input")


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "4111111111111111" * 8}}


async def test_pictures_names_and_forms_are_left_alone(start, provider) -> None:
    server = provider(lambda body: whole("Good picture."))
    edge = await start(Masking("mask"), server)
    properties = {"type": {"type": "string", "pattern": "^[0-9]{9}$", "enum": [EMAIL], "default": PHONE}}
    form = {"type": "object", "properties": properties, "required": ["type"]}
    tools = [{"type": "function", "function": {"name": "f", "description": f"of {EMAIL}", "parameters": form}}]
    content = [{"type": "text", "text": EMAIL}, PICTURE]
    response = await edge.ask(
        messages=[{"role": "user", "content": content}], tools=tools, user=EMAIL, seed=4111111111111111
    )
    assert response.status_code == 200
    sent = server.last.body
    assert sent["messages"][0]["content"] == [{"type": "text", "text": "***EMAIL_MASKED***"}, PICTURE]
    assert sent["tools"][0]["function"]["name"] == "f"
    assert sent["tools"][0]["function"]["description"] == "of ***EMAIL_MASKED***"
    assert sent["tools"][0]["function"]["parameters"]["required"] == ["type"]
    assert sent["tools"][0]["function"]["parameters"]["properties"]["type"] == {
        "type": "string", "pattern": "^[0-9]{9}$", "enum": ["***EMAIL_MASKED***"], "default": "***PHONE_MASKED***",
    }  # fmt: skip
    assert sent["user"] == "***EMAIL_MASKED***"
    assert sent["seed"] == 4111111111111111


@pytest.mark.parametrize("more", EVERYWHERE.values(), ids=EVERYWHERE)
@pytest.mark.parametrize("prompts", ["mask", "token"])
async def test_no_field_of_a_request_lets_a_value_out(start, provider, prompts: Any, more: dict[str, Any]) -> None:
    server = provider(lambda body: whole("Good."))
    edge = await start(Masking(prompts), server)
    await edge.ask(**{"messages": [{"role": "user", "content": "Hello."}], **more})
    assert server.asked, "it was not sent"
    sent = json.dumps(server.last.body)
    for value in (EMAIL, "4111111111111111", "hunter2-X9"):
        assert value not in sent


async def test_fields_that_nobody_documents_are_covered_where_they_are_sent(start, provider) -> None:
    server = provider(lambda body: whole("Good."))
    edge = await start(Masking("mask"), server, kinds={"a": "compatible"})
    extra = {"documents": [{"title": EMAIL, "n": 3}], "system": EMAIL, "top_k": 7, "extra": {"card": 4111111111111111}}
    response = await edge.ask(messages=[{"role": "user", "content": "Hello."}], **extra)
    assert response.status_code == 200, response.text
    sent = server.last.body
    assert sent["documents"] == [{"title": "***EMAIL_MASKED***", "n": 3}]
    assert (sent["system"], sent["top_k"]) == ("***EMAIL_MASKED***", 7)
    assert sent["extra"] == {"card": "***CARD_MASKED***"}


def filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {name: filled(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, text) for each in value]
    return text if value == "{}" else value


def texts_of(value: Any, left: tuple[str, ...] = ("type", "role", "id", "format", "name")) -> str:
    if isinstance(value, dict):
        return "".join(texts_of(each) for name, each in value.items() if name not in left and each != "x")
    if isinstance(value, list):
        return "".join(map(texts_of, value))
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize("form", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("size", [None, 1, 5])
async def test_every_text_of_an_answer_is_masked_and_gets_its_values_back(
    start, provider, form: dict[str, Any], size: int | None
) -> None:
    def answer(body: Any) -> Say:
        text = f"of eve@evil.org for {heard(body)}"
        if size is None:
            return whole("", **{"content": "x", **filled(form, text)})
        pieces = [chunk(filled(form, text[at : at + size])) for at in range(0, len(text), size)]
        return events(chunk({"role": "assistant", "content": "x"}), *pieces, chunk({}, finish="stop"))

    edge = await start(Masking("token", answers=True), provider(answer))
    response = await ask(edge, EMAIL, stream=size is not None)
    wanted = f"of ***EMAIL_MASKED*** for {EMAIL}"
    if size is None:
        told = texts_of(response.json()["choices"][0]["message"])
    else:
        told = "".join(texts_of(one["choices"][0]["delta"]) for one in said(response.text)[1] if one["choices"])
    assert told == wanted
    assert "eve@" not in response.text
    assert "EMAIL_" not in response.text.replace("***EMAIL_MASKED***", "")


async def test_masked_values_are_counted_by_kind(start, provider) -> None:
    server = provider(lambda body: whole("Good."))
    edge = await start(Masking("mask", kinds=("EMAIL",)), server)
    await ask(edge)
    assert PHONE in heard(server.last.body)
    metrics = Metrics()
    fold(metrics, edge.ledger.records)
    counted = str(metrics.snapshot())
    assert "roadworthy_masked_values_total" in counted
    assert "'EMAIL'" in counted
    assert "'PHONE'" not in counted
    assert EMAIL.encode() not in msgspec.json.encode(edge.ledger.records)


async def test_a_stream_that_breaks_gives_no_half_value(start, provider) -> None:
    server = provider(lambda body: streamed("I heard so far: " + heard(body)[:30], finish=None, done=False))
    edge = await start(TOKENS, server)
    body = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    got = b""
    async with edge.http.stream("POST", "/v1/chat/completions", json=body) as response:
        with contextlib.suppress(httpx2.RemoteProtocolError):
            async for data in response.aiter_bytes():
                got += data
    assert b"stream_incomplete" in got
    assert said(got.decode().partition("event: error")[0])[0][0] == "I heard so far: Write to "


async def test_the_official_client_reads_a_covered_stream(start, provider) -> None:
    server = provider(lambda body: streamed("I heard: " + heard(body)))
    edge = await start(TOKENS, server)
    client = AsyncOpenAI(base_url=f"{edge.url}/v1", api_key="any", max_retries=0)
    stream = await client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    text = ""
    async for one in stream:
        text += one.choices[0].delta.content or ""
    assert text == "I heard: " + QUESTION
    await client.close()
