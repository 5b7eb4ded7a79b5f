"""The client of the public API against a real socket that says what the gateway documents, and worse."""

import json
import socket
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from doubles.scripted_server import Say, ScriptedServer, events, serving
from roadworthy.client.gateway import GatewayClient
from roadworthy.client.record import Answer, Attempt, Model, Rejected
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import AuthError, GatewayError, UsageError

KEY = "rw_canary-0123456789"
CHAT = "POST /v1/chat/completions"
ATTEMPT = {
    "provider": "a",
    "model": "m",
    "reason": "timeout",
    "latency_ms": 12.5,
    "status": None,
    "detail": "",
    "cost_usd": None,
}
EXTRA = {"attempts": [ATTEMPT], "quality": "not-gated", "request_id": "req_1", "cache": "off", "stub_used": False}
SPENT = {
    "error": {
        "message": "Every provider failed. Two were tried.",
        "type": "server_error",
        "code": "llm_chain_failed",
        "why": "Two were tried.",
        "mend": "Wait.",
        "request_id": "req_1",
        "attempts": [ATTEMPT],
        "debug_hint": "a/m: timeout",
    }
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[GatewayClient]:
    with GatewayClient(server.url, KEY, timeout_s=5) as client:
        yield client


def chunk(text: str | None = None, **more: object) -> dict[str, object]:
    delta = {} if text is None else {"content": text}
    return {"model": "m", "choices": [{"delta": delta, "finish_reason": None if text else "stop"}], **more}


def test_a_plain_answer(server: ScriptedServer, client: GatewayClient) -> None:
    server.script[CHAT] = Say(
        {
            "model": "m",
            "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1},
            "roadworthy": EXTRA,
        },
        headers={"x-roadworthy-served-by": "a/m"},
    )
    answer = client.chat("Hello", model="chat", max_tokens=5, temperature=None)
    assert (answer.text, answer.model, answer.served_by, answer.finish_reason) == ("Hi", "m", "a/m", "stop")
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 1)
    assert answer.served is not None
    assert answer.served.attempts == (Attempt("a", "m", "timeout", 12.5),)
    assert answer.served.stub_used is False
    assert server.last.headers["authorization"] == f"Bearer {KEY}"
    assert server.last.body == {"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}


@pytest.mark.parametrize(
    "body", [{}, {"choices": None}, {"choices": [None]}, {"choices": [{"message": 1}], "usage": [], "roadworthy": 1}]
)
def test_gaps_are_unknowns_and_no_zeros(server: ScriptedServer, client: GatewayClient, body: object) -> None:
    server.script[CHAT] = Say(body)
    answer = client.chat("x", model="chat")
    assert (answer.text, answer.prompt_tokens, answer.finish_reason, answer.served) == ("", None, None, None)


def test_a_stream_yields_text_and_at_the_end_the_answer(server: ScriptedServer, client: GatewayClient) -> None:
    server.script[CHAT] = events(
        chunk("안"),
        chunk("녕"),
        chunk(roadworthy=EXTRA),
        {"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 9}},
        headers={"x-roadworthy-served-by": "a/m"},
    )
    *texts, answer = client.stream([{"role": "user", "content": "x"}], model="chat")
    assert texts == ["안", "녕"]
    assert isinstance(answer, Answer)
    assert (answer.text, answer.served_by, answer.finish_reason, answer.completion_tokens) == ("안녕", "a/m", "stop", 9)
    assert answer.served is not None
    assert answer.served.request_id == "req_1"
    assert server.last.body["stream"] is True


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (events(chunk("half"), done=False), "without its end mark"),
        (events(chunk("half"), done=False, cut=True), "connection broke"),
        (events(chunk("half"), "{not json"), "not JSON"),
    ],
)
def test_a_stream_that_breaks_is_incomplete(server: ScriptedServer, client: GatewayClient, say: Say, why: str) -> None:
    server.script[CHAT] = say
    pieces = client.stream("x", model="chat")
    assert next(pieces) == "half"
    with pytest.raises(GatewayError, match="broke before the answer was whole") as caught:
        next(pieces)
    assert caught.value.code == "stream_incomplete"
    assert why in caught.value.why


def test_the_gateways_own_incomplete_event_arrives_with_its_attempts(
    server: ScriptedServer, client: GatewayClient
) -> None:
    why = "Nothing for 10 s."
    error = {"code": "stream_incomplete", "message": f"It stalled. {why}", "why": why, "mend": "M"}
    server.script[CHAT] = events(chunk("half"), {"error": error, "roadworthy": EXTRA}, done=False, cut=True)
    pieces = client.stream("x", model="chat")
    assert next(pieces) == "half"
    with pytest.raises(RemoteError) as caught:
        next(pieces)
    assert caught.value.as_dict() == {
        "code": "stream_incomplete",
        "what": "It stalled.",
        "why": "Nothing for 10 s.",
        "mend": "M",
        "attempts": (Attempt("a", "m", "timeout", 12.5),),
    }


@pytest.mark.parametrize("ask", ["chat", "stream"])
def test_a_spent_chain_is_the_same_error_here(server: ScriptedServer, client: GatewayClient, ask: str) -> None:
    server.script[CHAT] = Say(SPENT, 502, {"x-should-retry": "false"})
    with pytest.raises(RemoteError) as caught:
        list(getattr(client, ask)("x", model="chat"))
    error = caught.value
    assert (error.code, error.what, error.why, error.mend) == (
        "llm_chain_failed",
        "Every provider failed.",
        "Two were tried.",
        "Wait.",
    )
    assert (error.attempts[0].reason, error.request_id, error.debug_hint) == ("timeout", "req_1", "a/m: timeout")
    assert error.status == 502
    assert (dict(error.quality_issues), error.rejected) == ({}, None)


FAILED = {
    "error": {
        "message": "No answer passed the quality gate.",
        "code": "runtime_quality_failed",
        "quality_issues": {"missing_terms": ["rose"]},
        "rejected": {
            "text": "A tulip.",
            "served_by": "a/m",
            "quality_issues": {"missing_terms": ["rose"]},
            "cut": False,
        },
    }
}


def test_an_answer_that_did_not_pass_is_shown_with_what_was_wrong(
    server: ScriptedServer, client: GatewayClient
) -> None:
    rules = {"required_terms": ["rose"], "keep_rejected": True}
    issues = {"missing_terms": ["rose"]}
    event = f": waiting\n\nevent: error\ndata: {json.dumps(FAILED)}\n\n".encode()
    cut = Say(event, headers={"content-type": "text/event-stream"}, cut=True)
    for say in (Say(FAILED, 422), cut):
        server.script[CHAT] = say
        with pytest.raises(RemoteError) as caught:
            list(client.stream("Hi", model="chat", quality=rules))
        assert caught.value.code == "runtime_quality_failed"
        assert caught.value.quality_issues == issues
        assert caught.value.rejected == Rejected("A tulip.", "a/m", issues, False)
        assert caught.value.as_dict()["quality_issues"] == issues
        assert "tulip" not in str(caught.value)
    assert server.last.body["quality"] == rules


@pytest.mark.parametrize("rejected", [None, "text", {"text": None}, {"text": 3}, []])
def test_a_rejected_answer_that_cannot_be_read_is_none(
    server: ScriptedServer, client: GatewayClient, rejected: object
) -> None:
    server.script[CHAT] = Say({"error": {**FAILED["error"], "rejected": rejected, "quality_issues": []}}, 422)
    with pytest.raises(RemoteError) as caught:
        client.chat("Hi", model="chat")
    assert (caught.value.rejected, dict(caught.value.quality_issues)) == (None, {})


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (418, "invalid_request"),
        (429, "rate_limited"),
        (500, "llm_failure"),
        (503, "llm_unavailable"),
    ],
)
def test_a_code_of_another_server_is_mapped_by_status(
    server: ScriptedServer, client: GatewayClient, status: int, code: str
) -> None:
    server.script[CHAT] = Say({"error": {"message": "No.", "code": "brand_new"}}, status, {"retry-after": "7"})
    with pytest.raises(RemoteError) as caught:
        client.chat("x", model="chat")
    assert (caught.value.code, caught.value.what, caught.value.retry_after_s) == (code, "No.", 7.0)
    assert "brand_new" in caught.value.why


@pytest.mark.parametrize("say", [Say(b"<html>", 200), Say(b"<html>", 502), Say([], 200), Say(b"[" * 100_000, 500)])
def test_what_is_no_gateway_is_said_to_be_none(server: ScriptedServer, client: GatewayClient, say: Say) -> None:
    server.script[CHAT] = say
    with pytest.raises(GatewayError, match="not a Roadworthy gateway") as caught:
        client.chat("x", model="chat")
    assert caught.value.code == "gateway_unreachable"


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with GatewayClient(url, KEY) as client, pytest.raises(GatewayError, match="No gateway answers") as caught:
            client.models()
    assert caught.value.code == "gateway_unreachable"
    assert KEY not in str(caught.value) + repr(caught.value.__cause__)


def test_a_silent_server_is_given_up(server: ScriptedServer) -> None:
    server.script["GET /livez"] = Say({}, hang=True)
    with GatewayClient(server.url, timeout_s=0.2) as client, pytest.raises(GatewayError, match="in time") as caught:
        client.live()
    assert caught.value.code == "gateway_unreachable"


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "http://", "http://u:p@x", "http://x:99999"])
def test_a_bad_address_is_the_callers_fault(url: str) -> None:
    with pytest.raises(UsageError, match="address of the gateway") as caught:
        GatewayClient(url)
    assert caught.value.param == "url"


@pytest.mark.parametrize("key", ["", "a b", "rw_\n", "ключ"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(AuthError) as caught:
        GatewayClient("http://127.0.0.1:1", key)
    assert not key or key not in str(caught.value)


def test_the_key_is_not_in_the_clients_repr(client: GatewayClient) -> None:
    assert KEY not in repr(client)


def test_models_and_health(server: ScriptedServer, client: GatewayClient) -> None:
    server.script["GET /v1/models"] = Say({"data": [{"id": "chat", "owned_by": "route"}, 3, {"id": "a/m"}]})
    assert client.models() == (Model("chat", "route"), Model("a/m"))
    server.script["GET /readyz"] = Say({"ok": False}, 503)
    assert (client.ready().ok, client.ready().status) == (False, 503)
    server.script["GET /health"] = Say({"ok": True}, headers={"date": formatdate(usegmt=True)})
    assert client.health().ok
    server.script["GET /health/llm"] = Say({"ok": False, "llm_ready": False, "error_type": "llm_chain_failed"}, 503)
    health = client.health_llm()
    assert (health.ok, health.llm_ready, health.used_stub) == (False, False, None)
    assert health.error_type == "llm_chain_failed"
