"""Spanish identity numbers of citizens (DNI) and foreigners (NIE)."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import is_named_otherwise
from roadworthy.guard.text.checks.bounds import ID_END, ID_START, named
from roadworthy.guard.text.checks.weights import is_date
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LETTERS = b"TRWAGMYFPDXBNJZSQVHLCKE"
_SEPARATORS = b" .-"


def is_dni(value: bytes) -> bool:
    """Whether the letter behind eight digits, or X, Y or Z and seven, is right; upper case, no separators."""
    number = value[:-1]
    if number[:1] in (b"X", b"Y", b"Z"):
        number = b"%d" % (number[0] - 0x58) + number[1:]
    return number.isdigit() and _LETTERS[int(number) % 23] == value[-1]


def _number(candidate: Candidate) -> Span | None:
    value = candidate.value.translate(None, _SEPARATORS).upper()
    if not is_dni(value) or _is_dated(value) or is_named_otherwise(candidate.line.lower, candidate.start):
        return None
    return Span(candidate.start, candidate.end)


def _is_dated(value: bytes) -> bool:
    return value[:2] in (b"19", b"20") and is_date(int(value[:4]), int(value[4:6]), int(value[6:8]))


_SOURCE = "Real Decreto 1553/2005 (DNI), Orden INT/2058/2008 (NIE); check letter by the number modulo 23"
RULES = (
    Rule(
        name="dni",
        kind=Kind.NATIONAL_ID,
        before=ID_START,
        core=r"(?:[0-9]{8}[ \-]?|[0-9]{2}\.[0-9]{3}\.[0-9]{3}[ \-]?|[XYZ]-?[0-9]{7}-?)[A-HJ-NP-TV-Z]",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.7,
    ),
    Rule(
        name="dni_named",
        kind=Kind.NATIONAL_ID,
        before=named("dni|nie|nif|documento"),
        core=r"(?i:(?:[0-9]{8}[ \-]?|[0-9]{2}\.[0-9]{3}\.[0-9]{3}[ \-]?|[XYZ]-?[0-9]{7}-?)[A-HJ-NP-TV-Z])",
        after=ID_END,
        check=_number,
        source=_SOURCE,
    ),
)
