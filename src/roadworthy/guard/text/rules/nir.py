"""French social security numbers (NIR)."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_SEPARATORS = b" .-"


def is_nir(value: bytes) -> bool:
    """Whether the key behind thirteen digits is right; 2A and 2B stand for Corsica's departments."""
    number = value[:13].replace(b"2A", b"19").replace(b"2B", b"18")
    return number.isdigit() and 97 - int(number) % 97 == int(value[13:])


def _number(candidate: Candidate) -> Span | None:
    value = candidate.value.translate(None, _SEPARATORS).upper()
    return Span(candidate.start, candidate.end) if is_nir(value) else None


_MONTH = "(?:0[1-9]|1[0-2]|[2-4][0-9]|5[0-9])"
_PLACE = "(?:[0-9]{2}|2[ABab])"
_SOURCE = (
    "INSEE, Répertoire national d'identification des personnes physiques; décret 82-103; key 97 - number modulo 97"
)
RULES = (
    Rule(
        name="nir",
        kind=Kind.NATIONAL_ID,
        before=GROUP_START,
        core=rf"[1-478][ .\-][0-9]{{2}}[ .\-]{_MONTH}[ .\-]{_PLACE}[ .\-][0-9]{{3}}[ .\-][0-9]{{3}}[ .\-]?[0-9]{{2}}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.95,
    ),
    Rule(
        name="nir_in_a_row",
        kind=Kind.NATIONAL_ID,
        before=GROUP_START,
        core=rf"[12][0-9]{{2}}{_MONTH}{_PLACE}[0-9]{{6}} ?[0-9]{{2}}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.6,
    ),
)
