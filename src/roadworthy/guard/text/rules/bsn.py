"""Dutch citizen service numbers, behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)


def is_bsn(digits: bytes) -> bool:
    """Whether nine digits pass the test by eleven."""
    return weighted(digits, _WEIGHTS) % 11 == 0 and not is_repeated(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_bsn(only_digits(candidate.value)) else None


RULE = Rule(
    name="bsn",
    kind=Kind.NATIONAL_ID,
    before=named("bsn|burger ?service ?nummer|sofi(?:-?nummer)?|citizen[ _]service"),
    core=r"[0-9]{9}|[0-9]{4}[ .\-][0-9]{2}[ .\-][0-9]{3}|[0-9]{3}[ .\-][0-9]{3}[ .\-][0-9]{3}",
    after=ID_END,
    check=_number,
    source="Wet algemene bepalingen burgerservicenummer; test by eleven (elfproef)",
)
