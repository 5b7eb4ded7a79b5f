"""Payment card numbers, in a row or in groups."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.around import has_fraction
from roadworthy.guard.text.checks.digits import is_clock, luhn, only_digits
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import NUMBER_START, WORD_END, Candidate, Rule, Span

# 9 is the Korean domestic range.
_ISSUERS = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    rb"|3(?:0[0-5]|[689]\d)\d{11}|3(?:0[0-5]|[5689]\d)\d{13,16}|6\d{15,18}|5[0678]\d{11,17}|9\d{15}"
)
_CONTEXT = (b"card", b"visa", b"mastercard", b"amex", b"pan", "카드".encode())
_FOUR_GROUPS = 19


def is_card(digits: bytes) -> bool:
    """Whether the digits are a card number: issuer prefix, length and check digit."""
    return _ISSUERS.fullmatch(digits) is not None and luhn(digits)


def _run(candidate: Candidate) -> Span | None:
    if has_fraction(candidate.line.text, candidate.end):
        return None
    digits = candidate.value
    if not is_card(digits) or (is_clock(digits) and not candidate.near(_CONTEXT)):
        return None
    return Span(candidate.start, candidate.end)


def _groups(candidate: Candidate) -> Span | None:
    """A short last group may be something else, such as a security code."""
    value, start = candidate.value, candidate.start
    if is_card(only_digits(value)):
        return Span(start, candidate.end)
    if len(value) > _FOUR_GROUPS and is_card(only_digits(value[:_FOUR_GROUPS])):
        return Span(start, start + _FOUR_GROUPS)
    return None


_SOURCE = "ISO/IEC 7812-1 (issuer prefix, length, annex B check digit)"
RULES = (
    Rule(
        name="card_in_a_row", kind=Kind.CARD, before=NUMBER_START[:-1] + "|[^0-9A-Za-z]-)", core="[0-9]{13,19}",
        after=WORD_END, check=_run, source=_SOURCE,
    ),
    Rule(
        name="card_in_groups",
        kind=Kind.CARD,
        before=NUMBER_START,
        core=r"[2-69][0-9]{3}[ \-](?:[0-9]{4}[ \-][0-9]{4}[ \-][0-9]{4}(?:[ \-][0-9]{1,3})?|[0-9]{6}[ \-][0-9]{4,5})",
        after=WORD_END,
        check=_groups,
        source=_SOURCE,
    ),
)  # fmt: skip
