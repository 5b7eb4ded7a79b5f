"""Default rules of the gate, on for every route: an answer that is none counts as a failed attempt."""

from __future__ import annotations

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.providers.contract import Reply
from roadworthy.gateway.stub import is_stub


def judge(reply: Reply, wants_json: bool) -> Reason | None:
    """Why the answer must not be served, or None when it may.

    Args:
        reply: The provider's whole answer.
        wants_json: Whether the caller asked for JSON; then text must parse as JSON.
    """
    if reply.has_payload:
        return None
    return judge_text(reply.content or "", reply.finish_reason, wants_json)


def judge_text(text: str, finish_reason: str | None, wants_json: bool) -> Reason | None:
    """The same for the whole text of an answer that carries nothing else."""
    if not text or text.isspace():
        return Reason.CONTENT_FILTERED if finish_reason == "content_filter" else unusable(Reason.EMPTY, finish_reason)
    if is_stub(text):
        return Reason.STUB
    if wants_json and not is_json(text):
        return unusable(Reason.INVALID_JSON, finish_reason)
    return None


def unusable(reason: Reason, finish_reason: str | None) -> Reason:
    """Why an answer is of no use: the reason itself, unless the token limit cut the answer short.

    The limit is the caller's. Blaming the provider would let one caller with a small limit open its breaker for all.
    """
    return Reason.LENGTH_LIMIT if finish_reason == "length" else reason


def is_json(text: str) -> bool:
    """Whether the text is one JSON value (RFC 8259)."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
