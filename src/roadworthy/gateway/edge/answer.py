"""The bytes that callers see: header lines, the `roadworthy` object, error objects, stream events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.cost import total_usd
from roadworthy.gateway.edge.shown import NOTHING_SHOWN, Shown
from roadworthy.gateway.finished import CacheResult, Masked, PromptUsed, Quality

PASSED_OVER = frozenset({Reason.BREAKER_OPEN, Reason.BENCHED, Reason.UNSUPPORTED_PARAMETER})

_encode = msgspec.json.Encoder().encode


class AttemptView(msgspec.Struct, omit_defaults=True, gc=False):
    """An attempt as callers see it; the last four only where there is something to tell."""

    provider: str
    model: str
    reason: str
    latency_ms: float
    status: int | None
    detail: str
    cost_usd: float | None
    cost_estimated: bool = False
    repair: str = ""
    quality_issues: Mapping[str, object] | None = None
    hedge: bool = False


class Extra(msgspec.Struct, gc=False):
    """The `roadworthy` object of an answer. The mode is null where none was asked for, cost until it is known.

    No prompt used, none told.
    """

    attempts: list[AttemptView]
    quality: Quality
    request_id: str
    mode_requested: str | None = None
    mode_served: str | None = None
    mode_reason: str | None = None
    prompt: PromptUsed | msgspec.UnsetType = msgspec.UNSET
    masked: Masked | msgspec.UnsetType = msgspec.UNSET
    cache: CacheResult = "off"
    stub_used: bool = False
    cost: float | None = None
    cost_estimated: bool = False


class KeptExtra(Extra, gc=False):
    """The `roadworthy` object of an answer out of the cache. `warning` says what a caller must know of a stale one."""

    age_s: float = 0.0
    warning: str | None = None


_FIRST_BODY = (
    b'%b,"roadworthy":{"attempts":[%b,"latency_ms":%.3f,"status":200,"detail":"","cost_usd":%b%b}],"quality":"%b",'
    b'"request_id":"%b",%b,"stub_used":false,"cost":%b,"cost_estimated":%b}}'
)
_FIRST_LINES = (
    b"x-request-id: %b\r\n%b%bx-roadworthy-quality: %b\r\n%bserver-timing: total;dur=%.2f, upstream;dur=%.2f\r\n"
)


def tries(attempts: Sequence[Attempt]) -> int:
    """How many providers were really asked."""
    return sum(1 for attempt in attempts if attempt.reason not in PASSED_OVER)


def fallback_reason(attempts: Sequence[Attempt]) -> str:
    """Why the first target did not serve; empty when it did. A hedge that did not serve is no target that failed."""
    first = next((attempt for attempt in attempts if not attempt.hedge), None)
    return "" if first is None or first.reason is Reason.SERVED else first.reason.value


def view(attempts: Sequence[Attempt]) -> list[AttemptView]:
    """Attempts as callers see them."""
    return [
        AttemptView(
            a.provider,
            a.model,
            a.reason,
            round(a.latency_ms, 3),
            a.status,
            a.detail,
            a.cost_usd,
            a.cost_estimated,
            a.repair,
            a.issues,
            a.hedge,
        )
        for a in attempts
    ]


def splice(
    body: bytes, attempts: Sequence[Attempt], quality: Quality, request_id: str, shown: Shown = NOTHING_SHOWN
) -> bytes:
    """A JSON object with the `roadworthy` object added as its last member. `body` ends with `}` and is not `{}`."""
    return b'%b,"roadworthy":%b}' % (body[:-1], _encode(_extra(attempts, quality, request_id, shown)))


def _extra(attempts: Sequence[Attempt], quality: Quality, request_id: str, shown: Shown) -> Extra:
    estimated = any(attempt.cost_estimated for attempt in attempts)
    cost = _rounded(total_usd(attempts))
    return _with(Extra(view(attempts), quality, request_id, cost=cost, cost_estimated=estimated), shown)


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 12)


def _with(extra: Extra, shown: Shown) -> Extra:
    extra.cache = shown.cache
    if (mode := shown.mode) is not None:
        extra.mode_requested, extra.mode_served, extra.mode_reason = mode.requested, mode.served, mode.reason
    if shown.prompt is not None:
        extra.prompt = shown.prompt
    if shown.hidden is not None:
        extra.masked = shown.hidden
    return extra


class ReadyMade:
    """What never changes in the answers of one target, for the common case that its first attempt serves.

    Args:
        provider: Name in the configuration.
        model: Model at that provider.
    """

    __slots__ = ("attempt", "lines")

    def __init__(self, provider: str, model: str) -> None:
        label = f"{provider}/{model}".encode("ascii", "replace")
        self.attempt = _encode({"provider": provider, "model": model, "reason": "served"})[:-1]
        self.lines = (
            b"x-roadworthy-served-by: %b\r\nx-roadworthy-attempts: 1\r\nx-roadworthy-fallback: false\r\n" % label
        )


def first_served(
    made: ReadyMade,
    body: bytes,
    request_id: str,
    quality: Quality,
    total_ms: float,
    attempt: Attempt,
    shown: Shown = NOTHING_SHOWN,
) -> tuple[bytes, bytes]:
    """Header lines and body, as `served_lines` and `splice` would give them, at a tenth of the price.

    Args:
        made: Of the target that served at the first attempt.
        body: As for `splice`.
        request_id: As in `x-request-id`.
        quality: What the gate said.
        total_ms: Milliseconds since the request was complete.
        attempt: The one that served.
        shown: What is said of the mode and the cache.
    """
    identity, verdict, upstream_ms, usd = request_id.encode(), quality.encode(), attempt.latency_ms, attempt.cost_usd
    cost = b"null" if usd is None else b"%.12g" % usd
    lines = _FIRST_LINES % (identity, made.lines, shown.cache_line, verdict, shown.lines, total_ms, upstream_ms)
    if usd is not None:
        lines += b"x-roadworthy-cost: %b\r\n" % cost
    marked, estimated = (b',"cost_estimated":true', b"true") if attempt.cost_estimated else (b"", b"false")
    return lines, _FIRST_BODY % (
        body[:-1], made.attempt, upstream_ms, cost, marked, verdict, identity, shown.members, cost, estimated,
    )  # fmt: skip


def served_lines(
    request_id: str,
    label: str,
    attempts: Sequence[Attempt],
    quality: Quality,
    timing: str,
    shown: Shown = NOTHING_SHOWN,
) -> bytes:
    """Header lines of an answer that a provider gave."""
    plain, usd = len(attempts) == 1, total_usd(attempts)
    cost = "" if usd is None else f"x-roadworthy-cost: {usd:.12g}\r\n"
    if not plain and any(attempt.hedge for attempt in attempts):
        cost += f"x-roadworthy-hedge: {'won' if attempts[-1].hedge else 'lost'}\r\n"
    return (
        (
            f"x-request-id: {request_id}\r\nx-roadworthy-served-by: {label}\r\n"
            f"x-roadworthy-attempts: {1 if plain else tries(attempts)}\r\n"
            f"x-roadworthy-fallback: {'false' if plain else fallback_reason(attempts) or 'false'}\r\n"
            f"x-roadworthy-quality: {quality}\r\nserver-timing: {timing}\r\n{cost}"
        ).encode("ascii", "replace")
        + shown.cache_line
        + shown.lines
    )


def kept_extra(request_id: str, attempts: Sequence[Attempt], quality: Quality, shown: Shown, age_s: float) -> bytes:
    """The `roadworthy` object of an answer that was kept. It cost what failed attempts did: mostly nothing."""
    stale = shown.cache == "stale"
    warning = f"The providers failed; this answer is {age_s:.0f} s old and has expired." if stale else None
    cost = _rounded(total_usd(attempts))
    extra = KeptExtra(view(attempts), quality, request_id, cost=cost, age_s=round(age_s, 3), warning=warning)
    return _encode(_with(extra, shown))


def kept_lines(
    request_id: str, label: str, attempts: Sequence[Attempt], quality: Quality, timing: str, shown: Shown, age_s: float
) -> bytes:
    """Header lines of an answer that was kept; `label` is who gave it then. `age` as in RFC 9111 §5.1."""
    return (
        (
            f"x-request-id: {request_id}\r\nx-roadworthy-served-by: {label}\r\n"
            f"x-roadworthy-attempts: {tries(attempts)}\r\n"
            f"x-roadworthy-fallback: {fallback_reason(attempts) or 'false'}\r\n"
            f"age: {age_s:.0f}\r\nx-roadworthy-quality: {quality}\r\nserver-timing: {timing}\r\n"
        ).encode("ascii", "replace")
        + shown.cache_line
        + shown.lines
    )


def last_issues(attempts: Sequence[Attempt]) -> Mapping[str, object]:
    """`quality_issues` of the last answer that failed the gate; empty when none was judged."""
    return next((attempt.issues for attempt in reversed(attempts) if attempt.issues), {})


def debug_hint(attempts: Sequence[Attempt]) -> str:
    """Every attempt in one line, for the person who looks at the error."""
    if not attempts:
        return "no provider was asked"
    return "; ".join(
        f"{a.provider}/{a.model}: {a.reason}"
        + (f" (status {a.status})" if a.status else "")
        + (f" after {a.latency_ms:.0f} ms" if a.reason not in PASSED_OVER else "")
        + (f": {a.detail}" if a.detail else "")
        for a in attempts
    )


def error_object(
    error: RoadworthyError, request_id: str, attempts: Sequence[Attempt] | None = None, shown: Shown = NOTHING_SHOWN
) -> dict[str, Any]:
    """OpenAI's error object plus why, mend, request_id; with attempts and debug_hint where a chain ran; the mode."""
    status = error.spec.http_status
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    inner: dict[str, Any] = {
        # SDKs show their users the message alone.
        "message": f"{error} {error.mend}",
        "type": "insufficient_quota" if error.code == "budget_exceeded" else kind,
        "param": error.param,
        "code": error.code,
        "what": error.what,
        "why": error.why,
        "mend": error.mend,
        "request_id": request_id,
    }
    if attempts is not None:
        inner["attempts"] = view(attempts)
        inner["debug_hint"] = debug_hint(attempts)
    if (mode := shown.mode) is not None:
        inner |= {"mode_requested": mode.requested, "mode_served": mode.served, "mode_reason": mode.reason}
    if shown.prompt is not None:
        inner["prompt"] = shown.prompt
    if error.code == "runtime_quality_failed" and attempts:
        inner["quality_issues"] = last_issues(attempts)
    return inner


def error_body(
    error: RoadworthyError,
    request_id: str,
    attempts: Sequence[Attempt] | None = None,
    shown: Shown = NOTHING_SHOWN,
    **more: Any,
) -> bytes:
    """The JSON body of an error answer; `more` becomes further members of the error object."""
    return _encode({"error": error_object(error, request_id, attempts, shown) | more})


def error_event(
    error: RoadworthyError, request_id: str, attempts: Sequence[Attempt], shown: Shown = NOTHING_SHOWN, **more: Any
) -> bytes:
    """The same as the event that ends a stream of which nothing but the header and comments has left."""
    return b"event: error\ndata: %b\n\n" % error_body(error, request_id, attempts, shown, **more)


def error_lines(
    error: RoadworthyError, request_id: str, attempts: Sequence[Attempt] | None = None, shown: Shown = NOTHING_SHOWN
) -> bytes:
    """Header lines of an error answer. A spent chain must not be run again by a client's own retries."""
    lines = f"x-request-id: {request_id}\r\n"
    if attempts is not None:
        lines += f"x-roadworthy-attempts: {tries(attempts)}\r\n"
    if error.retry_after_s is not None:
        lines += f"retry-after: {max(1, round(error.retry_after_s + 0.499))}\r\n"
    if error.code == "budget_exceeded" or (error.retry_after_s is None and error.spec.http_status >= 500):
        lines += "x-should-retry: false\r\n"
    if error.code == "unauthorized":
        lines += 'www-authenticate: Bearer realm="roadworthy"\r\n'
    return lines.encode() + shown.lines


def refusal(error: RoadworthyError, status: int, request_id: str, reason: bytes, date: bytes) -> bytes:
    """A whole answer, after which the connection closes, to what was no acceptable request."""
    body = error_body(error, request_id)
    return (
        b"HTTP/1.1 %d %b\r\ndate: %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b"
        b"connection: close\r\n\r\n%b" % (status, reason, date, len(body), error_lines(error, request_id), body)
    )


def incomplete_event(
    reason: Reason, attempts: Sequence[Attempt], request_id: str, error: RoadworthyError, shown: Shown = NOTHING_SHOWN
) -> bytes:
    """The event that ends a stream which broke after its commit point."""
    inner = error_object(error, request_id)
    inner["reason"] = reason.value
    return b"event: error\ndata: %b\n\n" % _encode(
        {"error": inner, "roadworthy": _extra(attempts, "failed", request_id, shown)}
    )
