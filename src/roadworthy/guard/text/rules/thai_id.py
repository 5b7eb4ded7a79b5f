"""Thai citizen numbers."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span


def is_thai_id(digits: bytes) -> bool:
    """Whether the check digit of thirteen digits is right."""
    return (11 - weighted(digits[:12], range(13, 1, -1)) % 11) % 10 == digits[12] - 48 and not is_repeated(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_thai_id(only_digits(candidate.value)) else None


_SOURCE = "Civil Registration Act of Thailand B.E. 2534; check digit by weights 13 to 2 modulo 11"
_GROUPS = "[1-8]{sep}[0-9]{{4}}{sep}[0-9]{{5}}{sep}[0-9]{{2}}{sep}[0-9]"
RULES = (
    Rule(
        name="thai_id",
        kind=Kind.NATIONAL_ID,
        before=GROUP_START,
        core=_GROUPS.format(sep="-"),
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.8,
    ),
    Rule(
        name="thai_id_named",
        kind=Kind.NATIONAL_ID,
        before=named(
            r"(?:citizen|national|thai|identity)[ _-]?(?:card|id)?[a-z]{0,6}|thaid|pid", "ประชาชน|ประจำตัว", gap=24
        ),
        core=_GROUPS.format(sep="[ -]?"),
        after=ID_END,
        check=_number,
        source=_SOURCE,
    ),
)
