"""Payment card numbers, in a row or in groups."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import has_fraction, in_uuid, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START, ID_END, named
from roadworthy.guard.text.checks.digits import is_clock, luhn, only_digits
from roadworthy.guard.text.checks.weights import is_repeated
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import NUMBER_START, Candidate, Rule, Span

# 9 is the Korean domestic range, 2200 to 2204 is Mir; 1800 and 2131 are JCB's numbers of 15 digits.
_ISSUERS = compiled_later(
    rb"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:20[0-4]|22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    rb"|3(?:0[0-5]|[689]\d)\d{11}|3(?:0[0-5]|[5689]\d)\d{13,16}|6\d{15,18}|5[0678]\d{11,17}|9\d{15}|(?:1800|2131)\d{11}"
)
_SHORT = compiled_later(rb"(?:50|5[6-9]|6[0-9])\d{10}")
_CONTEXT = (b"card", b"visa", b"mastercard", b"amex", b"pan", b"maestro", "카드".encode())
_OLD_LENGTH = 13
_LAST_GROUP = compiled_later(rb"[ .\-]{1,2}[0-9]+\Z")


def is_card(digits: bytes) -> bool:
    """Whether the digits are a card number: issuer prefix, length and check digit."""
    return _ISSUERS.fullmatch(digits) is not None and luhn(digits)


def _run(candidate: Candidate) -> Span | None:
    if has_fraction(candidate.line.text, candidate.end):
        return None
    digits, start = candidate.value, candidate.start
    if not is_card(digits) or (is_clock(digits) and not candidate.near(_CONTEXT)):
        return None
    if len(digits) == _OLD_LENGTH and is_named_otherwise(candidate.line.lower, start):
        return None  # thirteen digits are an article's number, too
    return Span(start, candidate.end)


def _groups(candidate: Candidate) -> Span | None:
    """A last group may be something else, such as a security code."""
    value, start = candidate.value, candidate.start
    for _ in range(2):
        end = start + len(value)
        if is_card(only_digits(value)) and not in_uuid(candidate.line.text, start, end):
            return Span(start, end)
        cut = _LAST_GROUP.search(value)
        if cut is None:
            break
        value = value[: cut.start()]
    return None


def _short(candidate: Candidate) -> Span | None:
    digits = candidate.value
    good = _SHORT.fullmatch(digits) is not None and luhn(digits) and not is_repeated(digits)
    return Span(candidate.start, candidate.end) if good else None


_S = r"(?:[ .\-]{1,2})"
_GROUPED = "|".join(
    (
        rf"[2-69][0-9]{{3}}{_S}(?:[0-9]{{4}}{_S}[0-9]{{4}}{_S}[0-9]{{4}}(?:{_S}[0-9]{{1,3}})?|[0-9]{{6}}{_S}[0-9]{{4,5}})",
        rf"[2-69][0-9]{{3}}{_S}(?:[0-9]{{4}}{_S}[0-9]{{8}}|[0-9]{{8}}{_S}[0-9]{{4}}|[0-9]{{12}})",
        rf"[2-69][0-9]{{7}}{_S}[0-9]{{4}}{_S}?[0-9]{{4}}|[2-69][0-9]{{11}}{_S}[0-9]{{4}}|[2-69][0-9]{{5}}{_S}[0-9]{{8,13}}",
    )
)
_SOURCE = "ISO/IEC 7812-1 (issuer prefix, length, annex B check digit)"
_END = r"(?:$|[^0-9A-Za-z_])"
RULES = (
    Rule(
        name="card_in_a_row",
        kind=Kind.CARD,
        before=NUMBER_START[:-1] + "|[^0-9A-Za-z]-)",
        core="[2-69][0-9]{12,18}|1800[0-9]{11}",
        after=_END,
        check=_run,
        source=_SOURCE,
    ),
    Rule(
        name="card_in_groups",
        kind=Kind.CARD,
        before=GROUP_START,
        core=_GROUPED,
        after=_END,
        check=_groups,
        source=_SOURCE,
    ),
    Rule(
        name="card_named",
        kind=Kind.CARD,
        before=named("card|maestro|cc", "카드(?:번호)?"),
        core="[56][0-9]{11}",
        after=ID_END,
        check=_short,
        source="ISO/IEC 7812-1 (Maestro numbers of twelve digits)",
        score=0.8,
    ),
)
