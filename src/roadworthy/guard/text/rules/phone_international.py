"""Telephone numbers with a plus and a country code."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import PLUS_START, WORD_END, Candidate, Rule, Span

_KOREAN = re.compile(
    rb"\+82[-. ]?(?:\(0\)[-. ]?)?0?(?:1[016789]|2|[3-6][1-5]|70|80|50[0-9])[-. )]{0,2}[0-9]{3,4}[-. ]?[0-9]{4}(?![0-9])"
)
_NORTH_AMERICAN = re.compile(rb"\+1[-. ]?\(?[2-9][0-9]{2}\)?[-. ]{0,2}[0-9]{3}[-. ]?[0-9]{4}(?![0-9])")
_LAST_GROUP = re.compile(rb"[ .()\-]+[0-9]+\Z")
_MOST_DIGITS, _LEAST_DIGITS = 15, 9


def _number(candidate: Candidate) -> Span | None:
    """E.164: at most 15 digits; what has fewer than 9 is not taken for a telephone number."""
    text, start, value = candidate.line.text, candidate.start, candidate.value
    if value.startswith((b"+82", b"+1")):
        found = _KOREAN.match(text, start) or _NORTH_AMERICAN.match(text, start)
        return Span(start, found.end()) if found else None
    while len(digits := only_digits(value)) > _MOST_DIGITS:
        cut = _LAST_GROUP.search(value)
        if cut is None:
            return None
        value = value[: cut.start()]
    return Span(start, start + len(value)) if len(digits) >= _LEAST_DIGITS else None


RULE = Rule(
    name="phone_international",
    kind=Kind.PHONE,
    before=PLUS_START,
    core=r"\+[1-9][0-9 .()\-]{6,22}[0-9]",
    after=WORD_END,
    check=_number,
    source="ITU-T E.164",
)
