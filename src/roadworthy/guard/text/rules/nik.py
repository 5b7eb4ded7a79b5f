"""Indonesian identity numbers (NIK), behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WOMAN = 40
_DAYS, _MONTHS = range(1, 32), range(1, 13)


def is_nik(digits: bytes) -> bool:
    """Whether sixteen digits have an area, a birth date (women's days plus 40) and a serial; no check digit."""
    day = int(digits[6:8])
    born = (day - _WOMAN if day > _WOMAN else day) in _DAYS and int(digits[8:10]) in _MONTHS
    return born and digits[:1] not in b"0" and digits[12:] != b"0000"


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_nik(only_digits(candidate.value)) else None


RULE = Rule(
    name="nik",
    kind=Kind.NATIONAL_ID,
    before=named(
        r"nik|e?-?ktp|nomor induk[a-z ]{0,15}|kartu tanda penduduk|kependudukan|national[ _-]?id[a-z]{0,6}|identity",
        gap=24,
    ),
    core=r"[1-9][0-9]{5}[ .\-]?[0-9]{6}[ .\-]?[0-9]{4}|[1-9][0-9]{3}(?:[ .\-][0-9]{4}){3}",
    after=ID_END,
    check=_number,
    score=0.95,  # it may pass as a card, too
    source="Undang-Undang 23/2006 art. 13, Peraturan Pemerintah 40/2019 (sixteen digits: area, birth date, serial)",
)
