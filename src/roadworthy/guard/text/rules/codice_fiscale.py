"""Italian tax codes of persons."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, ID_START
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def is_codice_fiscale(value: bytes) -> bool:
    """Whether the last letter of sixteen letters and digits (upper case) is right."""
    total = 0
    for place, byte in enumerate(value[:15]):
        number = byte - 48 if byte < 65 else byte - 65
        total += number if place % 2 else _ODD[number]
    return total % 26 == value[15] - 65


def _code(candidate: Candidate) -> Span | None:
    value = candidate.value.replace(b" ", b"").upper()
    return Span(candidate.start, candidate.end) if is_codice_fiscale(value) else None


_DIGIT = "[0-9LMNP-V]"

RULE = Rule(
    name="codice_fiscale",
    kind=Kind.NATIONAL_ID,
    before=ID_START,
    core=f"(?i:[A-Z]{{3}} ?[A-Z]{{3}} ?{_DIGIT}{{2}}[ABCDEHLMPRST]{_DIGIT}{{2}} ?[A-Z]{_DIGIT}{{3}}[A-Z])",
    after=ID_END,
    check=_code,
    source="Decreto del Ministro delle Finanze 23/12/1976 (letters may stand for its digits)",
    score=0.95,
)
