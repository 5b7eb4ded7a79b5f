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
        return Reason.CONTENT_FILTERED if finish_reason == "content_filter" else Reason.EMPTY
    if is_stub(text):
        return Reason.STUB
    if wants_json and not is_json(text):
        return Reason.INVALID_JSON
    return None


def is_json(text: str) -> bool:
    """Whether the text is one JSON value (RFC 8259)."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
