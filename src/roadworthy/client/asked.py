"""One question of an application as a record, whatever came of it. Unknown is None."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from roadworthy.client.transport import RemoteError
from roadworthy.core.application import Chat
from roadworthy.core.errors import RoadworthyError
from roadworthy.core.job import Payload

QUALITY_FAILED = "runtime_quality_failed"
_HELD: Mapping[str, str] = {
    "cut": "The token limit cut the answer before its end.",
    "filtered": "The provider's filter left out a part of the answer.",
    "unjudged": "The answer holds more than text, and the gate judged none of it.",
}
"""Keys of `quality_issues` of answers that were served and are yet no whole text that passed, and what is said."""
UNKNOWN: Mapping[str, Any] = {
    "text": None, "quality_passed": None, "quality_issues": {}, "rejected": None, "error_type": None,
    "debug_hint": None, "provider": None, "model": None, "attempts": None, "repairs": None, "cost": None,
    "cost_estimated": None, "stub_used": None, "cache": None, "latency_ms": None,
    "prompt_tokens": None, "completion_tokens": None,
}  # fmt: skip
"""The record of a question that was not asked yet."""
_PASSED: Mapping[Any, bool] = {"passed": True, "failed": False}
_SUMMED = ("attempts", "repairs", "cost", "latency_ms", "prompt_tokens", "completion_tokens")


def ask(chat: Chat, tenant: str, body: Payload, check: Callable[[], None]) -> dict[str, Any]:
    """Ask and tell what came of it: the fields of `UNKNOWN`, as far as they are known now.

    An answer that passed has `text`; what nobody passed has `error_type`, and `rejected` (`text`, `served_by`) where
    the body asked to keep it. `cost` is in US dollars, `latency_ms` from asking to the end.

    Args:
        chat: Asks.
        tenant: Who pays.
        body: As for `core.application.Chat`.
        check: As for `core.application.Chat`; what it raises is not caught.
    """
    start = time.monotonic()
    try:
        found = _answered(chat(tenant, body, check))
    except RoadworthyError as error:
        found = _refused(error)
    return {**UNKNOWN, **found, "latency_ms": round((time.monotonic() - start) * 1000, 1)}


def both(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What two questions for the same took together."""
    took = {name: total([first[name], second[name]]) for name in _SUMMED}
    return {**took, "cost_estimated": bool(first["cost_estimated"] or second["cost_estimated"])}


def total(values: Sequence[Any]) -> Any:
    """The sum; None when a part is unknown or there is none."""
    return None if not values or None in values else round(sum(values), 12)


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several questions took together, and who answered; what was not asked does not count."""
    asked = [row for row in rows if row["attempts"]]
    # What did not pass is not used, whatever it was.
    stubs = [False if row["error_type"] else row["stub_used"] for row in asked]
    return {
        "stub_used": None if not stubs or None in stubs else any(stubs),
        "cache": _cache([row.get("cache") for row in rows if row["text"]]),
        "cost": total([row["cost"] for row in asked]),
        "cost_estimated": any(row["cost_estimated"] for row in asked) if asked else None,
        "providers": sorted({row["provider"] for row in asked if row["provider"]}),
    }


def forecast(rows: Sequence[Mapping[str, Any]], requests: int, parallel: int) -> dict[str, Any]:
    """Seconds and dollars that so many questions will take, by those that were measured; None where nothing was."""
    asked = [row for row in rows if row["attempts"]]
    cost, latency_ms = (total([row[name] for row in asked]) for name in ("cost", "latency_ms"))
    share = requests / max(1, len(asked))
    return {
        "measured": len(asked),
        "seconds": None if latency_ms is None else round(latency_ms * share / 1000 / parallel, 1),
        "cost": None if cost is None else round(cost * share, 9),
    }


def _cache(told: Sequence[str | None]) -> str | None:
    """What the cache did for several answers: one that came out of it tells of itself before those that did not."""
    if not told or None in told:
        return None
    return next((one for one in told if one not in {"off", "miss"}), "miss" if "miss" in told else "off")


def _answered(answer: Mapping[str, Any]) -> dict[str, Any]:
    told, usage = answer.get("roadworthy") or {}, answer.get("usage") or {}
    tried, choice = told.get("attempts") or [], answer["choices"][0]
    text = choice["message"]["content"] or ""
    served: Mapping[str, Any] = next((one for one in tried if one.get("reason") == "served"), {})
    found = {
        "text": text, "quality_passed": _PASSED.get(told.get("quality")), "model": answer.get("model"),
        "provider": served.get("provider"), "attempts": len(tried),
        "repairs": sum(one.get("repair") == "asked_again" for one in tried),
        **{name: told.get(name) for name in ("cost", "cost_estimated", "stub_used", "cache")},
        **{name: usage.get(name) for name in ("prompt_tokens", "completion_tokens")},
    }  # fmt: skip
    held = _held(choice.get("finish_reason"), told.get("quality"))
    if held is None:
        return found
    issues = {held: True}
    rejected = {"text": text, "served_by": f"{served.get('provider')}/{served.get('model')}", "quality_issues": issues}
    return {**found, "text": None, "quality_passed": False, "quality_issues": issues, "rejected": rejected,
            "error_type": QUALITY_FAILED, "debug_hint": _HELD[held]}  # fmt: skip


def _held(finish_reason: object, quality: object) -> str | None:
    """Why an answer that was served is no whole text that passed; a server that says nothing of a gate has none."""
    if finish_reason == "length":
        return "cut"
    if finish_reason == "content_filter":
        return "filtered"
    return "unjudged" if quality == "not-gated" else None


def _refused(error: RoadworthyError) -> dict[str, Any]:
    row: dict[str, Any] = {"error_type": error.code, "debug_hint": str(error)}
    if error.code == QUALITY_FAILED:
        row["quality_passed"] = False
    if isinstance(error, RemoteError):
        row |= {
            "debug_hint": error.debug_hint or str(error), "attempts": len(error.attempts),
            "quality_issues": dict(error.quality_issues),
            "rejected": None if error.rejected is None else asdict(error.rejected),
            "cost": total([one.cost_usd for one in error.attempts]),
            "repairs": sum(one.repair == "asked_again" for one in error.attempts),
        }  # fmt: skip
    return row
