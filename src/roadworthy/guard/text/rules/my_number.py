"""Japanese individual numbers ("My Number"), behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def is_my_number(digits: bytes) -> bool:
    """Whether the check digit of twelve digits is right."""
    rest = weighted(digits, _WEIGHTS) % 11
    return digits[11] - 48 == (0 if rest <= 1 else 11 - rest) and not is_repeated(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_my_number(only_digits(candidate.value)) else None


RULE = Rule(
    name="my_number",
    kind=Kind.NATIONAL_ID,
    before=named("my[ _-]?number|mynumber|kojin[ _-]?bango|individual number", "マイナンバー|個人番号"),
    core="[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}",
    after=ID_END,
    check=_number,
    source="Ordinance of the Ministry of Internal Affairs of Japan no. 85 of 2014, art. 5 (check digit)",
)
