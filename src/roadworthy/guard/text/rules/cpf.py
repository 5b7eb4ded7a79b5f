"""Brazilian taxpayer numbers of persons."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span


def is_cpf(digits: bytes) -> bool:
    """Whether both check digits of eleven digits are right."""
    first = 11 - weighted(digits[:9], range(10, 1, -1)) % 11
    second = 11 - weighted(digits[:10], range(11, 1, -1)) % 11
    return digits[9:] == b"%d%d" % (first % 11 % 10, second % 11 % 10) and not is_repeated(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_cpf(only_digits(candidate.value)) else None


_SOURCE = "Receita Federal, Instrução Normativa RFB 2172/2024 (CPF); check digits modulo 11"
RULES = (
    Rule(
        name="cpf",
        kind=Kind.NATIONAL_ID,
        before=GROUP_START,
        core=r"[0-9]{3}\.[0-9]{3}\.[0-9]{3} ?[\-/] ?[0-9]{2}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.95,
    ),
    Rule(
        name="cpf_named",
        kind=Kind.NATIONAL_ID,
        before=named("cpf"),
        core="[0-9]{9}[- ]?[0-9]{2}|(?:[0-9]{3} ){3}[0-9]{2}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
    ),
)
