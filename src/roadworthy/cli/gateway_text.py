"""What the `gateway` commands do and show, apart from click."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.cli.output import Settings, table
from roadworthy.cli.spending import near_end
from roadworthy.client.gateway import GatewayClient
from roadworthy.client.live_check import Checked
from roadworthy.client.mode_record import ModeStatus
from roadworthy.client.record import Answer, Attempt, Breaker, BreakerSummary, Status, WorkerCache, pick
from roadworthy.core.errors import UsageError

MAX_STDIN_CHARS = 10 * 1024 * 1024

Message = dict[str, str]


def question(text: str, system: str | None) -> list[Message]:
    """The messages of a question; `-` reads stdin.

    Raises:
        UsageError: `invalid_request` when there is nothing to ask, `request_too_large` when stdin has no end.
    """
    if text == "-":
        try:
            text = sys.stdin.read(MAX_STDIN_CHARS + 1)
        except UnicodeDecodeError as error:
            raise UsageError("What came on stdin is not text.", f"It is not UTF-8 at byte {error.start}.") from error
        if len(text) > MAX_STDIN_CHARS:
            why = f"More than {MAX_STDIN_CHARS} characters came on stdin."
            raise UsageError("The question is too long.", why, code="request_too_large")
    if not text.strip():
        raise UsageError("There is no question.", "The text is empty.", "Give a text, or pipe one in and give `-`.")
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": text}]


def receive(
    client: GatewayClient, messages: Sequence[Message], model: str, max_tokens: int | None, stream: bool, out: Settings
) -> Answer:
    """Ask; with `stream` the text is printed as it comes.

    Raises:
        RemoteError: As the client.
        GatewayError: As the client.
    """
    if not stream:
        return client.chat(messages, model=model, max_tokens=max_tokens)
    answer = None
    try:
        for piece in client.stream(messages, model=model, max_tokens=max_tokens):
            if isinstance(piece, Answer):
                answer = piece
            else:
                out.write(piece)
    finally:
        out.write("\n")
    assert answer is not None
    return answer


def told_by(answer: Answer) -> str:
    """Who served, after how many attempts, in which time, and whether the answer was cut."""
    attempts = answer.served.attempts if answer.served else ()
    count = len(attempts)
    parts = [f"served by {answer.served_by or answer.model or 'unknown'}"]
    parts.append(f"{count} attempt{'s' * (count != 1)}" if count else "attempts unknown")
    if (served := answer.served) and served.mode_reason:
        parts.append(f"mode {served.mode_served}, not {served.mode_requested}: {served.mode_reason}")
    parts.append(f"{answer.latency_ms:.0f} ms")
    if answer.completion_tokens is not None:
        parts.append(f"{answer.completion_tokens} tokens")
    if count > 1:
        parts.append(f"first choice failed: {attempts[0].reason}")
    if answer.finish_reason == "length":
        parts.append("cut at the token limit")
    return ", ".join(parts)


def show_attempts(attempts: Sequence[Attempt], out: Settings) -> None:
    """A table of what was tried, as narration."""
    if not attempts:
        return
    rows = [
        (one.provider, one.model, one.reason, "-" if one.status is None else one.status,
         None if one.latency_ms is None else f"{one.latency_ms:.0f}", one.detail or "-")
        for one in attempts
    ]  # fmt: skip
    out.say(table(["provider", "model", "reason", "status", "ms", "detail"], rows))


def checked_line(one: Checked) -> str:
    """One brief of the live check in one line."""
    facts = [f"served by {one.served_by}" if one.served_by else f"error {one.code}" if one.code else "server unknown"]
    facts.append(f"stub {'unknown' if one.stub_used is None else 'yes' if one.stub_used else 'no'}")
    facts.append(f"quality {one.quality or 'unknown'}")
    if one.latency_ms is not None:
        facts.append(f"{one.latency_ms:.0f} ms, {one.characters} characters")
    return f"{one.verdict}: {one.brief}: {one.reason} ({', '.join(facts)})"


def status_text(status: Status, providers: Sequence[BreakerSummary], budgets: Sequence[Mapping[str, Any]] = ()) -> str:
    """Workers, then providers, then what replicas share, then the budgets that are near their end."""
    workers = [
        (one.worker, one.pid, _seconds(one.uptime_s), one.requests_in_flight, one.connections, one.error or "ok")
        for one in status.workers
    ]
    rows = [
        (
            one.provider,
            one.model,
            _state(one),
            one.consecutive_failures,
            "-" if one.retry_in_s is None else _seconds(one.retry_in_s),
            "-" if one.benched_s is None else _seconds(one.benched_s),
        )
        for one in providers
    ]
    parts = [
        table(["worker", "pid", "up", "requests", "connections", "state"], workers),
        table(["provider", "model", "breaker", "failures", "probe in", "benched"], rows),
    ]
    stores = [(name, *_store(told)) for name, told in (pick(status.raw, "stores", dict) or {}).items()]
    if stores:
        parts.append(table(["store", "state", "what it says"], stores))
    return "\n\n".join([*parts, *near_end(budgets)])


def _store(told: object) -> tuple[str, str]:
    known = told if isinstance(told, dict) else {}
    facts = [
        f"{name.replace('_', ' ')} {'unknown' if value is None else value}"
        for name, value in known.items() if name not in ("ok", "error", "why")
    ]  # fmt: skip
    state = "ok" if known.get("ok") else str(known.get("error") or "unknown")
    return state, ", ".join([*facts, *([str(known["why"])] if known.get("why") else [])])


def breaker_text(breakers: Sequence[Breaker]) -> str:
    """One row per worker, provider and model."""
    rows = [
        (one.worker, f"{one.provider}/{one.model}", one.state, one.consecutive_failures,
         f"{_known(one.window_failures)} of {_known(one.window_size)}",
         _seconds(one.retry_in_s) if one.state != "closed" else "-")
        for one in breakers
    ]  # fmt: skip
    return table(["worker", "breaker", "state", "failures in a row", "failures of last", "probe in"], rows)


def mode_text(modes: Sequence[ModeStatus]) -> str:
    """One row per worker and mode; what is not known is a dash."""
    if not modes:
        return "No modes are configured; `gateway.modes` in the configuration makes them."
    rows = [
        (one.worker, one.mode, one.state, _p95(one), f"{_known(one.failures)} of {_known(one.window)}",
         "-" if one.share is None else f"{one.share:.0%}", one.in_flight, one.fallback or "-",
         "-" if one.climb_in_s is None else _seconds(one.climb_in_s), one.cause or "-", one.why or "-")
        for one in modes
    ]  # fmt: skip
    return table(
        ["worker", "mode", "state", "p95", "failed", "share", "in flight", "falls to", "back in", "cause", "why"], rows
    )


def _p95(one: ModeStatus) -> str:
    measured = "-" if one.p95_s is None else f"{one.p95_s:.2f} s"
    return measured if one.p95_limit_s is None else f"{measured} of {one.p95_limit_s:g} s"


def cache_text(caches: Sequence[WorkerCache]) -> str:
    """One row per worker."""
    rows = [
        (one.worker, "off", *["-"] * 6) if one.enabled is False else
        (one.worker, "on" if one.enabled else "unknown", one.entries, one.bytes, one.max_bytes, one.evictions,
         _seconds(one.ttl_s), None if one.load is None else f"{one.load:.2f}")
        for one in caches
    ]  # fmt: skip
    return table(["worker", "cache", "answers", "bytes", "of", "evicted", "fresh for", "load"], rows)


def no_such_breaker(breakers: Sequence[Breaker]) -> UsageError:
    """The error for a name that no breaker has."""
    names = sorted({one.provider for one in breakers} | {f"{one.provider}/{one.model}" for one in breakers})
    known = f"There are {', '.join(names[:20])}." if names else "There are none."
    mend = "`roadworthy gateway breaker list` shows them."
    return UsageError("No breaker has this name.", known, mend, code="not_found")


def _state(one: BreakerSummary) -> str:
    if one.workers == 1 or not one.open_workers:
        return one.state
    return f"{one.state} in {one.open_workers} of {one.workers}"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def _known(value: int | None) -> str:
    return "unknown" if value is None else str(value)
