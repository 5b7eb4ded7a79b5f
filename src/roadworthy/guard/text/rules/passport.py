"""Passport numbers. Few have a form of their own; the others need the word before them."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.around import is_named_otherwise
from roadworthy.guard.text.checks.bounds import ID_END, ID_START, named
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LEAST_DIGITS = 4
_DIGITS = re.compile(rb"[0-9]")
_FILLED = re.compile(rb"(?:19|20)[0-9]{6}|([0-9])\1+")


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
    r"passports?|passeport|pasaporte|passaporto|passaporte|reisepass(?:nummer)?|paspoort(?:nummer)?|pasaport|paszport[a-z]{0,3}"
    r"|paspor|ppt"
)
_SCRIPTS = "여권(?:번호)?|パスポート|旅券|护照|護照|[Пп]аспорт|पासपोर्ट|หนังสือเดินทาง|hộ chiếu"
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
        core=r"(?:[0-9]{2} ?[0-9]{2} ?(?:No|N|№)? ?[0-9]{6}|[0-9]{8,9}"
        r"|[A-Z]{1,3}[ \-][0-9]{6,8}[A-Z]?|(?i:[A-Z]{1,3}[0-9]{6,8}[A-Z]?)"
        r"|(?i:[0-9A-Z]{8,9}))",
        after=ID_END,
        check=_behind_its_name,
        score=0.85,
        source="ICAO Doc 9303 part 3 §4.2 (at most nine letters and digits); words in the languages of the regions",
    ),
)
