"""What our own API answers, as frozen records. Unknown is None; fields of a newer server are ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One provider asked, or passed over, for one request.

    Args:
        provider: Name of the provider in the gateway's configuration.
        model: Model asked for at that provider.
        reason: How it ended: a value of `core.attempts.Reason`, or a newer word that this version does not know.
        latency_ms: Milliseconds until the end of the attempt; None when unknown.
        status: HTTP status of the provider, if one came.
        detail: Masked text of the provider's error; empty when there is none.
        cost_usd: Price in US dollars; None when unknown.
        repair: `asked_again` when the model was told what was wrong with its last answer; empty otherwise.
    """

    provider: str
    model: str
    reason: str
    latency_ms: float | None = None
    status: int | None = None
    detail: str = ""
    cost_usd: float | None = None
    repair: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An answer that did not pass the quality gate, shown because the request asked for it. It is not an answer.

    Args:
        text: What it said, at most 64 KiB.
        served_by: `provider/model` that said it; empty when the server does not say.
        quality_issues: What was wrong with it.
        cut: Whether the text was longer; None when the server does not say.
    """

    text: str
    served_by: str = ""
    quality_issues: Mapping[str, Any] = field(default_factory=dict)
    cut: bool | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """The `roadworthy` object of an answer: how it came about.

    Args:
        attempts: In order; the last one served.
        quality: `passed`, `failed` or `not-gated`; None when the server does not say.
        request_id: As in the header `x-request-id`.
        mode_requested: Mode asked for, if any.
        mode_served: Mode that served, if any.
        mode_reason: Why it was not the one asked for; empty when it was, None when no mode was asked for.
        cache: `off`, or what the cache did.
        stub_used: Whether placeholder content was served; None when the server does not say.
        cost: Price in US dollars; None when unknown.
    """

    attempts: tuple[Attempt, ...] = ()
    quality: str | None = None
    request_id: str = ""
    mode_requested: str | None = None
    mode_served: str | None = None
    mode_reason: str | None = None
    cache: str | None = None
    stub_used: bool | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, plain or gathered from a stream.

    Args:
        text: Text of the first choice.
        model: Model that answered, as the gateway says.
        served_by: `provider/model` of the configuration; empty when the server does not say.
        finish_reason: stop, length, tool_calls, content_filter; None when absent.
        prompt_tokens: As counted by the provider; None when unknown.
        completion_tokens: Same.
        latency_ms: Milliseconds from asking to the last byte, measured here.
        served: How it came about; None when what answered is no Roadworthy gateway.
    """

    text: str
    model: str
    served_by: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: float
    served: Served | None


@dataclass(frozen=True, slots=True)
class Model:
    """A name that callers may ask for."""

    id: str
    owned_by: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """A health answer.

    Args:
        ok: Whether the HTTP status says so (200).
        status: HTTP status.
        parts: The answer's JSON object.
        clock_skew_s: The server's clock minus ours in seconds, to about one second; None without a Date header.
    """

    ok: bool
    status: int
    parts: Mapping[str, Any]
    clock_skew_s: float | None = None


@dataclass(frozen=True, slots=True)
class LlmHealth:
    """The answer of /health/llm: one real request through the real chain. None where the server does not say."""

    ok: bool
    llm_ready: bool | None
    used_stub: bool | None
    quality_passed: bool | None
    error_type: str | None
    debug_hint: str | None
    latency_ms: float | None
    served_by: str | None


@dataclass(frozen=True, slots=True)
class Breaker:
    """The circuit breaker of one provider and model in one worker.

    Args:
        worker: Number of the worker; None when the server does not say.
        provider: Name of the provider.
        model: Model at that provider.
        state: `closed`, `open` or `half_open`.
        consecutive_failures: Failures in a row.
        window_failures: Failures among the last requests.
        window_size: How many requests those are.
        retry_in_s: Seconds until a probe is let through; 0 when it is closed.
        benched_s: Seconds for which the provider asked to be left alone; 0 when it did not.
    """

    worker: int | None
    provider: str
    model: str
    state: str
    consecutive_failures: int | None = None
    window_failures: int | None = None
    window_size: int | None = None
    retry_in_s: float | None = None
    benched_s: float | None = None


@dataclass(frozen=True, slots=True)
class WorkerCache:
    """The kept answers of one worker; everything but `worker` is None when it does not say or its cache is off.

    Args:
        worker: Number of the worker.
        enabled: Whether it keeps answers.
        entries: How many.
        bytes: What they take.
        max_bytes: What they may take.
        evictions: Answers that went because there was no room.
        ttl_s: How long answers stay fresh now, in seconds.
        load: Smoothed load that the lifetime follows, 0 to 1.
    """

    worker: int | None
    enabled: bool | None = None
    entries: int | None = None
    bytes: int | None = None
    max_bytes: int | None = None
    evictions: int | None = None
    ttl_s: float | None = None
    load: float | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """One edge process as the control process sees it. `error` says why it could not be asked; empty if it could."""

    worker: int | None
    pid: int | None = None
    uptime_s: float | None = None
    requests_in_flight: int | None = None
    connections: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What the control process knows about the running gateway. `raw` is its whole answer."""

    workers: tuple[Worker, ...]
    breakers: tuple[Breaker, ...]
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as the admin API shows it. Times in seconds since the Unix epoch (UTC)."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: float | None = None
    expires_at: float | None = None
    rotated_at: float | None = None
    revoked_at: float | None = None
    state: str = ""


def pick(source: object, name: str, *kinds: type) -> Any:
    """A member of a JSON object if it is there and of one of the kinds, else None. True and False are no numbers."""
    value = source.get(name) if isinstance(source, Mapping) else None
    if isinstance(value, bool) and bool not in kinds:
        return None
    return value if isinstance(value, kinds) else None


def objects(source: object, name: str) -> list[Mapping[str, Any]]:
    """The objects of a JSON list; empty when the member is no list."""
    value = source.get(name) if isinstance(source, Mapping) else None
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def read_attempts(source: object) -> tuple[Attempt, ...]:
    """The `attempts` member of an answer or of an error object."""
    return tuple(
        Attempt(
            pick(item, "provider", str) or "",
            pick(item, "model", str) or "",
            pick(item, "reason", str) or "",
            pick(item, "latency_ms", int, float),
            pick(item, "status", int),
            pick(item, "detail", str) or "",
            pick(item, "cost_usd", int, float),
            pick(item, "repair", str) or "",
        )
        for item in objects(source, "attempts")
    )


def read_rejected(source: object) -> Rejected | None:
    """The `rejected` member of an error object; None when it has none."""
    told = pick(source, "rejected", dict)
    text = pick(told, "text", str)
    if text is None:
        return None
    issues = pick(told, "quality_issues", dict) or {}
    return Rejected(text, pick(told, "served_by", str) or "", issues, pick(told, "cut", bool))


def read_served(source: object) -> Served | None:
    """The `roadworthy` member of an answer; None when it has none."""
    told = pick(source, "roadworthy", dict)
    if told is None:
        return None
    return Served(
        read_attempts(told),
        pick(told, "quality", str),
        pick(told, "request_id", str) or "",
        pick(told, "mode_requested", str),
        pick(told, "mode_served", str),
        pick(told, "mode_reason", str),
        pick(told, "cache", str),
        pick(told, "stub_used", bool),
        pick(told, "cost", int, float),
    )


def read_llm_health(source: object) -> LlmHealth:
    """The body of /health/llm."""
    return LlmHealth(
        pick(source, "ok", bool) is True,
        pick(source, "llm_ready", bool),
        pick(source, "used_stub", bool),
        pick(source, "quality_passed", bool),
        pick(source, "error_type", str),
        pick(source, "debug_hint", str),
        pick(source, "latency_ms", int, float),
        pick(source, "served_by", str),
    )


def read_breaker(source: Mapping[str, Any], worker: int | None = None) -> Breaker:
    """One breaker; `worker` where the object itself does not name one."""
    number = pick(source, "worker", int)
    return Breaker(
        worker if number is None else number,
        pick(source, "provider", str) or "",
        pick(source, "model", str) or "",
        pick(source, "state", str) or "unknown",
        pick(source, "consecutive_failures", int),
        pick(source, "window_failures", int),
        pick(source, "window_size", int),
        pick(source, "retry_in_s", int, float),
        pick(source, "benched_s", int, float),
    )


def read_worker_cache(source: object, worker: int | None = None) -> WorkerCache:
    """One worker's cache; `worker` where the object itself does not name one."""
    number = pick(source, "worker", int)
    return WorkerCache(
        worker if number is None else number,
        pick(source, "enabled", bool),
        pick(source, "entries", int),
        pick(source, "bytes", int),
        pick(source, "max_bytes", int),
        pick(source, "evictions", int),
        pick(source, "ttl_s", int, float),
        pick(source, "load", int, float),
    )


def read_worker(source: Mapping[str, Any]) -> Worker:
    """One worker."""
    error = source.get("error")
    return Worker(
        pick(source, "worker", int),
        pick(source, "pid", int),
        pick(source, "uptime_s", int, float),
        pick(source, "requests_in_flight", int),
        pick(source, "connections", int),
        error if isinstance(error, str) else pick(error, "what", str) or pick(error, "message", str) or "",
    )


def read_key(source: object) -> KeyInfo:
    """One key."""
    scopes = pick(source, "scopes", list) or []
    return KeyInfo(
        pick(source, "id", str) or "",
        pick(source, "name", str) or "",
        tuple(map(str, scopes)),
        pick(source, "created_at", int, float),
        pick(source, "expires_at", int, float),
        pick(source, "rotated_at", int, float),
        pick(source, "revoked_at", int, float),
        pick(source, "state", str) or "",
    )


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry of the journal. `at` in seconds since the Unix epoch (UTC)."""

    sequence: int | None
    kind: str
    at: float | None
    payload: Mapping[str, Any]


def read_entry(source: object) -> JournalEntry:
    """One journal entry."""
    return JournalEntry(
        pick(source, "sequence", int),
        pick(source, "kind", str) or "",
        pick(source, "at", int, float),
        pick(source, "payload", dict) or {},
    )


@dataclass(frozen=True, slots=True)
class JournalCheck:
    """What recomputing the journal's hash chain found.

    Args:
        whole: Whether no entry was changed, removed or put in; None when the server does not say.
        entries: Entries that were looked at.
        first_bad_seq: Sequence number of the first entry that does not fit; None when all do.
    """

    whole: bool | None
    entries: int | None = None
    first_bad_seq: int | None = None


def read_journal_check(source: object) -> JournalCheck:
    """The answer of /admin/journal/verify."""
    return JournalCheck(pick(source, "whole", bool), pick(source, "entries", int), pick(source, "first_bad_seq", int))


@dataclass(frozen=True, slots=True)
class BreakerSummary:
    """One provider and model over all workers.

    Args:
        provider: Name of the provider.
        model: Model at that provider.
        state: The worst state of any worker: open, then half_open, then closed.
        open_workers: Workers whose breaker is not closed.
        workers: Workers that told.
        consecutive_failures: The most in a row in any worker; None when unknown.
        retry_in_s: Seconds until the last open worker lets a probe through; None when none is open.
        benched_s: Longest rest that the provider asked for; None when it asked for none.
    """

    provider: str
    model: str
    state: str
    open_workers: int
    workers: int
    consecutive_failures: int | None
    retry_in_s: float | None
    benched_s: float | None


def summarize(breakers: Iterable[Breaker]) -> tuple[BreakerSummary, ...]:
    """Breakers of all workers, one row per provider and model, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Breaker]] = {}
    for breaker in breakers:
        groups.setdefault((breaker.provider, breaker.model), []).append(breaker)
    return tuple(
        BreakerSummary(
            provider,
            model,
            max((one.state for one in group), key=_badness),
            sum(one.state != "closed" for one in group),
            len(group),
            _most(one.consecutive_failures for one in group),
            _most(one.retry_in_s for one in group if one.state != "closed"),
            _most(one.benched_s for one in group if one.benched_s),
        )
        for (provider, model), group in groups.items()
    )


def _badness(state: str) -> int:
    return {"closed": 0, "half_open": 1, "open": 2}.get(state, 3)


def _most(numbers: Iterable[N | None]) -> N | None:
    return max((number for number in numbers if number is not None), default=None)
