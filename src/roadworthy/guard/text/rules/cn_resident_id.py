"""Chinese resident identity card numbers."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, ID_START
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_date, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = b"10X98765432"


def is_resident_id(value: bytes) -> bool:
    """Whether date of birth and check character of 17 digits and a digit or X are right."""
    born = is_date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    return born and _CHECKS[weighted(value[:17], _WEIGHTS) % 11] == value[17]


def _number(candidate: Candidate) -> Span | None:
    value = candidate.value
    plain = only_digits(value) + (b"X" if value[-1:] in b"xX" else b"")
    return Span(candidate.start, candidate.end) if is_resident_id(plain) else None


RULE = Rule(
    name="cn_resident_id",
    kind=Kind.NATIONAL_ID,
    before=ID_START,
    core="[1-8][0-9]{5}[ -]?(?:19|20)[0-9]{2}[01][0-9][0-3][0-9][ -]?[0-9]{3}[0-9Xx]",
    after=ID_END,
    check=_number,
    source="GB 11643-1999; check character by ISO/IEC 7064 MOD 11-2",
    score=0.95,
)
