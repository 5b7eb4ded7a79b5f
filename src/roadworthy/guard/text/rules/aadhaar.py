"""Indian Aadhaar numbers."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import in_row_of_numbers, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated, verhoeff
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span


def is_aadhaar(digits: bytes) -> bool:
    """Whether the check digit of twelve digits is right."""
    return verhoeff(digits) and not is_repeated(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_aadhaar(only_digits(candidate.value)) else None


def _groups(candidate: Candidate) -> Span | None:
    """Three groups of four, none before and none behind: more would be a card or a row of a table."""
    line, start, end = candidate.line, candidate.start, candidate.end
    if in_row_of_numbers(line.text, start, end) or is_named_otherwise(line.lower, start):
        return None
    return _number(candidate)


_SOURCE = "UIDAI: twelve digits, the first 2 to 9, the last by Verhoeff"
RULES = (
    Rule(
        name="aadhaar",
        kind=Kind.NATIONAL_ID,
        before=GROUP_START,
        core="[2-9][0-9]{3}(?: [0-9]{4} |-[0-9]{4}-)[0-9]{4}",
        after=ID_END,
        check=_groups,
        source=_SOURCE,
        score=0.6,
    ),
    Rule(
        name="aadhaar_named",
        kind=Kind.NATIONAL_ID,
        before=named("aadhaa?r|adhar|uidai|uid", "आधार"),
        core="[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
    ),
)
