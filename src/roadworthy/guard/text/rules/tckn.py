"""Turkish identity numbers, behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span


def is_tckn(digits: bytes) -> bool:
    """Whether both check digits of eleven digits are right."""
    values = [byte - 48 for byte in digits]
    tenth = (sum(values[0:9:2]) * 7 - sum(values[1:8:2])) % 10
    return values[0] != 0 and values[9] == tenth and values[10] == sum(values[:10]) % 10


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_tckn(only_digits(candidate.value)) else None


RULE = Rule(
    name="tckn",
    kind=Kind.NATIONAL_ID,
    before=named(
        r"tckn|tc[ _-]?(?:no|kimlik[a-z]{0,4}|id)?|t\.? ?c\.? ?kimlik[a-z]{0,4}|kimlik[a-z]{0,4}"
        r"|vatanda(?:ş|s)l(?:ı|i)k"
        r"|turkish[ _-]id[a-z]{0,6}|national[ _-]?id[a-z]{0,6}|identity",
        gap=24,
    ),
    core="[1-9][0-9]{10}|[1-9][0-9]{2} [0-9]{3} [0-9]{3} [0-9]{2}",
    after=ID_END,
    check=_number,
    source="Nüfus Hizmetleri Kanunu 5490; check digits as published by the Directorate General of Population",
)
