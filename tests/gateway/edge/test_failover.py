"""What a caller sees when the first provider fails: every row of the fault matrix, on real sockets."""

from __future__ import annotations

import httpx2
import pytest

import doubles
from doubles import Fault
from roadworthy.gateway.settings import Breaker

PLAIN = [
    (Fault("status", status=500), "http_error"),
    (Fault("status", status=503), "http_error"),
    (Fault("status", status=429, headers={"retry-after": "1"}), "rate_limited"),
    (Fault("status", status=401), "unauthorized"),
    (Fault("status", status=404), "model_not_found"),
    (Fault("close"), "connection_cut"),
    (Fault("reset"), "connection_cut"),
    (Fault("hang"), "timeout"),
    (Fault("delay", seconds=1.0), "timeout"),
    (Fault("html"), "malformed_body"),
    (Fault("not_json"), "malformed_body"),
    (Fault("no_choices"), "malformed_body"),
    (Fault("empty_body"), "malformed_body"),
    (Fault("truncated_body"), "malformed_body"),
    (Fault("wrong_length"), "connection_cut"),
    (Fault("huge_header"), "malformed_body"),
    (Fault("empty"), "empty_answer"),
    (Fault("whitespace"), "empty_answer"),
    (Fault("filtered"), "content_filtered"),
]


@pytest.mark.parametrize(("fault", "reason"), PLAIN, ids=lambda x: getattr(x, "kind", x))
async def test_a_failed_provider_is_answered_for_by_the_next(start_edge, reasons, fault, reason) -> None:
    with doubles.openai(faults=fault) as first, doubles.openai() as second:
        second.reply = "Second."
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        response = await edge.ask()
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == "Second."
    assert reasons(response) == [reason, "served"]
    assert response.headers["x-roadworthy-served-by"] == "b/gpt-4.1-mini"
    assert response.headers["x-roadworthy-fallback"] == reason
    assert response.headers["x-roadworthy-attempts"] == "2"
    assert len(first.requests) == 1
    record = edge.ledger.records[-1]
    assert (record.code, record.fallback, record.served_by) == ("ok", reason, "b/gpt-4.1-mini")


async def test_cut_off_json_is_a_failed_attempt_when_json_was_asked_for(start_edge, reasons) -> None:
    with doubles.openai(faults=Fault("truncated_json")) as first, doubles.openai() as second:
        second.reply = '{"answer": "Paris"}'
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        response = await edge.ask(response_format={"type": "json_object"})
    assert reasons(response) == ["invalid_json", "invalid_json", "served"]  # the first one was asked again


async def test_a_small_token_limit_of_one_caller_opens_no_breaker_for_the_others(start_edge) -> None:
    with doubles.openai(faults=[Fault("length")] * 4) as double:
        edge = await start_edge({"a": double.base_url}, ["a/gpt-4.1-mini"])
        for _ in range(4):
            response = await edge.ask(response_format={"type": "json_object"}, max_tokens=4)
            assert response.status_code == 422
            assert response.json()["error"]["code"] == "runtime_quality_failed"
            assert "max_tokens" in response.json()["error"]["mend"]
        assert len(double.requests) == 4  # the same limit would cut the same target's next answer too
        assert (await edge.ask()).status_code == 200


async def test_a_cut_text_is_an_answer(start_edge) -> None:
    with doubles.openai(faults=Fault("length")) as double:
        edge = await start_edge({"a": double.base_url}, ["a/gpt-4.1-mini"])
        response = await edge.ask(max_tokens=4)
    assert response.json()["choices"][0]["finish_reason"] == "length"


async def test_placeholder_content_is_never_served(start_edge, reasons) -> None:
    with doubles.openai() as first:
        first.reply = "Lorem ipsum dolor sit amet, consectetur."
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"], profile="production")
        response = await edge.ask()
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "stub_in_production_forbidden"
    assert "consectetur" not in response.text
    assert ("stub_in_production_forbidden", "critical") in [event[:2] for event in edge.ledger.events]


async def test_placeholder_content_alone_failed_the_gate_and_not_the_chain(start_edge) -> None:
    filler = "Lorem ipsum dolor sit amet, consectetur adipiscing elit."
    with doubles.openai() as only:
        only.reply = filler
        edge = await start_edge({"a": only.base_url}, ["a/gpt-4.1-mini"])
        response = await edge.ask()
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "runtime_quality_failed")
    assert error["quality_issues"] == {"stub": True}
    assert "consectetur" not in response.text


async def test_the_callers_own_mistake_is_told_and_not_retried(start_edge) -> None:
    with doubles.openai(faults=Fault("status", status=400)) as first, doubles.openai() as second:
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        for _ in range(5):
            response = await edge.ask()
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "provider_rejected_request"
    assert not second.requests
    assert edge.service.breakers()[0]["state"] == "closed"


async def test_a_dead_primary_is_asked_three_times_in_thirty_requests(start_edge) -> None:
    with doubles.openai(faults=Fault("status", status=500)) as first, doubles.openai() as second:
        targets = ["a/gpt-4.1-mini", "b/gpt-4.1-mini"]
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, targets, breaker=Breaker(open_s=60.0))
        answers = [(await edge.ask()).status_code for _ in range(30)]
        assert answers == [200] * 30
        assert len(first.requests) == 3
    assert edge.service.breakers()[0]["state"] == "open"


async def test_a_spent_chain_tells_every_attempt_and_forbids_the_clients_own_retries(start_edge, reasons) -> None:
    with (
        doubles.openai(faults=Fault("status", status=500)) as first,
        doubles.openai(faults=Fault("close")) as second,
    ):
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        response = await edge.ask()
    error = response.json()["error"]
    assert response.status_code == 502
    assert error["code"] == "llm_chain_failed"
    assert response.headers["x-should-retry"] == "false"
    assert sorted(reasons(response)) == ["connection_cut"] * 3 + ["http_error"] * 3
    assert "a/gpt-4.1-mini: http_error (status 500)" in error["debug_hint"]
    assert error["mend"]
    assert error["request_id"] == response.headers["x-request-id"]


async def test_nobody_listening_is_a_failed_connection(start_edge, reasons) -> None:
    with doubles.openai() as second:
        edge = await start_edge({"a": "http://127.0.0.1:9/v1", "b": second.base_url}, ["a/m", "b/gpt-4.1-mini"])
        response = await edge.ask()
    assert reasons(response) == ["connect_failed", "served"]


async def test_open_breakers_answer_503_with_the_seconds_to_the_probe(start_edge) -> None:
    with doubles.openai(faults=Fault("status", status=500)) as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        await edge.ask()
        response = await edge.ask()
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "llm_unavailable"
    assert response.headers["retry-after"] == "1"
    assert len(first.requests) == 3


async def test_a_healed_provider_is_used_again(start_edge) -> None:
    with doubles.openai(faults=[Fault("status", status=500)] * 3) as first, doubles.openai() as second:
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        for _ in range(3):
            await edge.ask()
        edge.service.reset_breakers("a", None)
        response = await edge.ask()
    assert response.headers["x-roadworthy-served-by"] == "a/gpt-4.1-mini"


async def test_rate_limits_of_every_provider_become_a_429_with_their_own_wait(start_edge) -> None:
    limit = Fault("status", status=429, headers={"retry-after": "9"})
    with doubles.openai(faults=limit) as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        response = await edge.ask()
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "rate_limited"
    assert response.headers["retry-after"] in {"9", "10"}


async def test_a_gzipped_answer_is_read(start_edge) -> None:
    with doubles.openai(faults=Fault("gzip")) as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"])
        response = await edge.ask()
    assert response.json()["choices"][0]["message"]["content"] == first.reply


async def test_an_alarm_is_raised_for_a_refused_key_although_fallback_hides_it(start_edge) -> None:
    with doubles.openai(api_key="another") as first, doubles.openai() as second:
        edge = await start_edge({"a": first.base_url, "b": second.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        assert (await edge.ask()).status_code == 200
    assert ("provider.unauthorized", "error") in [event[:2] for event in edge.ledger.events]


async def test_a_caller_who_hangs_up_stops_the_work_and_blames_nobody(start_edge) -> None:
    with doubles.openai(faults=Fault("hang")) as first:
        edge = await start_edge({"a": first.base_url}, ["a/gpt-4.1-mini"], route={"try_timeout_s": 4.0})
        with pytest.raises(httpx2.TimeoutException):
            await edge.http.post(
                "/v1/chat/completions",
                json={"model": "chat", "messages": [{"role": "user", "content": "x"}]},
                timeout=0.2,
            )
        await edge.recorded()
    assert edge.ledger.records[0].code == "client_gone"
    assert edge.service.in_flight == 0
    assert edge.service.breakers()[0]["window_failures"] == 0
