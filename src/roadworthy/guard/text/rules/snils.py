"""Russian insurance account numbers (SNILS)."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_FIRST_WITH_CHECK = b"001001998"


def is_snils(digits: bytes) -> bool:
    """Whether the check number behind nine digits is right; the first numbers have none."""
    if digits[:9] <= _FIRST_WITH_CHECK or is_repeated(digits[:9]):
        return False
    return weighted(digits[:9], range(9, 0, -1)) % 101 % 100 == int(digits[9:])


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_snils(only_digits(candidate.value)) else None


_SOURCE = "Federal Law 27-FZ of 1 April 1996; check number by the Pension Fund's rule (weights 9 to 1, modulo 101)"
RULES = (
    Rule(
        name="snils",
        kind=Kind.NATIONAL_ID,
        before=GROUP_START,
        core="[0-9]{3}-[0-9]{3}-[0-9]{3}[ -][0-9]{2}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.8,
    ),
    Rule(
        name="snils_named",
        kind=Kind.NATIONAL_ID,
        before=named("snils|insurance account", "СНИЛС|(?:С|с)нилс|(?:С|с)трахов(?:ой|ого) номер", gap=24),
        core="[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{2}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
    ),
)
