"""What the page *Journal* says, as records: requests with who was asked and how that ended, and what people did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from roadworthy.client.record import JournalEntry, objects, pick
from roadworthy.console.markup import Tone
from roadworthy.console.words import yes

Outcome = Literal["all", "failed", "fell back", "from the cache", "refused by the gate"]
OUTCOMES: tuple[Outcome, ...] = ("all", "failed", "fell back", "from the cache", "refused by the gate")

_CACHED = frozenset({"hit", "semantic", "stale"})


@dataclass(frozen=True)
class AttemptBar:
    """One provider asked, as a bar on the request's time.

    Args:
        name: `provider/model`.
        reason: How it ended.
        tone: Of the reason.
        start: Where the bar begins, as a share of the request's time, 0 to 1.
        share: How long it is, likewise.
        latency_ms: How long it took; None when unknown.
        remark: HTTP status, the provider's masked words, and what else is known.
    """

    name: str
    reason: str
    tone: Tone
    start: float
    share: float
    latency_ms: float | None
    remark: str


@dataclass(frozen=True)
class RequestRow:
    """One request that ended.

    Args:
        at: Seconds since the Unix epoch (UTC); None when unknown.
        request_id: As in the header `x-request-id`.
        route: Asked for.
        code: `ok` or an error code.
        status: HTTP status.
        served_by: Who served; empty when nobody did.
        latency_ms: From the last byte of the request to the last of the answer.
        bars: Who was asked, in order.
        facts: What else is known, as names and values.
        fallback: Why a later one served; empty when the first did.
        cache: What the cache did.
        quality: passed, failed, not-gated.
    """

    at: float | None
    request_id: str
    route: str
    code: str
    status: int | None
    served_by: str
    latency_ms: float | None
    bars: tuple[AttemptBar, ...]
    facts: tuple[tuple[str, object], ...]
    fallback: str
    cache: str
    quality: str

    @property
    def tone(self) -> Tone:
        """Bad when it failed, a warning when it took a detour."""
        return "bad" if self.code != "ok" else "warn" if self.fallback else "good"


def requests(entries: Iterable[JournalEntry]) -> tuple[RequestRow, ...]:
    """The requests among entries, newest first; one entry may hold many."""
    found = [_row(payload, entry.at) for entry in entries for payload in _payloads(entry)]
    return tuple(reversed(found))


def others(entries: Iterable[JournalEntry]) -> tuple[JournalEntry, ...]:
    """What is no request, newest first."""
    return tuple(reversed([one for one in entries if not one.kind.startswith("request")]))


def chosen(rows: Iterable[RequestRow], outcome: str, words: str) -> tuple[RequestRow, ...]:
    """The rows that a reader asks for.

    Args:
        rows: All that were read.
        outcome: One of `OUTCOMES`.
        words: All of them must occur in route, id, code, who served or who was asked.
    """
    wanted = words.lower().split()
    return tuple(row for row in rows if _ended(row, outcome) and all(word in _text(row) for word in wanted))


def _ended(row: RequestRow, outcome: str) -> bool:
    return {
        "failed": row.code != "ok",
        "fell back": bool(row.fallback),
        "from the cache": row.cache in _CACHED,
        "refused by the gate": row.quality == "failed" or any(bar.reason == "quality_failed" for bar in row.bars),
    }.get(outcome, True)


def _text(row: RequestRow) -> str:
    asked = " ".join(f"{bar.name} {bar.reason}" for bar in row.bars)
    return f"{row.route} {row.request_id} {row.code} {row.served_by} {asked}".lower()


def _payloads(entry: JournalEntry) -> Iterator[Mapping[str, Any]]:
    if entry.kind == "request.finished":
        yield entry.payload
    elif entry.kind == "requests.finished":
        yield from objects(entry.payload, "requests")


def _row(told: Mapping[str, Any], entry_at: float | None) -> RequestRow:
    latency = pick(told, "latency_ms", int, float)
    at = pick(told, "at", int, float)
    return RequestRow(
        entry_at if at is None else at,
        pick(told, "request_id", str) or "",
        pick(told, "route", str) or "",
        pick(told, "code", str) or "unknown",
        pick(told, "status", int),
        pick(told, "served_by", str) or "",
        latency,
        bars(objects(told, "attempts"), latency),
        tuple((name, _fact(told, key)) for name, key in _FACTS if key in told),
        pick(told, "fallback", str) or "",
        pick(told, "cache", str) or "",
        pick(told, "quality", str) or "",
    )


def _fact(told: Mapping[str, Any], key: str) -> object:
    value = pick(told, key, str, int, float, bool)
    return yes(value) if isinstance(value, bool) else value


_FACTS = (
    ("endpoint", "endpoint"), ("stream", "stream"), ("key", "key_id"), ("mode asked for", "mode_requested"),
    ("mode that served", "mode_served"), ("why another mode", "mode_reason"), ("first token, ms", "first_token_ms"),
    ("own time, ms", "overhead_ms"), ("prompt tokens", "prompt_tokens"), ("answer tokens", "completion_tokens"),
    ("cost, US dollars", "cost_usd"), ("quality", "quality"), ("stub used", "stub_used"), ("cache", "cache"),
    ("prompt", "prompt"), ("hedge", "hedge"),
)  # fmt: skip


def bars(attempts: Sequence[Mapping[str, Any]], latency_ms: float | None) -> tuple[AttemptBar, ...]:
    """Attempts as bars. They are drawn one after another, as they were made; a hedge ran beside the one before it.

    Args:
        attempts: As the journal keeps them.
        latency_ms: Of the whole request; None when unknown.
    """
    spans: list[tuple[float, float]] = []
    end = 0.0
    for attempt in attempts:
        took = pick(attempt, "latency_ms", int, float) or 0.0
        beside = pick(attempt, "hedge", bool) is True and spans
        # When the hedge began is not recorded: it ended with the request, or with the one it was to help.
        start = max(spans[-1][0], spans[-1][0] + spans[-1][1] - took) if beside else end
        spans.append((start, took))
        end = max(end, start + took)
    whole = max(end, latency_ms or 0.0) or 1.0
    return tuple(
        AttemptBar(
            f"{pick(attempt, 'provider', str) or ''}/{pick(attempt, 'model', str) or ''}",
            pick(attempt, "reason", str) or "unknown",
            "good" if pick(attempt, "reason", str) == "served" else "bad",
            start / whole, took / whole,
            pick(attempt, "latency_ms", int, float),
            _remark(attempt),
        )
        for attempt, (start, took) in zip(attempts, spans, strict=True)
    )  # fmt: skip


def _remark(attempt: Mapping[str, Any]) -> str:
    status, cost = pick(attempt, "status", int), pick(attempt, "cost_usd", int, float)
    parts = [
        "beside the one before it" if pick(attempt, "hedge", bool) else "",
        "" if status is None else f"HTTP {status}",
        pick(attempt, "detail", str) or "",
        "asked again: " + repair if (repair := pick(attempt, "repair", str)) else "",
        "failed " + ", ".join(issues) if (issues := pick(attempt, "issues", dict)) else "",
        "" if cost is None else f"${cost:.6f}".rstrip("0").rstrip("."),
    ]
    return "; ".join(part for part in parts if part)
