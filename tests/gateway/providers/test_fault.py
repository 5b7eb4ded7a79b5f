"""What providers say when they fail, and how long they ask us to stay away."""

from __future__ import annotations

import json

import pytest

from roadworthy.core.attempts import Reason
from roadworthy.gateway.providers.fault import failure, retry_after_s

DATE = b"Tue, 18 Nov 2025 10:00:00 GMT"


def error(message: str = "", kind: str = "", code: object = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"7"}, 7.0),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after": b"-3"}, 0.0),
        ({b"retry-after": b"99999999"}, 86_400.0),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"inf"}, None),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"\xff"}, None),
        ({b"retry-after-ms": b"250", b"retry-after": b"9"}, 0.25),
        ({b"retry-after-ms": b"x", b"retry-after": b"9"}, 9.0),
        ({b"retry-after": b"Tue, 18 Nov 2025 10:00:30 GMT", b"date": DATE}, 30.0),
        ({b"retry-after": b"Tue, 18 Nov 2025 09:00:00 GMT", b"date": DATE}, 0.0),
        ({b"retry-after": b"Tue, 18 Nov 2025 10:00:30 GMT"}, None),
        ({b"retry-after": b"Tue, 18 Nov 2025 10:00:30 GMT", b"date": b"today"}, None),
        ({b"x-ratelimit-remaining-requests": b"0", b"x-ratelimit-reset-requests": b"6m0s"}, 360.0),
        ({b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"120ms"}, 0.12),
        ({b"x-ratelimit-remaining-requests": b"5", b"x-ratelimit-reset-requests": b"6m0s"}, None),
        ({b"x-ratelimit-remaining-requests": b"0", b"x-ratelimit-reset-requests": b""}, None),
        ({b"x-ratelimit-remaining-requests": b"0", b"x-ratelimit-reset-requests": b"soon"}, None),
        (
            {
                b"anthropic-ratelimit-requests-remaining": b"0",
                b"anthropic-ratelimit-requests-reset": b"2025-11-18T10:00:12Z",
                b"date": DATE,
            },
            12.0,
        ),
        (
            {b"anthropic-ratelimit-tokens-remaining": b"0", b"anthropic-ratelimit-tokens-reset": b"x", b"date": DATE},
            None,
        ),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (429, error("Slow down", "requests", "rate_limit_exceeded"), Reason.RATE_LIMITED),
        (
            429,
            error("You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
            Reason.UNAUTHORIZED,
        ),
        (429, b"", Reason.RATE_LIMITED),
        (402, error("Insufficient Balance", "unknown_error", "invalid_request_error"), Reason.UNAUTHORIZED),
        (400, error("Your credit balance is too low to access the Anthropic API."), Reason.UNAUTHORIZED),
        (400, error("Too long", "invalid_request_error", "context_length_exceeded"), Reason.BAD_REQUEST),
        (400, error("The response was filtered", "", "content_filter"), Reason.CONTENT_FILTERED),
        (400, error("Model Not Exist", "invalid_request_error", "invalid_request_error"), Reason.MODEL_NOT_FOUND),
        (400, error("Invalid model 'x'.", "invalid_model", 400), Reason.MODEL_NOT_FOUND),
        (400, error("A tool named model was not found"), Reason.BAD_REQUEST),
        (404, b'{"error":"model \\"x\\" not found, try pulling it first"}', Reason.MODEL_NOT_FOUND),
        (404, b"<html>not here</html>", Reason.MODEL_NOT_FOUND),
        (413, b"", Reason.BAD_REQUEST),
        (418, b"", Reason.HTTP_ERROR),
        (301, b"", Reason.HTTP_ERROR),
        (599, b"[]", Reason.HTTP_ERROR),
    ],
)
def test_reasons(status, body, reason):
    found = failure(status, {}, body)
    assert (found.reason, found.status) == (reason, status)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (error("Slow\n  down"), "Slow down"),
        (error("Too long", code="context_length_exceeded"), "context_length_exceeded: Too long"),
        (
            error("prompt is too long: 9 tokens > 8 maximum"),
            "context_length_exceeded: prompt is too long: 9 tokens > 8 maximum",
        ),
        (b'{"error":"no such model"}', "no such model"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "field required"),
        (b'{"object":"error","message":"bad","code":400}', "bad"),
        (b'[{"error":{"message":"listed"}}]', "listed"),
        (error("", "server_error"), "server_error"),
        (b"<!DOCTYPE html><title>502</title>", "The answer was a page, not JSON."),
        (b"upstream connect error", "upstream connect error"),
        (b"", ""),
        (error("x" * 3_000), "x" * 2_000),
    ],
)
def test_details(body, detail):
    assert failure(400, {}, body).detail == detail


def test_an_exhausted_account_has_no_pause():
    body = error("You exceeded your current quota", "insufficient_quota", "insufficient_quota")
    assert failure(429, {b"retry-after": b"5"}, body).retry_after_s is None


def test_an_overloaded_api_may_name_a_pause():
    found = failure(
        529, {b"retry-after": b"5"}, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    )
    assert (found.reason, found.retry_after_s, found.detail) == (Reason.HTTP_ERROR, 5.0, "Overloaded")


def test_a_spend_limit_is_not_a_rate_limit():
    details = {"error_code": "enforced_spend_limit_reached"}
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "Limit reached", "details": details}}
    assert failure(429, {}, json.dumps(body).encode()).reason is Reason.UNAUTHORIZED
