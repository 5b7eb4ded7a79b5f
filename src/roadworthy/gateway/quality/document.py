"""A whole document by the rules of a request, and where in it the faults stand: for applications that put answers
together, and for pages that show people what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.gateway.quality.aligned import Aligned, aligned
from roadworthy.gateway.quality.choice import Said
from roadworthy.gateway.quality.gate import judge_gated
from roadworthy.gateway.quality.request import RequestGate, request_gate
from roadworthy.gateway.quality.term import plain

Rules = Mapping[str, Any]
"""As `quality` in the body of a chat request: `required_terms`, `forbidden_terms`, `brand_mentions`, `words`, …"""

_encode = msgspec.json.Encoder(order="sorted").encode


class Mark(NamedTuple):
    """A place in a text that is at fault.

    Attributes:
        start: First code point.
        end: Behind the last one.
        issue: Key of `quality_issues`: `forbidden_terms`, or `brand_mentions` where there are too many.
    """

    start: int
    end: int
    issue: str


def judge(text: str, rules: Rules) -> dict[str, object]:
    """What is wrong with a whole text, by the same rules and in the same words as an answer of the gateway.

    Args:
        text: For example the sections of a report put together.
        rules: As in a request.

    Returns:
        `quality_issues`; empty when the text passes. The default rules (`empty`, `stub`, `error_page`, `refusal`) hold.

    Raises:
        UsageError: `invalid_request`: the rules cannot be used.
    """
    found = judge_gated(Said([text], False), None, _gate(rules).alone, None, False)
    return {} if found is None else found.issues


def marks(text: str, rules: Rules) -> list[Mark]:
    """Where the faults of a text stand that stand somewhere; what is missing has no place.

    Args:
        text: As for `judge`.
        rules: As for `judge`.

    Returns:
        In order, none over another one; of two that overlap the first, then the longer one.

    Raises:
        UsageError: As for `judge`.
    """
    spans = list(_gate(rules).alone.faults(plain(text)))
    return _apart(aligned(text), spans) if spans else []


def _apart(way: Aligned, spans: list[tuple[int, int, str]]) -> list[Mark]:
    found: list[Mark] = []
    behind = 0
    for start, end, issue in sorted(spans, key=lambda span: (span[0], -span[1])):
        first, last = way.place(start, end)
        if first >= behind:
            found.append(Mark(first, last, issue))
            behind = last
    return found


def _gate(rules: Rules) -> RequestGate:
    try:
        raw = _encode(rules)
    except (TypeError, UnicodeEncodeError, RecursionError):
        raise UsageError("The rules are not what they must be.", "They hold something that JSON has not.") from None
    return request_gate(raw)
