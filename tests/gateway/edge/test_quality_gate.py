"""The gate on a running edge: what a caller gets when answers do not pass, plain and streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from doubles.scripted_model import Model, streamed, watch
from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, framed, whole
from roadworthy.gateway.quality.custom import CustomCheck
from roadworthy.gateway.quality.rule import Mentions, Quality, Span, Words

GOOD = "Bergamot opens it, then jasmine, and cedar stays on the skin."
BAD = "Lemon opens it, then rose, and musk stays on the skin."
TERMS = Quality(required_terms=("bergamot",))
REFUSAL = "I'm sorry, but I can't help with that request."


Start = Callable[..., Any]


def attempts(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    told = body["roadworthy"]["attempts"] if "roadworthy" in body else body["error"]["attempts"]
    return [(a["provider"], a["reason"], a.get("repair", "")) for a in told]


def text(body: dict[str, Any]) -> str:
    return str(body["choices"][0]["message"]["content"])


# -- repair, next provider, error


async def test_a_failed_answer_is_asked_for_again_with_what_was_wrong(gated: Start) -> None:
    edge, [model] = await gated(TERMS, [BAD, GOOD])
    response = await edge.ask()
    body = response.json()
    assert (response.status_code, text(body)) == (200, GOOD)
    assert attempts(body) == [("a", "quality_failed", ""), ("a", "served", "asked_again")]
    assert body["roadworthy"]["quality"] == response.headers["x-roadworthy-quality"] == "passed"
    assert body["roadworthy"]["attempts"][0]["quality_issues"] == {"missing_terms": ["bergamot"]}
    first, second = (asked["messages"] for asked in model.asked)
    assert second[: len(first)] == first
    assert second[-2] == {"role": "assistant", "content": BAD}
    assert '"bergamot"' in second[-1]["content"]
    assert edge.ledger.records[-1].attempts[0].issues == {"missing_terms": ["bergamot"]}


async def test_an_answer_that_is_never_put_right_is_the_next_providers_turn(gated: Start) -> None:
    edge, [first, second] = await gated(TERMS, [BAD], [GOOD])
    response = await edge.ask()
    assert text(response.json()) == GOOD
    assert attempts(response.json()) == [
        ("a", "quality_failed", ""), ("a", "quality_failed", "asked_again"), ("b", "served", ""),
    ]  # fmt: skip
    assert response.headers["x-roadworthy-fallback"] == "quality_failed"
    assert (len(first.asked), len(second.asked)) == (2, 1)
    assert len(second.asked[0]["messages"]) == 1  # the next one is asked the question, not the repair


async def test_when_nobody_passes_the_caller_gets_the_issues_and_no_text(gated: Start) -> None:
    edge, models = await gated(TERMS, [BAD], [BAD])
    response = await edge.ask()
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "runtime_quality_failed")
    assert error["quality_issues"] == {"missing_terms": ["bergamot"]}
    assert "Lemon" not in response.text
    assert [len(model.asked) for model in models] == [2, 2]
    assert (edge.ledger.records[-1].quality, edge.ledger.records[-1].code) == ("failed", "runtime_quality_failed")


async def test_health_says_what_the_gate_said(gated: Start) -> None:
    for rules, said, told in (
        (TERMS, GOOD, (200, True)),
        (TERMS, BAD, (503, False)),
        (None, GOOD, (200, True)),
        (None, "Lorem ipsum dolor sit amet", (503, False)),
    ):
        edge, _ = await gated(rules, [said])
        response = await edge.http.get("/health/llm")
        assert (response.status_code, response.json()["quality_passed"]) == told, (rules, said)


async def test_the_number_of_repairs_is_the_routes(gated: Start) -> None:
    for repairs in (0, 3):
        edge, [model] = await gated(Quality(required_terms=("bergamot",), repairs=repairs), [BAD])
        assert (await edge.ask()).status_code == 422
        assert len(model.asked) == 1 + repairs


async def test_failed_answers_open_no_breaker(gated: Start) -> None:
    edge, [model] = await gated(TERMS, [BAD])
    for _ in range(8):
        assert (await edge.ask()).status_code == 422
    assert len(model.asked) == 16
    assert edge.service.breakers()[0]["state"] == "closed"
    assert edge.service.breakers()[0]["window_failures"] == 0


async def test_no_repair_is_begun_when_the_deadline_is_near(gated: Start) -> None:
    edge, [model] = await gated(TERMS, [BAD], route={"deadline_s": 0.09})
    assert (await edge.ask()).status_code == 422
    assert len(model.asked) == 1


async def test_a_repair_that_breaks_is_a_failed_attempt_like_any_other(gated: Start) -> None:
    edge, _ = await gated(TERMS, [BAD, b"<html>"], [GOOD])
    assert attempts((await edge.ask()).json()) == [
        ("a", "quality_failed", ""), ("a", "malformed_body", "asked_again"), ("b", "served", ""),
    ]  # fmt: skip


async def test_a_repair_that_a_provider_rejects_is_no_fault_of_the_caller(start_edge) -> None:
    asked = []

    async def model(call: Call) -> bool:
        asked.append(call.json)
        if len(asked) == 1:
            await call.send(whole(completion(BAD)))
        else:
            await call.send(whole(b'{"error": {"message": "context too long"}}', status=b"400 Bad Request"))
        return True

    async with WireDouble(model) as first, WireDouble(Model([GOOD])) as second:
        urls = {"a": first.base_url, "b": second.base_url}
        edge = await start_edge(urls, ["a/m", "b/m"], route={"quality": TERMS, "try_timeout_s": 2.0})
        response = await edge.ask()
    assert attempts(response.json()) == [
        ("a", "quality_failed", ""), ("a", "bad_request", "asked_again"), ("b", "served", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_hangs_up_during_a_repair_ends_it(start_edge, stream: bool) -> None:
    asked = []
    repairing, left = asyncio.Event(), asyncio.Event()

    async def model(call: Call) -> bool:
        asked.append(call.json)
        if len(asked) == 1:
            await call.send(EVENT_STREAM + framed(streamed(BAD)) if stream else whole(completion(BAD)))
            return True
        repairing.set()
        await left.wait()
        return False

    async with WireDouble(model) as server:
        edge = await start_edge({"a": server.base_url}, ["a/m"], route={"quality": TERMS, "try_timeout_s": 20.0})
        body = {"model": "chat", "messages": [{"role": "user", "content": "x"}], "stream": stream}
        caller = asyncio.create_task(edge.http.post("/v1/chat/completions", json=body))
        await asyncio.wait_for(repairing.wait(), 5)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        async with asyncio.timeout(10):
            while edge.service.in_flight:  # noqa: ASYNC110 - the service has no event for it
                await asyncio.sleep(0.01)
        left.set()
    assert edge.ledger.records[-1].code == "client_gone"
    assert [a.reason.value for a in edge.ledger.records[-1].attempts] == ["quality_failed", "client_gone"]
    assert len(asked) == 2


async def test_a_repair_that_makes_it_worse_is_not_served_and_the_first_answer_is_not_either(gated: Start) -> None:
    edge, _ = await gated(Quality(required_terms=("bergamot",), repairs=2), [BAD, "", REFUSAL])
    response = await edge.ask()
    assert (response.status_code, response.json()["error"]["code"]) == (422, "runtime_quality_failed")
    assert "Lemon" not in response.text
    assert [reason for _, reason, _ in attempts(response.json())][:2] == ["quality_failed", "empty_answer"]


async def test_an_answer_without_choices_does_not_pass(gated: Start) -> None:
    none = json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": []}).encode()
    edge, _ = await gated(TERMS, [none], [GOOD])
    response = await edge.ask()
    assert attempts(response.json())[-1] == ("b", "served", "")
    assert attempts(response.json())[0][:2] == ("a", "malformed_body")


async def test_a_check_that_raises_fails_the_answer_and_is_not_asked_again(gated: Start, monkeypatch) -> None:
    def broken(text: str) -> str | None:
        raise ZeroDivisionError(text)

    check = CustomCheck("tone", broken)
    monkeypatch.setattr("roadworthy.gateway.quality.gate.load_checks", lambda names: {"tone": check})
    edge, models = await gated(Quality(checks=("tone",)), [GOOD], [GOOD])
    response = await edge.ask()
    assert (response.status_code, response.json()["error"]["code"]) == (422, "runtime_quality_failed")
    failed = [{"check": "tone", "error": "ZeroDivisionError"}]
    assert response.json()["error"]["quality_issues"] == {"check_failed": failed}
    assert "Bergamot" not in response.text
    assert [len(model.asked) for model in models] == [1, 1]


RULES = [
    (Quality(forbidden_terms=("lemon",)), {"forbidden_terms": ["lemon"]}),
    (
        Quality(brand_mentions=Mentions(("Rose",), max=0)),
        {"brand_mentions": {"found": 1, "min": 0, "max": 0, "terms": ["Rose"]}},
    ),
    (Quality(words=Words(min=50)), {"word_count": [{"section": None, "found": 11, "min": 50, "max": None}]}),
    (Quality(sections=("Notes",)), {"missing_sections": ["Notes"]}),
    (Quality(language="ko"), {"language": {"expected": "ko", "found": "en"}}),
    (
        Quality(required_terms=("bergamot",), forbidden_terms=("musk",), words=Words(max=3, sections={"x": Span(1)})),
        {
            "missing_terms": ["bergamot"],
            "forbidden_terms": ["musk"],
            "word_count": [{"section": None, "found": 11, "min": None, "max": 3}],
        },
    ),
]


@pytest.mark.parametrize(("rules", "issues"), RULES, ids=lambda each: "-".join(each) if isinstance(each, dict) else "")
async def test_every_rule_is_told(gated: Start, rules: Quality, issues: dict[str, Any]) -> None:
    edge, _ = await gated(rules, [BAD])
    assert (await edge.ask()).json()["error"]["quality_issues"] == issues


# -- refusals


async def test_a_refusal_is_the_next_providers_turn_on_every_route(gated: Start) -> None:
    edge, [first, _] = await gated(None, [REFUSAL], [GOOD])
    response = await edge.ask()
    assert attempts(response.json()) == [("a", "refusal", ""), ("b", "served", "")]
    assert len(first.asked) == 1  # nobody is talked out of a refusal
    assert edge.service.breakers()[0]["window_failures"] == 0


async def test_when_all_refuse_the_error_says_so(gated: Start) -> None:
    edge, _ = await gated(None, [REFUSAL], [REFUSAL])
    response = await edge.ask()
    assert (response.status_code, response.json()["error"]["quality_issues"]) == (422, {"refusal": True})


async def test_a_route_may_let_refusals_pass(gated: Start) -> None:
    edge, _ = await gated(Quality(refusal=False), [REFUSAL])
    assert text((await edge.ask()).json()) == REFUSAL


def typed_refusal() -> bytes:
    message = {"role": "assistant", "content": None, "refusal": "No."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}).encode()


@pytest.mark.parametrize("rules", [TERMS, None], ids=["gate", "default"])
async def test_a_typed_refusal_does_not_slip_through(gated: Start, rules: Quality | None) -> None:
    edge, _ = await gated(rules, [typed_refusal()], [GOOD])
    assert attempts((await edge.ask()).json()) == [("a", "refusal", ""), ("b", "served", "")]


# -- several choices, tools


def several(*texts: str) -> bytes:
    choices = [
        {"index": i, "message": {"role": "assistant", "content": each}, "finish_reason": "stop"}
        for i, each in enumerate(texts)
    ]
    return json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": choices}).encode()


async def test_every_choice_is_judged(gated: Start) -> None:
    edge, _ = await gated(TERMS, [several(GOOD, BAD)], [several(GOOD, GOOD)])
    response = await edge.ask(n=2)
    assert response.headers["x-roadworthy-served-by"] == "b/m"


def tool_call() -> bytes:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "Let me look.", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}).encode()


async def test_a_tool_call_is_no_text_to_judge_and_does_not_claim_to_have_passed(gated: Start) -> None:
    edge, _ = await gated(TERMS, [tool_call()])
    response = await edge.ask(tools=[{"type": "function", "function": {"name": "f"}}])
    assert (response.status_code, response.headers["x-roadworthy-quality"]) == (200, "not-gated")


# -- JSON

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "notes": {"type": "array", "minItems": 2}},
    "required": ["name", "notes"],
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "perfume", "schema": SCHEMA}}
RIGHT = '{"name": "Dawn", "notes": ["bergamot", "cedar"]}'
SHORT = '{"name": "Dawn", "notes": ["bergamot"]}'


async def test_json_in_a_code_block_is_taken_out_of_it(gated: Start) -> None:
    edge, [model] = await gated(None, [f"Here you are:\n```json\n{RIGHT}\n```"])
    response = await edge.ask(response_format={"type": "json_object"})
    assert text(response.json()) == RIGHT
    assert attempts(response.json()) == [("a", "served", "unfenced")]
    assert len(model.asked) == 1


async def test_the_callers_schema_is_held_and_repaired(gated: Start) -> None:
    edge, [model] = await gated(None, [SHORT, RIGHT])
    response = await edge.ask(response_format=FORMAT)
    assert text(response.json()) == RIGHT
    assert attempts(response.json()) == [("a", "quality_failed", ""), ("a", "served", "asked_again")]
    assert "/notes" in model.asked[1]["messages"][-1]["content"]
    issue = response.json()["roadworthy"]["attempts"][0]["quality_issues"]["schema"][0]
    assert (issue["at"], issue["rule"]) == ("/notes", "minItems")


async def test_a_schema_of_the_route_is_held_without_the_callers_asking(gated: Start) -> None:
    edge, _ = await gated(Quality(json_schema=SCHEMA), ["no json", RIGHT])
    response = await edge.ask()
    assert text(response.json()) == RIGHT
    assert attempts(response.json()) == [("a", "invalid_json", ""), ("a", "served", "asked_again")]


async def test_json_that_stays_broken_ends_in_the_issues(gated: Start) -> None:
    edge, _ = await gated(None, ["{"])
    response = await edge.ask(response_format={"type": "json_object"})
    error = response.json()["error"]
    assert (error["code"], error["quality_issues"]) == ("runtime_quality_failed", {"invalid_json": True})


@pytest.mark.parametrize("schema", [{"type": "elephant"}, {"$ref": "http://127.0.0.1:9/x.json"}, {"$ref": "#/no"}])
async def test_a_schema_that_is_none_is_the_callers_fault(gated: Start, schema: dict[str, Any]) -> None:
    edge, [model] = await gated(None, [RIGHT])
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    response = await edge.ask(response_format=form)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "response_format.json_schema.schema")
    assert "elephant" not in response.text
    assert not model.asked


async def test_an_api_without_the_parameter_is_asked_in_words(gated: Start) -> None:
    edge, [model] = await gated(None, [RIGHT], kinds={"a": "deepseek"})
    response = await edge.ask(response_format=FORMAT)
    assert (response.status_code, text(response.json())) == (200, RIGHT)
    assert "response_format" not in model.asked[0]
    assert '"minItems"' in model.asked[0]["messages"][0]["content"]


# -- streams


async def test_a_gated_stream_is_held_back_repaired_and_sent_as_it_came(gated: Start) -> None:
    edge, [model] = await gated(TERMS, [BAD, GOOD])
    seen = await watch(edge, stream_options={"include_usage": True})
    assert (seen.status, seen.text) == (200, GOOD)
    assert seen.headers["x-roadworthy-quality"] == "passed"
    assert "Lemon" not in seen.raw
    assert seen.chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert seen.chunks[-1]["usage"] == {"prompt_tokens": 5, "completion_tokens": 7}
    final = next(chunk for chunk in seen.chunks if "roadworthy" in chunk)
    assert final["choices"][0]["finish_reason"] == "stop"
    assert final["roadworthy"]["quality"] == "passed"
    assert attempts(final) == [("a", "quality_failed", ""), ("a", "served", "asked_again")]
    assert seen.raw.endswith("data: [DONE]\n\n")
    assert (len(model.asked), edge.ledger.records[-1].quality) == (2, "passed")


async def test_a_gated_stream_that_never_passes_is_an_ordinary_error(gated: Start) -> None:
    edge, _ = await gated(TERMS, [BAD], [BAD])
    seen = await watch(edge)
    assert seen.status == 422
    assert json.loads(seen.raw)["error"]["quality_issues"] == {"missing_terms": ["bergamot"]}


async def test_an_ungated_stream_says_so(gated: Start) -> None:
    edge, _ = await gated(None, [BAD])
    seen = await watch(edge)
    assert seen.headers["x-roadworthy-quality"] == "not-gated"
    assert edge.ledger.records[-1].quality == "not-gated"


class Slow(Model):
    async def __call__(self, call: Call) -> bool:
        await call.send(EVENT_STREAM)
        await asyncio.sleep(0.5)
        self.asked.append(call.json)
        await call.send(framed(streamed(self.answers[0])))
        return True


@pytest.mark.parametrize(("answer", "passes"), [(GOOD, True), (BAD, False)])
async def test_a_stream_that_waits_gives_signs_of_life(start_edge, answer: str, passes: bool) -> None:
    async with WireDouble(Slow([answer])) as server:
        rules = Quality(required_terms=("bergamot",), repairs=0, heartbeat_s=0.1)
        edge = await start_edge({"a": server.base_url}, ["a/m"], route={"quality": rules, "try_timeout_s": 3.0})
        seen = await watch(edge)
    assert seen.raw.startswith(": waiting\n\n")
    assert (seen.status, seen.headers["x-roadworthy-quality"]) == (200, "pending")
    if passes:
        assert (seen.text, seen.raw.endswith("data: [DONE]\n\n")) == (GOOD, True)
    else:
        assert "Lemon" not in seen.raw
        assert "[DONE]" not in seen.raw
        assert "event: error" in seen.raw
        assert seen.chunks[-1]["error"]["code"] == "runtime_quality_failed"
    assert edge.service.in_flight == 0


async def test_a_gated_stream_of_json_is_taken_out_of_its_code_block(gated: Start) -> None:
    edge, _ = await gated(Quality(json_schema=SCHEMA), [f"```json\n{RIGHT}\n```"])
    seen = await watch(edge)
    assert seen.text == RIGHT
    final = next(chunk for chunk in seen.chunks if "roadworthy" in chunk)
    assert attempts(final) == [("a", "served", "unfenced")]


async def test_a_stream_from_an_api_that_was_asked_in_words_is_held_back_too(gated: Start) -> None:
    edge, _ = await gated(None, ["no json", RIGHT], kinds={"a": "deepseek"})
    seen = await watch(edge, response_format=FORMAT)
    assert (seen.status, seen.text) == (200, RIGHT)


async def test_a_held_back_stream_that_is_cut_is_a_failed_attempt(gated: Start) -> None:
    edge, _ = await gated(TERMS, [chunk("Bergamot is")], [GOOD])
    seen = await watch(edge)
    assert seen.text == GOOD
    final = next(chunk for chunk in seen.chunks if "roadworthy" in chunk)
    assert [reason for _, reason, _ in attempts(final)][-1] == "served"
    assert attempts(final)[0][1] == "stream_cut"
