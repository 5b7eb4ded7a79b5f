"""US social security numbers."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import in_uuid, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_NEVER = compiled_later(rb"000|666|9|...00|.....0000|078051120|219099999|(?:1{9}|3{9}|5{9})\Z")
"""Areas, groups and serials that are never given, two numbers that were printed on sample cards, and fillers."""


def is_ssn(digits: bytes) -> bool:
    """Whether nine digits can be a number."""
    return _NEVER.match(digits) is None


def _number(candidate: Candidate) -> Span | None:
    line, start, end = candidate.line, candidate.start, candidate.end
    if not is_ssn(only_digits(candidate.value)) or in_uuid(line.text, start, end):
        return None
    return None if is_named_otherwise(line.lower, start) else Span(start, end)


_WORDS = (
    "ssns?|soc(?:ial)?\\.? sec\\.?|social[ _-]?security|social|socsec"
    r"|taxpayer|ss ?#|itin|tin|seguro[ _-]social|seguridad[ _-]social"
    "|seguran(?:ç|c)a[ _-]social|previd(?:ê|e)ncia[ _-]social|s(?:é|e)curit(?:é|e)[ _-]sociale|sicurezza[ _-]sociale"
    "|previdenza[ _-]sociale|sozialversicherung[a-z]{0,8}|burgerservicenummer|ubezpieczenia spo(?:ł|l)ecznego"
    "|sosyal[ _-]g(?:ü|u)venlik|jaminan[ _-]sosial|an sinh x(?:ã|a) h(?:ộ|o)i|socialf(?:ö|o)rs(?:ä|a)kring[a-z]{0,8}"
)
_SCRIPTS = (
    "사회보장|ソーシャルセキュリティ|社会保障|社會保障|社会安全|社會安全|социального страхования|соцстрах"
    "|الضمان الاجتماعي|التأمين الاجتماعي|सामाजिक सुरक्षा|ประกันสังคม"
)
_SOURCE = "SSA POMS RM 10201.030 (numbers since 2011: areas 000, 666 and 900-999, group 00, serial 0000 are not given)"
RULES = (
    Rule(
        name="ssn",
        kind=Kind.SSN,
        before=GROUP_START,
        core="[0-9]{3} ?- ?[0-9]{2} ?- ?[0-9]{4}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.85,
    ),
    Rule(
        name="ssn_named",
        kind=Kind.SSN,
        before=named(_WORDS, _SCRIPTS, gap=24),
        core=r"[0-9]{3}[ .]?[0-9]{2}[ .]?[0-9]{4}",
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.85,
    ),
)
