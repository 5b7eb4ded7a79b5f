"""Brazilian taxpayer numbers of companies and sole traders; since July 2026 with letters, too."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WEIGHTS = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_PUNCTUATION = compiled_later(rb"[^0-9A-Z]+")


def is_cnpj(value: bytes) -> bool:
    """Whether both check digits of twelve letters or digits (upper case) and two digits are right."""
    first = weighted(value[:12], _WEIGHTS[1:]) % 11
    second = weighted(value[:13], _WEIGHTS) % 11
    return value[12:] == b"%d%d" % (_check(first), _check(second)) and not is_repeated(value)


def _check(rest: int) -> int:
    return 0 if rest < 2 else 11 - rest


def _number(candidate: Candidate) -> Span | None:
    value = _PUNCTUATION.sub(b"", candidate.value)
    return Span(candidate.start, candidate.end) if is_cnpj(value) else None


_SOURCE = (
    "Receita Federal, Instrução Normativa RFB 2229/2024 (CNPJ, alphanumeric since July 2026); check digits modulo 11"
)
RULES = (
    Rule(
        name="cnpj",
        kind=Kind.NATIONAL_ID,
        before=GROUP_START,
        core=r"[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-[0-9]{2}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.95,
    ),
    Rule(
        name="cnpj_named",
        kind=Kind.NATIONAL_ID,
        before=named("cnpj"),
        core="[0-9A-Z]{12}-?[0-9]{2}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
    ),
)
