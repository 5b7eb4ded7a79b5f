"""Default rules of the gate, on for every route: an answer that is none counts as a failed attempt."""

from __future__ import annotations

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.providers.contract import Reply
from roadworthy.gateway.quality.json_text import NOTHING, parsed
from roadworthy.gateway.quality.refusal import is_refusal
from roadworthy.gateway.stub import is_stub

MOST_PAGE_CHARS = 1_500
_PROXY_TITLES = (
    "<title>500 internal server error</title>", "<title>502 bad gateway</title>", "<title>502 proxy error</title>",
    "<title>503 service temporarily unavailable</title>", "<title>503 service unavailable</title>",
    "<title>504 gateway time-out</title>", "<title>504 gateway timeout</title>", "<title>access denied |",
    "<title>attention required! |", "<title>just a moment...</title>",
)  # fmt: skip
ISSUE_OF = {
    Reason.EMPTY: "empty",
    Reason.STUB: "stub",
    Reason.REFUSAL: "refusal",
    Reason.INVALID_JSON: "invalid_json",
    Reason.MALFORMED: "error_page",
}
"""The key of `quality_issues` under which a default rule is reported."""
_NOBODYS = frozenset((Reason.STUB, Reason.MALFORMED))


class Rejection(msgspec.Struct, gc=False):
    """Why an answer must not be served.

    Attributes:
        reason: As the attempt tells it.
        issues: `quality_issues` of this answer; empty when the fault is none of the text's.
        text: What was judged and did not pass, as far as a model wrote it; empty where that is not known.
    """

    reason: Reason
    issues: dict[str, object]
    text: str = ""


def judge(reply: Reply, wants_json: bool) -> Reason | None:
    """Why the answer must not be served, or None when it may.

    Args:
        reply: The provider's whole answer.
        wants_json: Whether the caller asked for JSON; then text must parse as JSON.
    """
    if reply.has_payload:
        return None
    return judge_text(reply.content or "", reply.finish_reason, wants_json)


def judge_text(text: str, finish_reason: str | None, wants_json: bool, refusal: bool = True) -> Reason | None:
    """The same for the whole text of an answer that carries nothing else.

    Args:
        text: What the answer says.
        finish_reason: As the provider gave it.
        wants_json: As for `judge`.
        refusal: Whether a refusal is a failed answer.
    """
    if not text or text.isspace():
        return Reason.CONTENT_FILTERED if finish_reason == "content_filter" else unusable(Reason.EMPTY, finish_reason)
    if is_stub(text):
        return Reason.STUB
    if text[0] == "<" and is_error_page(text):
        return Reason.MALFORMED
    if refusal and is_refusal(text):
        return Reason.REFUSAL
    if wants_json and not is_json(text):
        return unusable(Reason.INVALID_JSON, finish_reason)
    return None


def rejection(reason: Reason, text: str = "") -> Rejection:
    """What a default rule found in a text, with its issue. Placeholders and error pages are nobody's words."""
    name = ISSUE_OF.get(reason)
    return Rejection(reason, {} if name is None else {name: True}, "" if reason in _NOBODYS else text)


def is_error_page(text: str) -> bool:
    """Whether the text is the page with which a proxy says that a server is away.

    Only short pages with the title of a 5xx status, or of a proxy's door keeper, are one: a model may well be asked to
    write HTML.
    """
    if len(text) > MOST_PAGE_CHARS:
        return False
    head = text[:400].lower()
    return head.startswith(("<!doctype", "<html", "<head")) and any(title in head for title in _PROXY_TITLES)


def unusable(reason: Reason, finish_reason: str | None) -> Reason:
    """Why an answer is of no use: the reason itself, unless the token limit cut the answer short.

    The limit is the caller's. Blaming the provider would let one caller with a small limit open its breaker for all.
    """
    return Reason.LENGTH_LIMIT if finish_reason == "length" else reason


def is_json(text: str) -> bool:
    """Whether the text is one JSON value (RFC 8259)."""
    return parsed(text) is not NOTHING
