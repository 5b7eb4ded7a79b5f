"""Reads what APIs say when they fail: messages, error objects, and how long to stay away.

Shapes read here: OpenAI (`{"error": {"message", "type", "param", "code"}}`), Anthropic (`{"type": "error",
"error": {"type", "message"}}`), Ollama and others (`{"error": "text"}`), FastAPI servers (`{"detail": ...}`), older
vLLM (`{"object": "error", "message", "type", "code"}`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.providers.contract import ProviderFailure

DETAIL_LENGTH = 2_000
"""Characters of its words that are kept. The edge cuts them to what is shown, but masks them first: half a key is one
that no masker finds."""
LONGEST_RETRY_AFTER_S = 86_400.0
"""A provider that asks for more is asking for nothing useful."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding an answer raises when the answer is not what the API documents (`ValidationError` included)."""

# The account cannot be served until somebody pays or raises a limit: like a wrong key, waiting does not mend it.
_ACCOUNT_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "billing_error",
        "enforced_spend_limit_reached",
        "account_deactivated",
        "insufficient_balance",
    }
)
_ACCOUNT_WORDS = re.compile(
    r"credit balance is too low|insufficient balance|exceeded your current quota", re.IGNORECASE
)
_MODEL_CODES = frozenset({"model_not_found", "invalid_model", "model_not_available", "not_found_error"})
_MODEL_WORDS = re.compile(
    r"^(?:model not exist|unknown model|invalid model|(?:the )?model \S{1,120} (?:does not exist|not found))",
    re.IGNORECASE,
)
_LENGTH_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_LENGTH_WORDS = re.compile(r"maximum context length|context (?:length|size|window)|prompt is too long", re.IGNORECASE)
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_BY_CODE: dict[str, Reason] = {
    "rate_limit_error": Reason.RATE_LIMITED,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
    "authentication_error": Reason.UNAUTHORIZED,
    "permission_error": Reason.UNAUTHORIZED,
    "invalid_api_key": Reason.UNAUTHORIZED,
    "invalid_request_error": Reason.BAD_REQUEST,
    "request_too_large": Reason.BAD_REQUEST,
}
_BY_STATUS: dict[int, Reason] = {
    400: Reason.BAD_REQUEST,
    413: Reason.BAD_REQUEST,
    422: Reason.BAD_REQUEST,
    401: Reason.UNAUTHORIZED,
    402: Reason.UNAUTHORIZED,
    403: Reason.UNAUTHORIZED,
    404: Reason.MODEL_NOT_FOUND,
    429: Reason.RATE_LIMITED,
}


class ErrorObject(msgspec.Struct, frozen=True, gc=False):
    """An API's error, whatever its shape: its words, and every code or type it carries in lower case."""

    message: str = ""
    codes: frozenset[str] = frozenset()
    status: int | None = None


def read_error(body: bytes) -> ErrorObject | None:
    """The error object of a body, None when the body holds none; never raises."""
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    return error_in(value)


def error_in(value: Any) -> ErrorObject | None:
    """The same for a decoded body."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return None
    inner = value.get("error")
    if isinstance(inner, dict):
        return _from_object(inner)
    if isinstance(inner, str):
        return ErrorObject(inner)
    if value.get("object") == "error" or (isinstance(value.get("message"), str) and "choices" not in value):
        return _from_object(value)
    return _from_detail(value.get("detail"))


def _from_object(error: dict[str, Any]) -> ErrorObject:
    details = error.get("details")
    named = [error.get("type"), error.get("code"), details.get("error_code") if isinstance(details, dict) else None]
    codes = frozenset(name.lower() for name in named if isinstance(name, str))
    code = error.get("code")
    message = error.get("message")
    return ErrorObject(
        message if isinstance(message, str) else "",
        codes,
        code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599 else None,
    )


def _from_detail(detail: Any) -> ErrorObject | None:
    if isinstance(detail, str):
        return ErrorObject(detail)
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        first = detail[0].get("msg")
        return ErrorObject(first) if isinstance(first, str) else None
    return None


def classify(status: int, error: ErrorObject | None) -> Reason:
    """The reason of a failed answer; 200 stands for an error inside a stream, where the status said nothing.

    An exhausted quota (429 `insufficient_quota`, 402) counts as `unauthorized`: no pause mends it, an operator must.
    """
    if error is None:
        return _BY_STATUS.get(status, Reason.HTTP_ERROR)
    if error.codes & _FILTER_CODES:
        return Reason.CONTENT_FILTERED
    if status in (200, 400, 402, 403, 429) and (error.codes & _ACCOUNT_CODES or _ACCOUNT_WORDS.search(error.message)):
        return Reason.UNAUTHORIZED
    if status in (200, 400) and (error.codes & _MODEL_CODES or _MODEL_WORDS.search(error.message)):
        return Reason.MODEL_NOT_FOUND
    if status == 200:
        return _of_stream_error(error)
    return _BY_STATUS.get(status, Reason.HTTP_ERROR)


def _of_stream_error(error: ErrorObject) -> Reason:
    for code in sorted(error.codes):
        if code in _BY_CODE:
            return _BY_CODE[code]
    return _BY_STATUS.get(error.status or 500, Reason.HTTP_ERROR)


def detail_of(error: ErrorObject | None, body: bytes) -> str:
    """The provider's words in at most `DETAIL_LENGTH` characters; says so when a context window was exceeded."""
    if error is None or not (error.message or error.codes):
        text = body[: 2 * DETAIL_LENGTH].decode("utf-8", "replace").strip()
        if text.startswith("<"):
            return "The answer was a page, not JSON."
        return " ".join(text.split())[:DETAIL_LENGTH]
    text = " ".join(error.message.split()) or ", ".join(sorted(error.codes))
    too_long = error.codes & _LENGTH_CODES or _LENGTH_WORDS.search(text)
    if too_long and "context_length_exceeded" not in text:
        text = f"context_length_exceeded: {text}"
    return text[:DETAIL_LENGTH]


def failure(status: int, headers: Mapping[bytes, bytes], body: bytes) -> ProviderFailure:
    """What a non-200 answer means; never raises.

    Args:
        status: HTTP status.
        headers: Header lines of the answer, names in lower case.
        body: At most 64 KiB of the body.
    """
    error = read_error(body)
    reason = classify(status, error)
    pause = None if reason is Reason.UNAUTHORIZED else retry_after_s(headers)
    return ProviderFailure(reason, status, detail_of(error, body), pause)


def unreadable(body: bytes) -> ProviderFailure:
    """What a 200 answer means that is not the documented object: an error object in disguise, or `malformed_body`."""
    error = read_error(body)
    if error is not None and b'"error"' in body:
        return ProviderFailure(classify(200, error), 200, detail_of(error, body))
    if not body.strip():
        return ProviderFailure(Reason.MALFORMED, 200, "The body was empty.")
    if body.lstrip()[:1] == b"<":
        return ProviderFailure(Reason.MALFORMED, 200, "The answer was a page, not JSON.")
    return ProviderFailure(Reason.MALFORMED, 200, "The answer was not the documented JSON object.")


def retry_after_s(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds that an answer asks to stay away, None when it does not say.

    Reads, in this order: `retry-after-ms`; `retry-after` in seconds (RFC 9110 §10.2.3, decimals tolerated) or as an
    HTTP date, measured against the answer's own `date`, so that our clock plays no part; OpenAI's
    `x-ratelimit-reset-*` and Anthropic's `anthropic-ratelimit-*-reset`, those whose `remaining` is 0.
    """
    milliseconds = _number(headers.get(b"retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get(b"retry-after")
    if value is not None:
        seconds = _number(value)
        return _bounded(seconds) if seconds is not None else _until(value, headers.get(b"date"))
    return _exhausted_limit(headers)


def _number(value: bytes | None) -> float | None:
    try:
        number = float(value.decode("ascii")) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def _until(value: bytes, now: bytes | None) -> float | None:
    if now is None:
        return None
    try:
        return _bounded(_date(value) - _date(now))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _date(value: bytes) -> float:
    return parsedate_to_datetime(value.decode("ascii")).timestamp()


_DURATION = re.compile(rb"(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,5}(?:\.\d{1,9})?)s)?(?:(\d{1,6}(?:\.\d{1,9})?)ms)?")


def _exhausted_limit(headers: Mapping[bytes, bytes]) -> float | None:
    waits = [
        _duration(headers.get(b"x-ratelimit-reset-" + kind, b""))
        for kind in (b"requests", b"tokens")
        if headers.get(b"x-ratelimit-remaining-" + kind) == b"0"
    ]
    waits += [
        _timestamp(headers.get(b"anthropic-ratelimit-" + kind + b"-reset"), headers.get(b"date"))
        for kind in (b"requests", b"tokens", b"input-tokens", b"output-tokens")
        if headers.get(b"anthropic-ratelimit-" + kind + b"-remaining") == b"0"
    ]
    known = [wait for wait in waits if wait is not None]
    return _bounded(max(known)) if known else None


def _duration(value: bytes) -> float | None:
    """Seconds of OpenAI's `1s`, `6m0s`, `120ms`."""
    match = _DURATION.fullmatch(value)
    if match is None or not value:
        return None
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _timestamp(value: bytes | None, now: bytes | None) -> float | None:
    """Seconds to an RFC 3339 time, measured against the answer's `date`."""
    if value is None or now is None:
        return None
    try:
        return msgspec.convert(value.decode("ascii"), datetime).timestamp() - _date(now)
    except (msgspec.ValidationError, ValueError, TypeError, OverflowError, IndexError):
        return None
