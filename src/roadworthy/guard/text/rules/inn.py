"""Russian taxpayer numbers of persons, behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_FIRST = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_SECOND = (3, *_FIRST)


def is_inn(digits: bytes) -> bool:
    """Whether both check digits of twelve digits are right."""
    checks = b"%d%d" % (weighted(digits, _FIRST) % 11 % 10, weighted(digits, _SECOND) % 11 % 10)
    return digits[10:] == checks and not is_repeated(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_inn(candidate.value) else None


RULE = Rule(
    name="inn",
    kind=Kind.NATIONAL_ID,
    before=named("inn", "ИНН|(?:И|и)нн"),
    core="[0-9]{12}",
    after=ID_END,
    check=_number,
    source="Order of the Federal Tax Service of Russia ED-7-14/559 of 2020 (twelve digits, the last two are checks)",
)
