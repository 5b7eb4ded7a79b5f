"""German tax identification numbers of persons, behind their name."""

from __future__ import annotations

from collections import Counter

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.weights import mod_11_10
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_MOST_OF_ONE_DIGIT = 3


def is_steuer_id(digits: bytes) -> bool:
    """Whether eleven digits are such a number: no leading zero, one digit two or three times among ten, check digit."""
    often = sorted(Counter(digits[:10]).values())
    spread = often[-1] in (2, _MOST_OF_ONE_DIGIT) and (len(often) == 1 or often[-2] == 1)
    return digits[:1] != b"0" and spread and mod_11_10(digits)


def _number(candidate: Candidate) -> Span | None:
    return Span(candidate.start, candidate.end) if is_steuer_id(only_digits(candidate.value)) else None


RULE = Rule(
    name="steuer_id",
    kind=Kind.NATIONAL_ID,
    before=named(
        r"steuer-?[ _]?id[a-z]*|steuer[a-z]{0,17}nummer|steuernr|id-?nr|identifikationsnummer|tin|st\.?-?id"
        r"|tax[ _-]?(?:id|number|payer)[a-z ]{0,22}",
        gap=24,
    ),
    core=r"[1-9][0-9]{10}|[1-9][0-9](?:[ ./\-][0-9]{3}){3}",
    after=ID_END,
    check=_number,
    source="Abgabenordnung § 139b, Steueridentifikationsnummerverordnung; check digit by ISO/IEC 7064 MOD 11,10",
)
