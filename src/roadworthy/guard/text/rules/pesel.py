"""Polish identity numbers, behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.weights import is_date, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
_CENTURY = (1900, 2000, 2100, 2200, 1800)


def is_pesel(digits: bytes) -> bool:
    """Whether date of birth and check digit of eleven digits are right; twenties of the month tell the century."""
    month = int(digits[2:4])
    born = is_date(_CENTURY[month // 20] + int(digits[:2]), month % 20, int(digits[4:6]))
    return born and weighted(digits, _WEIGHTS) % 10 == 0


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_pesel(candidate.value) else None


RULE = Rule(
    name="pesel",
    kind=Kind.NATIONAL_ID,
    before=named("pesel(?:u|em)?"),
    core="[0-9]{11}",
    after=ID_END,
    check=_number,
    source="Ustawa o ewidencji ludności of 24 September 2010, art. 15; check digit by weights 1-3-7-9",
)
