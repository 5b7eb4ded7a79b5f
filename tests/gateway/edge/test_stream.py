"""The stream contract: before the commit point fail over, after it a typed incomplete event, never a clean end."""

from __future__ import annotations

import asyncio
import json

import httpx2
import openai
import pytest

import doubles
from doubles import Fault

BODY = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": "What is the capital of France?"}]}


class Seen:
    """What a client sees of one stream."""

    def __init__(self) -> None:
        self.text = ""
        self.events: list[dict] = []
        self.error: dict | None = None
        self.done = False
        self.clean = False
        self.headers: httpx2.Headers = httpx2.Headers()
        self.finish: str | None = None
        self.extra: dict | None = None


async def watch(edge, **more) -> Seen:
    seen, raw = Seen(), ""
    async with edge.http.stream("POST", "/v1/chat/completions", json=BODY | more) as response:
        assert response.status_code == 200, await response.aread()
        seen.headers = response.headers
        try:
            async for text in response.aiter_text():
                raw += text
            seen.clean = True
        except httpx2.RemoteProtocolError:
            seen.clean = False
    for block in raw.split("\n\n"):
        data = block.partition("data: ")[2]
        if data == "[DONE]":
            seen.done = True
        elif data:
            event = json.loads(data)
            seen.events.append(event)
            seen.error = event.get("error", seen.error)
            seen.extra = event.get("roadworthy", seen.extra)
            for choice in event.get("choices", []):
                seen.text += choice["delta"].get("content") or ""
                seen.finish = choice["finish_reason"] or seen.finish
    return seen


BEFORE = [
    (Fault("status", status=500), "http_error"),
    (Fault("close"), "connection_cut"),
    (Fault("hang"), "timeout"),
    (Fault("cut", after=0), "connection_cut"),
    (Fault("stall", after=0), "timeout"),
    (Fault("html"), "malformed_body"),
    (Fault("empty"), "empty_answer"),
    (Fault("error_event", after=0), None),
]


@pytest.mark.parametrize(("fault", "reason"), BEFORE, ids=lambda x: getattr(x, "kind", x))
async def test_before_the_first_token_the_next_provider_answers(start_edge, fault, reason) -> None:
    with doubles.openai(faults=fault) as first, doubles.openai() as second:
        second.reply = "It is Paris."
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        seen = await watch(edge)
    assert seen.text == "It is Paris."
    assert (seen.done, seen.clean, seen.error, seen.finish) == (True, True, None, "stop")
    assert seen.headers["x-roadworthy-served-by"] == "b/gpt-4.1-mini"
    assert seen.extra is not None
    reasons = [attempt["reason"] for attempt in seen.extra["attempts"]]
    assert reasons[1:] == ["served"]
    assert reason is None or reasons[0] == reason


AFTER = [
    (Fault("cut", after=3), "stream_cut"),
    (Fault("stall", after=3), "stream_stalled"),
    (Fault("end_early", after=3), "stream_cut"),
    (Fault("error_event", after=3), None),
]


@pytest.mark.parametrize(("fault", "reason"), AFTER, ids=lambda x: getattr(x, "kind", x))
async def test_after_it_the_stream_ends_with_a_typed_event_and_never_cleanly(start_edge, fault, reason) -> None:
    with doubles.openai(faults=fault) as first, doubles.openai() as second:
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        seen = await watch(edge)
    assert seen.text
    assert first.reply.startswith(seen.text)
    assert (seen.done, seen.clean) == (False, False)
    assert seen.error is not None
    assert seen.error["code"] == "stream_incomplete"
    assert reason is None or seen.error["reason"] == reason
    assert not second.requests
    assert edge.ledger.records[-1].code == "stream_incomplete"
    assert edge.service.breakers()[0]["window_failures"] == 1


async def test_a_stream_below_the_speed_limit_is_given_up(start_edge) -> None:
    with doubles.openai(faults=Fault("drip", seconds=0.15)) as first:
        edge = await start_edge(
            {"a": first.base_url},
            ["a/gpt-4.1-mini"],
            route={"stream_min_chars_per_s": 5_000.0, "stream_rate_window_s": 0.3},
        )
        seen = await watch(edge)
    assert seen.error is not None
    assert seen.error["reason"] == "stream_too_slow"


async def test_json_that_was_asked_for_and_did_not_come_is_not_ended_cleanly(start_edge) -> None:
    with doubles.openai(faults=Fault("truncated_json")) as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        seen = await watch(edge, response_format={"type": "json_object"})
    assert seen.error is not None
    assert seen.error["reason"] == "invalid_json"


async def test_json_cut_at_the_token_limit_is_not_the_providers_fault(start_edge) -> None:
    with doubles.openai(faults=[Fault("length")] * 4) as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        for _ in range(4):
            seen = await watch(edge, response_format={"type": "json_object"}, max_tokens=4)
            assert seen.error is not None
            assert seen.error["reason"] == "length_limit"
        assert edge.service.breakers()[0]["state"] == "closed"


async def test_the_connection_to_the_provider_is_kept_after_a_stream(start_edge) -> None:
    with doubles.openai() as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        for _ in range(4):
            assert (await watch(edge)).done
            await asyncio.sleep(0.1)  # the caller has its end mark a little before the transfer from the provider ends
        assert first.connections == 1


async def test_usage_is_counted_and_passed_on_only_when_asked_for(start_edge) -> None:
    with doubles.openai() as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        asked = await watch(edge, stream_options={"include_usage": True})
    assert asked.events[-1]["usage"]["total_tokens"] > 0
    assert edge.ledger.records[-1].completion_tokens


async def test_the_official_sdk_sees_a_broken_stream_as_an_error(start_edge) -> None:
    with doubles.openai(faults=Fault("cut", after=3)) as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        client = openai.AsyncOpenAI(base_url=f"{edge.url}/v1", api_key="any")
        stream = await client.chat.completions.create(**BODY)
        with pytest.raises(openai.APIError, match="stream broke"):
            async for _ in stream:
                pass
        await client.close()
        assert len(first.requests) == 1


async def test_a_caller_who_reads_slowly_is_not_the_providers_fault(start_edge) -> None:
    with doubles.openai() as first:
        first.reply = "word " * 30_000
        limits = {"stream_idle_timeout_s": 0.6, "deadline_s": 60.0, "try_timeout_s": 60.0}
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"], route=limits)
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, limit=2**16)
        body = json.dumps(BODY).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
        writer.write(head + body)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(1.5)
        tail = b""
        while b"[DONE]" not in tail and (data := await reader.read(2**16)):
            tail = tail[-200:] + data
        assert b"[DONE]" in tail
        writer.close()
    assert edge.ledger.records[-1].code == "ok"


async def test_a_caller_who_hangs_up_in_a_stream_stops_the_provider(start_edge) -> None:
    with doubles.openai(faults=Fault("drip", seconds=0.1)) as first:
        first.reply = "word " * 200
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        async with edge.http.stream("POST", "/v1/chat/completions", json=BODY) as response:
            async for _ in response.aiter_bytes():
                break
        await edge.recorded()
    assert edge.ledger.records[0].code == "client_gone"
    assert edge.service.in_flight == 0


async def test_http_1_0_callers_get_a_stream_without_transfer_coding(start_edge) -> None:
    with doubles.openai() as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        body = json.dumps(BODY).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        answer = await reader.read()
        writer.close()
    assert b"transfer-encoding" not in answer.lower()
    assert answer.endswith(b"data: [DONE]\n\n")
