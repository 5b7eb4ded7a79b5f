"""Passport numbers. Few have a form of their own; the others need the word before them."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import is_named_otherwise
from roadworthy.guard.text.checks.bounds import ID_END, ID_START, named
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LEAST_DIGITS = 4
_DIGITS = compiled_later(rb"[0-9]")
_FILLED = compiled_later(rb"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|([0-9])\1+")


def _new_korean(candidate: Candidate) -> Span | None:
    line, start = candidate.line, candidate.start
    return None if is_named_otherwise(line.lower, start) else Span(start, candidate.end)


def _behind_its_name(candidate: Candidate) -> Span | None:
    """Mostly digits, and not a date or a filler."""
    value = candidate.value
    if len(_DIGITS.findall(value)) < _LEAST_DIGITS or _FILLED.fullmatch(value):
        return None
    return Span(candidate.start, candidate.end)


_WORDS = (
    "passports?|passeports?|pasaportes?|pasaport[a-z]{0,5}|passaport[oe]s?|reisep(?:a|ä)ss[a-z]{0,2}(?:-?n(?:ummer|r))?"
    "|pass(?:port)?[ _.-]?(?:nummer|num|number|nr|no|id)|paspoort(?:nummer)?|paszport[a-z]{0,3}|paspor|ppt"
    "|travel[ _-]document|ho[ _]?chieu"
)
_SCRIPTS = (
    "여권(?:번호)?|パスポート|旅券|护照|護照|(?:П|п)аспорт|загранпаспорт|पासपोर्ट|หนังสือเดินทาง|พาสปอร์ต"
    "|(?:h|H)ộ chiếu|جواز|باسبور"
)
_NEW = "[MSRODG][0-9]{3}[A-Z][0-9]{4}"
RULES = (
    Rule(
        name="passport_korea",
        kind=Kind.PASSPORT,
        before=ID_START,
        core=_NEW,
        after=ID_END,
        check=_new_korean,
        source="Ministry of Foreign Affairs of Korea: numbers of passports issued since December 2021",
        score=0.6,
    ),
    Rule(
        name="passport_named",
        kind=Kind.PASSPORT,
        before=named(_WORDS, _SCRIPTS, gap=24),
        core=r"(?:[0-9]{2} ?[0-9]{2} ?(?:No|N|№)? ?[0-9]{6}|[0-9]{2} (?:№ ?)?[0-9]{7}|[0-9]{8,9}"
        r"|[A-Z]{1,3}[ \-][0-9]{6,8}[A-Z]?|(?i:[A-Z]{1,3}[0-9]{6,8}[A-Z]?)"
        r"|(?i:[0-9A-Z]{8,9}))",
        after=ID_END,
        check=_behind_its_name,
        score=0.85,
        source="ICAO Doc 9303 part 3 §4.2 (at most nine letters and digits); words in the languages of the regions",
    ),
)
