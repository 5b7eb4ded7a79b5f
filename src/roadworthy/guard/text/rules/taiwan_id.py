"""Taiwanese identity numbers of nationals and residents."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import is_named_otherwise
from roadworthy.guard.text.checks.bounds import ID_END, ID_START
from roadworthy.guard.text.checks.weights import weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LETTERS = b"ABCDEFGHJKLMNPQRSTUVXYWZIO"
_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)


def is_taiwan_id(value: bytes) -> bool:
    """Whether the check digit behind a letter (upper case) and eight digits is right."""
    return weighted(b"%d" % (_LETTERS.index(value[0]) + 10) + value[1:], _WEIGHTS) % 10 == 0


def _number(candidate: Candidate) -> Span | None:
    line, start = candidate.line, candidate.start
    if not is_taiwan_id(candidate.value) or is_named_otherwise(line.lower, start):
        return None
    return Span(start, candidate.end)


RULE = Rule(
    name="taiwan_id",
    kind=Kind.NATIONAL_ID,
    before=ID_START,
    core="[A-Z][1289][0-9]{8}",
    after=ID_END,
    check=_number,
    source="Household Registration Act of Taiwan; residents' numbers in this form since January 2021",
    score=0.65,
)
