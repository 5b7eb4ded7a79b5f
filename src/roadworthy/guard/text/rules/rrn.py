"""Korean resident and foreigner registration numbers."""

from __future__ import annotations

from datetime import date

from roadworthy.guard.text.checks.around import has_fraction
from roadworthy.guard.text.checks.bounds import named
from roadworthy.guard.text.checks.digits import is_clock, only_digits
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import NUMBER_START, Candidate, Rule, Span

_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_CENTURY = {b"1": 1900, b"2": 1900, b"5": 1900, b"6": 1900, b"3": 2000, b"4": 2000, b"7": 2000, b"8": 2000}
_NO_CHECK_DIGIT_SINCE = date(2020, 10, 1)


def birth_date(digits: bytes) -> date | None:
    """The date of birth in 13 digits; None when there is none."""
    century = _CENTURY.get(digits[6:7])
    if century is None:
        return None
    try:
        return date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None


def is_resident_number(digits: bytes) -> bool:
    """Whether 13 digits are such a number.

    Birth date (none to come), century digit and check digit must be right.
    Numbers given since October 2020 have no check digit.
    """
    born = birth_date(digits)
    if born is None or born > date.today():
        return False
    if born >= _NO_CHECK_DIGIT_SINCE:
        return True
    total = sum((byte - 48) * weight for byte, weight in zip(digits, _WEIGHTS, strict=False))
    offset = 13 if digits[6:7] in b"5678" else 11
    return (offset - total % 11) % 10 == digits[12] - 48


def _number(candidate: Candidate) -> Span | None:
    digits = only_digits(candidate.value)
    if len(digits) == len(candidate.value) and (is_clock(digits) or has_fraction(candidate.line.text, candidate.end)):
        return None
    return Span(candidate.start, candidate.end) if is_resident_number(digits) else None


def _behind_its_name(candidate: Candidate) -> Span | None:
    """A foreigner, or a person with a new number, may have been born before October 2020: the date must do."""
    return Span(candidate.start, candidate.end) if birth_date(only_digits(candidate.value)) else None


_SOURCE = "Enforcement rules of the Resident Registration Act of Korea, and their change of October 2020"
_DATE = "[0-9]{2}[01][0-9][0-3][0-9]"
_END = r"(?:$|[^0-9A-Za-z_])"
_LATIN = "rrn|jumin(?:_?no)?|resident[ _-]?(?:reg[a-z]*|num[a-z]*|no|id)|arc|frn|alien[ _]reg[a-z]*"
RULES = (
    Rule(
        name="rrn",
        kind=Kind.RRN,
        before=NUMBER_START,
        core=rf"{_DATE}(?: ?- ?| )?[1-8][0-9]{{6}}",
        after=_END,
        check=_number,
        source=_SOURCE,
    ),
    Rule(
        name="rrn_named",
        kind=Kind.RRN,
        before=named(_LATIN, "(?:주민|외국인|거소)(?:등록|신고)?(?:번호)?"),
        core=rf"{_DATE}(?: ?- ?| )?[1-8][0-9]{{6}}",
        after=_END,
        check=_behind_its_name,
        source=_SOURCE,
        score=0.8,
    ),
)
