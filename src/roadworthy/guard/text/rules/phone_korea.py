"""Korean telephone numbers without a country code."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import has_fraction, in_uuid
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import NUMBER_START, WORD_END, Candidate, Rule, Span


def _number(candidate: Candidate) -> Span | None:
    text, start, end = candidate.line.text, candidate.start, candidate.end
    return None if has_fraction(text, end) or in_uuid(text, start, end) else Span(start, end)


RULE = Rule(
    name="phone_korea",
    kind=Kind.PHONE,
    before=NUMBER_START,
    core=(
        r"\(?0(?:1[016789]|2|[3-6][1-5]|70|80|50[0-9])(?:[\-. ]|\) ?)[0-9]{3,4}[\-. ]?[0-9]{4}|01[016789][0-9]{7,8}"
        r"|02[0-9]{7,8}|0(?:[3-6][1-5]|70)[0-9]{7,8}"
    ),
    after=WORD_END,
    check=_number,
    source="Telecommunication numbering plan of the Republic of Korea (ITU-T operational bulletin, +82)",
)
