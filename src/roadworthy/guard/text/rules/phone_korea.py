"""Korean telephone numbers without a country code."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import has_fraction, in_uuid, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START
from roadworthy.guard.text.checks.phone_plan import with_extension
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_NAMES = (
    "전화", "연락", "휴대폰", "핸드폰", "번호", "팩스", "대표", "고객센터", "콜센터", "문의", "상담", "tel",
    "phone", "mobile", "fax", "call", "contact", "hotline",
)  # fmt: skip


def _number(candidate: Candidate) -> Span | None:
    line, start, end = candidate.line, candidate.start, candidate.end
    if has_fraction(line.text, end) or in_uuid(line.text, start, end):
        return None
    if candidate.value[:3] != b"010" and is_named_otherwise(line.lower, start):
        return None
    return Span(start, with_extension(line.text, end))


_SOURCE = "Telecommunication numbering plan of the Republic of Korea (ITU-T operational bulletin, +82)"
_SEPARATOR = r"(?: ?[\-.~] ?|\) ?-? ?| )"
_END = r"(?:$|[^0-9A-Za-z_]|[xX][0-9])"
RULES = (
    Rule(
        name="phone_korea",
        kind=Kind.PHONE,
        before=GROUP_START,
        core=(
            r"\(?(?:82[\-. ]?)?0(?:1[016789]|2|[3-6][1-5]|70|80|50[0-9])"
            rf"{_SEPARATOR}[0-9]{{3,4}}(?: ?[\-.~] ?| )?[0-9]{{4}}"
            rf"|82[\-. ]?0?10[\-. ]?[0-9]{{4}}[\-. ]?[0-9]{{4}}"
            r"|01[016789][0-9]{3,4}[\-. ]?[0-9]{4}|02[0-9]{7,8}|0(?:[3-6][1-5]|70)[0-9]{7,8}|050[2-8][0-9]{7,8}"
        ),
        after=_END,
        check=_number,
        source=_SOURCE,
    ),
    Rule(
        name="phone_korea_service",
        kind=Kind.PHONE,
        before=GROUP_START,
        core=r"1(?:5(?:22|33|44|66|77|88|99)|6(?:00|11|22|33|44|55|61|66|68|70|77|88|99)|8(?:00|11|33|44|55|66|77|99))-[0-9]{4}",
        after=_END,
        check=_number,
        context=_NAMES,
        source=_SOURCE,
        score=0.8,
    ),
)
