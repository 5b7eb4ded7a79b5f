"""Rules that come with a request, on a running edge: repaired, passed on, refused, streamed, cached, and never told."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import openai
import pytest

from doubles.scripted_model import Model, streamed, watch
from doubles.scripted_server import Say, ScriptedServer, serving
from doubles.wire_api import EVENT_STREAM, Call, WireDouble, completion, framed, whole
from rig.covered_fields import EMAIL
from roadworthy.gateway.cache import encoder
from roadworthy.gateway.quality.rule import Quality
from roadworthy.gateway.request_metrics import fold
from roadworthy.gateway.request_record import recorded
from roadworthy.gateway.settings import CacheSettings, Hedge, Key, Masking, Mode, Price, Route, SemanticSettings, Target
from roadworthy.runtime.metrics import Metrics
from roadworthy.serve.edge_guard import disguises

GOOD = "Bergamot opens it, then jasmine, and cedar stays on the skin."
BAD = "Lemon opens it, then rose, and musk stays on the skin."
WORSE = "Lime opens it, and nothing stays on the skin."
RULES = {"required_terms": ["bergamot"]}
ISSUES = {"missing_terms": ["bergamot"]}
SHOWN = RULES | {"keep_rejected": True}
REFUSAL = "I'm sorry, but I can't help with that request."
Start = Callable[..., Any]


def text(response: Any) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def attempts(response: Any) -> list[tuple[str, str, str]]:
    body = response.json()
    told = body["roadworthy"]["attempts"] if "roadworthy" in body else body["error"]["attempts"]
    return [(a["provider"], a["reason"], a.get("repair", "")) for a in told]


# -- repair, next provider, error


async def test_an_answer_that_fails_the_requests_rules_is_asked_for_again(gated: Start) -> None:
    edge, [model] = await gated(None, [BAD, GOOD])
    response = await edge.ask(quality=RULES)
    assert (response.status_code, text(response)) == (200, GOOD)
    assert attempts(response) == [("a", "quality_failed", ""), ("a", "served", "asked_again")]
    assert response.headers["x-roadworthy-quality"] == "passed"
    assert '"bergamot"' in model.asked[1]["messages"][-1]["content"]
    assert all("quality" not in asked for asked in model.asked)
    assert text(await edge.ask()) == GOOD  # another request of the same route has no rules
    assert len(model.asked) == 3


async def test_then_it_is_the_next_providers_turn(gated: Start) -> None:
    edge, [first, second] = await gated(None, [BAD], [GOOD])
    response = await edge.ask(quality=RULES | {"repairs": 2})
    assert text(response) == GOOD
    assert response.headers["x-roadworthy-fallback"] == "quality_failed"
    assert (len(first.asked), len(second.asked)) == (3, 1)
    assert "quality" not in second.asked[0]


@pytest.mark.parametrize("rules", [RULES, RULES | {"keep_rejected": False}])
async def test_when_nobody_passes_no_text_is_told_unless_asked_for(gated: Start, rules: dict[str, Any]) -> None:
    edge, _ = await gated(None, [BAD], [BAD])
    response = await edge.ask(quality=rules)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["quality_issues"]) == (422, "runtime_quality_failed", ISSUES)
    assert "Lemon" not in response.text
    assert "rejected" not in error


async def test_the_last_rejected_answer_is_shown_to_who_asks_for_it(gated: Start) -> None:
    edge, _ = await gated(None, [BAD], [BAD, WORSE])
    error = (await edge.ask(quality=SHOWN)).json()["error"]
    assert error["rejected"] == {"text": WORSE, "served_by": "b/m", "quality_issues": ISSUES, "cut": False}
    assert "Lemon" not in json.dumps(error)


async def test_what_follows_a_rejected_answer_does_not_take_its_place(gated: Start) -> None:
    edge, _ = await gated(None, [BAD, b"<html>"], [" "])
    error = (await edge.ask(quality=SHOWN)).json()["error"]
    assert (error["rejected"]["text"], error["rejected"]["served_by"]) == (BAD, "a/m")
    assert error["rejected"]["quality_issues"] == ISSUES


async def test_where_nothing_was_said_nothing_is_shown(gated: Start) -> None:
    edge, _ = await gated(Quality(repairs=0), ["Lorem ipsum dolor sit amet"], ["{"])
    json_mode = {"response_format": {"type": "json_object"}}
    error = (await edge.ask(quality={"keep_rejected": True, "repairs": 0}, **json_mode)).json()["error"]
    assert error["rejected"]["text"] == "{"
    lone, _ = await gated(None, [typed_refusal()])
    told = (await lone.ask(quality={"keep_rejected": True})).json()["error"]
    assert (told["quality_issues"], told["rejected"]) == ({"refusal": True}, None)
    broken, _ = await gated(None, [b"<html>"])
    response = await broken.ask(quality=SHOWN)
    assert (response.json()["error"]["code"], "rejected" in response.json()["error"]) == ("llm_chain_failed", False)


def typed_refusal() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "refusal": "No."}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}).encode()


async def test_of_several_choices_the_one_that_failed_is_shown(gated: Start) -> None:
    choices = [
        {"index": i, "message": {"role": "assistant", "content": each}, "finish_reason": "stop"}
        for i, each in enumerate((GOOD, BAD))
    ]
    both = json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": choices}).encode()
    edge, _ = await gated(None, [both])
    assert (await edge.ask(n=2, quality=SHOWN)).json()["error"]["rejected"]["text"] == BAD


async def test_a_long_rejected_text_is_cut_and_says_so(gated: Start) -> None:
    edge, _ = await gated(None, ["가 " * 40_000])
    rejected = (await edge.ask(quality=SHOWN | {"repairs": 0})).json()["error"]["rejected"]
    assert rejected["cut"] is True
    assert 65_532 < len(rejected["text"].encode()) <= 65_536


async def test_the_rules_of_route_and_request_both_hold(gated: Start) -> None:
    route = Quality(required_terms=("cedar",), repairs=0)
    edge, [model] = await gated(route, ["Cedar alone.", "Bergamot alone.", GOOD])
    response = await edge.ask(quality=RULES | {"repairs": 2})
    assert [a.get("quality_issues") for a in response.json()["roadworthy"]["attempts"]] == [
        {"missing_terms": ["bergamot"]}, {"missing_terms": ["cedar"]}, None,
    ]  # fmt: skip
    assert len(model.asked) == 3


async def test_no_request_lets_refusals_pass(gated: Start) -> None:
    edge, _ = await gated(None, [REFUSAL])
    assert (await edge.ask(quality={"refusal": False})).json()["error"]["quality_issues"] == {"refusal": True}
    free, _ = await gated(Quality(refusal=False), [REFUSAL])
    assert text(await free.ask(quality={})) == REFUSAL
    assert (await free.ask(quality={"refusal": True})).status_code == 422


async def test_json_is_taken_out_of_its_code_block_and_judged_by_the_requests_rules(gated: Start) -> None:
    fenced = '```json\n{"notes": ["%s"]}\n```'
    edge, _ = await gated(None, [fenced % "lemon", fenced % "bergamot"])
    response = await edge.ask(quality=RULES, response_format={"type": "json_object"})
    assert text(response) == '{"notes": ["bergamot"]}'
    assert attempts(response)[-1] == ("a", "served", "unfenced")


@pytest.mark.parametrize(
    ("rules", "param"),
    [
        ({"words": {"min": 9, "max": 3}}, "quality.words.min"),
        ({"required_terms": ["xyzzy"], "forbidden_terms": ["xyzzy"]}, "quality.required_terms[0]"),
        ({"xyzzy": 1}, "quality"),
        ({"language": "xyzzy"}, "quality.language"),
        ("xyzzy", "quality"),
        ({"forbidden_terms": ["xyzzy" * 39] * 190}, "quality"),
    ],
)
async def test_rules_that_cannot_be_meant_are_the_callers_fault(gated: Start, rules: Any, param: str) -> None:
    edge, [model] = await gated(None, [GOOD])
    response = await edge.ask(quality=rules)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert "xyzzy" not in response.text
    assert not model.asked


# -- streams


async def test_a_stream_with_rules_is_held_back_until_it_passes(gated: Start) -> None:
    edge, [model] = await gated(None, [BAD, GOOD])
    seen = await watch(edge, quality=RULES)
    assert (seen.status, seen.text, seen.headers["x-roadworthy-quality"]) == (200, GOOD, "passed")
    assert "Lemon" not in seen.raw
    assert all("quality" not in asked for asked in model.asked)
    assert edge.ledger.records[-1].quality == "passed"
    free = await watch(edge)
    assert (free.text, free.headers["x-roadworthy-quality"]) == (GOOD, "not-gated")


async def test_a_stream_that_never_passes_shows_what_was_rejected(gated: Start) -> None:
    edge, _ = await gated(None, [BAD], [WORSE])
    seen = await watch(edge, quality=SHOWN)
    assert (seen.status, json.loads(seen.raw)["error"]["rejected"]["text"]) == (422, WORSE)
    assert "Lime" not in (await watch(edge, quality=RULES)).raw


class Slow(Model):
    async def __call__(self, call: Call) -> bool:
        await call.send(EVENT_STREAM)
        await asyncio.sleep(0.4)
        self.asked.append(call.json)
        await call.send(framed(streamed(self.answers[0])))
        return True


async def test_a_stream_whose_status_has_left_tells_it_in_the_error_event(start_edge) -> None:
    async with WireDouble(Slow([BAD])) as server:
        route = {"quality": Quality(repairs=0, heartbeat_s=0.1), "try_timeout_s": 3.0}
        edge = await start_edge({"a": server.base_url}, ["a/m"], route=route)
        seen = await watch(edge, quality=SHOWN | {"repairs": 0})
    assert (seen.status, seen.headers["x-roadworthy-quality"]) == (200, "pending")
    error = seen.chunks[-1]["error"]
    assert (error["code"], error["quality_issues"], error["rejected"]["text"]) == (
        "runtime_quality_failed", ISSUES, BAD,
    )  # fmt: skip
    assert "event: error" in seen.raw
    assert "[DONE]" not in seen.raw


# -- whoever serves


async def test_a_pinned_model_is_held_to_the_rules(gated: Start) -> None:
    edge, [first, second] = await gated(None, [GOOD], [BAD, GOOD])
    response = await edge.ask("b/m", quality=RULES)
    assert attempts(response) == [("b", "quality_failed", ""), ("b", "served", "asked_again")]
    assert (len(first.asked), len(second.asked)) == (0, 2)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_rules_go_along_when_a_cheaper_mode_serves(gated: Start, stream: bool) -> None:
    roles = [Route(name, (Target(who, "m"),), deadline_s=5.0) for name, who in (("creative", "a"), ("fast", "b"))]
    modes = tuple(Mode(role.name, (role,)) for role in roles)
    edge, [first, second] = await gated(None, [BAD], [BAD, GOOD], modes=modes)
    if stream:
        seen = await watch(edge, model="creative", quality=RULES)
        assert (seen.text, seen.headers["x-roadworthy-mode"]) == (GOOD, "fast")
    else:
        response = await edge.ask("creative", quality=RULES)
        assert (text(response), response.headers["x-roadworthy-mode"]) == (GOOD, "fast")
    assert (len(first.asked), len(second.asked)) == (2, 2)
    assert all("quality" not in asked for asked in first.asked + second.asked)


async def test_a_second_target_beside_a_slow_one_is_held_to_the_rules_too(start_edge) -> None:
    async def late(call: Call) -> bool:
        await asyncio.sleep(0.3)
        await call.send(whole(completion(GOOD)))
        return True

    quick = Model([BAD])
    async with WireDouble(late) as first, WireDouble(quick) as second:
        route = {"hedge": Hedge(after_s=0.02, max_extra_cost=9.0), "try_timeout_s": 3.0}
        urls = {"a": first.base_url, "b": second.base_url}
        edge = await start_edge(urls, ["a/m", "b/m"], route=route, prices={"m": Price(0.0, 0.0, 0.0, 0.0)})
        response = await edge.ask(quality=RULES | {"repairs": 1})
    assert text(response) == GOOD
    assert len(quick.asked) == 2  # asked, and told what was wrong
    assert response.headers["x-roadworthy-served-by"] == "a/m"


# -- the cache

CACHED = CacheSettings(enabled=True)


async def test_only_equal_rules_share_a_kept_answer(gated: Start) -> None:
    edge, [model] = await gated(None, [GOOD], cache=CACHED)
    other = {"required_terms": ["cedar"]}
    asked: list[tuple[dict[str, Any], str]] = [
        ({}, "miss"), ({}, "hit"),
        ({"quality": RULES}, "miss"), ({"quality": RULES}, "hit"), ({"quality": SHOWN}, "hit"),
        ({"quality": other}, "miss"), ({"quality": other, "stream": True}, "hit"),
        ({"quality": {}}, "miss"), ({"quality": None}, "hit"),
    ]  # fmt: skip
    assert [(await edge.ask(**more)).headers["x-roadworthy-cache"] for more, _ in asked] == [one for _, one in asked]
    assert len(model.asked) == 4


async def test_a_stream_that_passed_is_kept_for_equal_rules_alone(gated: Start) -> None:
    edge, [model] = await gated(None, [GOOD], cache=CACHED)
    question = [{"role": "user", "content": "Describe it."}]
    assert (await watch(edge, messages=question, quality=RULES)).text == GOOD
    assert (await edge.ask(messages=question, quality=RULES)).headers["x-roadworthy-cache"] == "hit"
    assert (await edge.ask(messages=question)).headers["x-roadworthy-cache"] == "miss"
    assert len(model.asked) == 2


async def test_who_waits_for_an_equal_request_asks_alone_when_that_failed(gated: Start) -> None:
    edge, [model] = await gated(None, [BAD], cache=CACHED)
    plain, shown = await asyncio.gather(edge.ask(quality=RULES), edge.ask(quality=SHOWN))
    assert "rejected" not in plain.json()["error"]
    assert shown.json()["error"]["rejected"]["text"] == BAD
    assert len(model.asked) == 4


class One(float):
    """Everything is alike."""

    def __matmul__(self, other: float) -> float:
        return float(self * other)


async def test_similar_questions_share_answers_under_equal_rules_alone(gated: Start, monkeypatch) -> None:
    monkeypatch.setattr(encoder, "load", lambda model: lambda text: One(1.0))
    settings = CacheSettings(enabled=True, semantic=SemanticSettings(enabled=True))
    edge, _ = await gated(None, [GOOD], cache=settings, route={"cache": "semantic"})

    async def say(text: str, **more: Any) -> str:
        asked = await edge.ask(messages=[{"role": "user", "content": text}], **more)
        return str(asked.headers["x-roadworthy-cache"])

    async def until(known: int) -> None:
        async with asyncio.timeout(30):
            similar = edge.service.cache.similar
            while not similar.ready or len(similar._order) < known:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.005)

    await until(0)
    assert await say("How do I reset my password?", quality=RULES) == "miss"
    await until(1)
    assert await say("How can I reset my password?") == "miss"
    await until(2)
    assert await say("How could I reset my password?", quality={"required_terms": ["cedar"]}) == "miss"
    await until(3)
    assert await say("How may I reset my password?", quality=RULES) == "semantic"


# -- what is told of it, and what not


async def test_neither_the_rules_words_nor_the_rejected_text_are_recorded(gated: Start) -> None:
    edge, _ = await gated(None, [BAD], [BAD])
    rules = SHOWN | {"forbidden_terms": ["lemon"], "sections": ["Xyzzy"], "words": {"sections": {"Xyzzy": {"min": 1}}}}
    response = await edge.ask(quality=rules | {"brand_mentions": {"terms": ["Plugh"], "min": 1}})
    assert response.json()["error"]["quality_issues"]["missing_sections"] == ["Xyzzy"]
    record = edge.ledger.records[-1]
    written = msgspec.json.encode(recorded(record)).decode() + repr(record) + repr(edge.ledger.events)
    assert "quality_failed" in written
    for word in ("Lemon", "lemon", "bergamot", "Xyzzy", "Plugh"):
        assert word not in written
    assert record.attempts[0].issues == {
        "missing_terms": 1, "forbidden_terms": 1, "missing_sections": 1,
        "brand_mentions": {"found": 0, "min": 1, "max": None},
    }  # fmt: skip
    metrics = Metrics()
    fold(metrics, [record])
    counted = str(metrics.snapshot())
    assert "missing_sections" in counted
    assert "Xyzzy" not in counted


@pytest.mark.parametrize("stream", [False, True])
async def test_a_rejected_text_is_masked_and_restored_like_any_answer(start_edge, stream: bool) -> None:
    server = ScriptedServer()
    asked: list[str] = []

    class Echo(dict[str, Say]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.append(server.asked[-1].body["messages"][0]["content"])
            said = f"Write to eve@evil.org or to {asked[-1]}"
            return Say(streamed(said), headers={"content-type": "text/event-stream"}) if stream else plain(said)

    def plain(said: str) -> Say:
        return Say(completion(said))

    server.script = Echo()
    with serving(server):
        route = {"masking": Masking("token", answers=True)}
        edge = await start_edge({"a": server.url}, ["a/m"], route=route, token_key="k" * 32)
        edge.service.disguise = disguises(edge.service.settings).open
        question = [{"role": "user", "content": EMAIL}]
        response = await edge.ask(messages=question, quality=SHOWN, stream=stream)
    assert response.json()["error"]["rejected"]["text"] == f"Write to ***EMAIL_MASKED*** or to {EMAIL}"
    assert EMAIL not in "".join(asked)
    assert EMAIL not in repr(edge.ledger.records)


async def test_a_line_of_a_batch_may_bring_rules(gated: Start) -> None:
    from roadworthy.gateway.edge.route import PublicRoutes
    from roadworthy.gateway.edge.server import Server

    edge, [model] = await gated(None, [BAD, GOOD])
    secret = "rw_alice"
    edge.service.load_keys([Key("alice", hashlib.sha256(secret.encode()).hexdigest(), ("use",))])
    routes = PublicRoutes(edge.service, None)  # type: ignore[arg-type]

    class Inside:
        def handle(self, connection: Any, request: Any, identity: str) -> None:
            routes.on_behalf(connection, request, identity)

        crashed = routes.crashed

    server = Server(Inside(), edge.service.settings.limits)  # type: ignore[arg-type]
    port = await server.listen("127.0.0.1", 0)
    body = {"model": "chat", "messages": [{"role": "user", "content": "x"}], "quality": RULES}
    response = await edge.http.post(f"http://127.0.0.1:{port}/internal/as/alice/v1/chat/completions", json=body)
    await server.drain()
    assert (response.status_code, text(response), len(model.asked)) == (200, GOOD, 2)


async def test_the_official_sdk_sends_rules_as_extra_body(gated: Start) -> None:
    edge, _ = await gated(None, [BAD, GOOD])
    messages: Any = [{"role": "user", "content": "x"}]
    async with openai.AsyncOpenAI(base_url=f"{edge.url}/v1", api_key="none", max_retries=0) as client:
        answer = await client.chat.completions.create(model="chat", messages=messages, extra_body={"quality": RULES})
        assert answer.choices[0].message.content == GOOD
        stream = await client.chat.completions.create(
            model="chat", messages=messages, stream=True, extra_body={"quality": RULES}
        )
        assert "".join([c.choices[0].delta.content or "" async for c in stream if c.choices]) == GOOD
        strict = {"quality": {"required_terms": ["vetiver"], "keep_rejected": True}}
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            await client.chat.completions.create(model="chat", messages=messages, extra_body=strict)
        told: Any = caught.value.body
        assert (caught.value.code, told["rejected"]["text"]) == ("runtime_quality_failed", GOOD)
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="chat", messages=messages, extra_body={"quality": {"word": 1}})
        assert refused.value.param == "quality"
