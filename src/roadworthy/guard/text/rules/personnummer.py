"""Swedish personal identity and coordination numbers, behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.digits import luhn, only_digits
from roadworthy.guard.text.checks.weights import is_date
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_COORDINATION = 60
_LEAP_CENTURY = 2000


def is_personnummer(digits: bytes) -> bool:
    """Whether birth date (coordination numbers: day plus 60) and check digit of the last ten digits are right."""
    ten = digits[-10:]
    day = int(ten[4:6])
    born = is_date(_LEAP_CENTURY + int(ten[:2]), int(ten[2:4]), day - _COORDINATION if day > _COORDINATION else day)
    return born and luhn(ten)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_personnummer(only_digits(candidate.value)) else None


RULE = Rule(
    name="personnummer",
    kind=Kind.NATIONAL_ID,
    before=named(
        r"person(?:al)?[ _-]?(?:identity[ _-]?|id[ _-]?)?(?:nummer|number|num|nr|no|id)[a-z]{0,2}|samordningsnummer|pnr"
        r"|national[ _-]?id[a-z]{0,6}|svenskt id",
        gap=24,
    ),
    core="(?:19|20)?[0-9]{6}[ +-]?[0-9]{4}",
    after=ID_END,
    check=_number,
    source="Folkbokföringslag (1991:481) § 18; Skatteverket SKV 704 (check digit modulo 10)",
)
