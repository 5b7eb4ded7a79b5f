"""North American telephone numbers without a plus."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import has_fraction, in_uuid
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import NUMBER_START, WORD_END, Candidate, Rule, Span


def _number(candidate: Candidate) -> Span | None:
    text, start, end = candidate.line.text, candidate.start, candidate.end
    return None if has_fraction(text, end) or in_uuid(text, start, end) else Span(start, end)


_SOURCE = "North American Numbering Plan (ATIS-0300051)"
RULES = (
    Rule(
        name="phone_us", kind=Kind.PHONE, before=NUMBER_START,
        core=r"(?:1[\-. ])?[2-9][0-9]{2}[\-.][0-9]{3}[\-. ][0-9]{4}", after=WORD_END, check=_number, source=_SOURCE,
    ),
    Rule(
        name="phone_us_in_brackets", kind=Kind.PHONE,
        core=r"\([2-9][0-9]{2}\) ?[0-9]{3}[\-. ][0-9]{4}", after=WORD_END, check=_number, source=_SOURCE,
    ),
)  # fmt: skip
