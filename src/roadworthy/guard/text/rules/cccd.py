"""Vietnamese citizen card numbers, and those of the older cards, behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import is_repeated
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_CARD = compiled_later(rb"0(?:0[1-9]|[1-9][0-9])[0-9]{9}|[0-9]{9}")


def is_cccd(digits: bytes) -> bool:
    """Whether twelve digits begin with a province's code, or there are the nine of an older card; no check digit."""
    return _CARD.fullmatch(digits) is not None and not is_repeated(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_cccd(only_digits(candidate.value)) else None


RULE = Rule(
    name="cccd",
    kind=Kind.NATIONAL_ID,
    before=named(
        r"(?:so[ _]?)?(?:cccd|cmnd)|can[ _]?cuoc[a-z _]{0,9}|chung[ _]?minh[a-z _]{0,10}"
        r"|c(?:ă|Ă)n c(?:ướ|ƯỚ)c(?: c(?:ô|Ô)ng d(?:â|Â)n)?|ch(?:ứ|Ứ)ng minh(?: (?:nh(?:â|Â)n d(?:â|Â)n|th(?:ư|Ư)))?"
        r"|citizen[ _-]?(?:id|card)[a-z]{0,4}|national[ _-]?id[a-z]{0,6}",
        "(?:đ|Đ)ịnh danh(?: cá nhân)?",
        gap=24,
    ),
    core=(
        "0[0-9]{2}[ .]?[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}|0[0-9]{3}[ .][0-9]{4}[ .][0-9]{4}"
        "|[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}"
    ),
    after=ID_END,
    check=_number,
    source="Nghị định 137/2015/NĐ-CP art. 13 (province, century and sex, year, six digits); nine digits until 2016",
)
