"""Korean business registration numbers."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import has_fraction, in_uuid, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated, weighted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_NAMES = (
    "사업자",
    "등록번호",
    "brn",
    "business",
    "biz",
    "corp",
    "company",
    "vendor",
    "tax",
    "세금계산서",
    "상호",
    "공급자",
)


def is_business_number(digits: bytes) -> bool:
    """Whether ten digits are such a number: no zero for office, kind or serial, and the check digit is right."""
    if digits[:3] < b"101" or digits[3:5] == b"00" or digits[5:9] == b"0000":
        return False
    total = weighted(digits, _WEIGHTS) + (digits[8] - 48) * 5 // 10
    return (10 - total % 10) % 10 == digits[9] - 48 and not is_repeated(digits)


def _grouped(candidate: Candidate) -> Span | None:
    """A wrong check digit needs its name: people mistype their own number."""
    line, start, end = candidate.line, candidate.start, candidate.end
    if in_uuid(line.text, start, end) or has_fraction(line.text, end):
        return None
    if is_business_number(only_digits(candidate.value)):
        return None if is_named_otherwise(line.lower, start) else Span(start, end)
    return Span(start, end, 0.6) if candidate.near(tuple(name.encode() for name in _NAMES[:3])) else None


def _in_a_row(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_business_number(candidate.value) else None


_SOURCE = "Value-Added Tax Act of Korea, art. 8; National Tax Service: check digit by weights 1-3-7-1-3-7-1-3-5"
_LATIN = "brn|biz[_ ]?(?:reg)?(?:istration)?|business[_ ]?(?:reg(?:istration)?|license)?"
RULES = (
    Rule(
        name="brn",
        kind=Kind.BRN,
        before=GROUP_START,
        core="[1-9][0-9]{2} ?[- ] ?[0-9]{2} ?[- ] ?[0-9]{5}",
        after=ID_END,
        check=_grouped,
        source=_SOURCE,
        score=0.8,
    ),
    Rule(
        name="brn_named",
        kind=Kind.BRN,
        before=named(_LATIN, "사업자(?:등록)?(?:번호)?"),
        core="[1-9][0-9]{9}",
        after=ID_END,
        check=_in_a_row,
        source=_SOURCE,
        score=0.85,
    ),
)
