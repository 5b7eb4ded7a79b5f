"""Telephone numbers with a country code, behind a plus or the prefix of an international call."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import has_date, has_fraction, in_uuid
from roadworthy.guard.text.checks.bounds import GROUP_START
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.phone_plan import MOST_DIGITS, is_international, with_extension
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import PLUS_START, Candidate, Rule, Span

_KOREAN = compiled_later(
    rb"82[)]?[-. ]?(?:\(0\)[-. ]?)?\(?0?(?:1[016789]|2|[3-6][1-5]|70|80|50[0-9])[-. )]{0,2}[0-9]{3,4} ?[-. ]? ?[0-9]{4}"
    rb"(?![0-9])"
)
_NORTH_AMERICAN = compiled_later(rb"1[-. ]?\(?[2-9][0-9]{2}\)?[-. ]{0,2}[0-9]{3}[-. ]?[0-9]{4}(?![0-9])")
_PREFIX = compiled_later(rb"(?:\+|00|011)[ \-]?\(?(?:\+)?")
_FORM = compiled_later(rb"[0-9]++\)?+(?:(?: ?[.\-/] ?| |[ .\-]?\(|\)[ .\-]?)?[0-9]++\)?+){0,7}")
_NAMES = (b"phone", b"tel", b"mobil", b"fax", b"call", b"sms", b"whatsapp", "전화".encode(), "電話".encode())
_TRUNK = compiled_later(rb"\(0\)")
_LAST_GROUP = compiled_later(rb"[ .()/\-]+[0-9]+\Z")


def _number(candidate: Candidate) -> Span | None:
    """The longest run of groups that a plan has; else the longest that has the length of one."""
    text, start = candidate.line.text, candidate.start
    prefix = _PREFIX.match(text, start)
    if prefix is None:
        return None
    first = prefix.end()
    common = _KOREAN.match(text, first) or _NORTH_AMERICAN.match(text, first)
    is_bare = text[start] == 0x30
    end = common.end() if common else _by_plan(text, first, candidate.end, is_bare=is_bare)
    if end is None or (is_bare and not _is_called(candidate, end)):
        return None
    return Span(start, with_extension(text, end))


def _is_called(candidate: Candidate, end: int) -> bool:
    """Zeros stand before many a number: in a row, only a name or Korea's code tells that it is a telephone number."""
    text, start = candidate.line.text, candidate.start
    if in_uuid(text, start, end):
        return False
    return not text[start:end].isdigit() or text.startswith(b"00821", start) or candidate.near(_NAMES)


def _by_plan(text: bytes, start: int, end: int, *, is_bare: bool) -> int | None:
    """Where the number ends.

    Args:
        text: The line.
        start: Where the country code begins.
        end: Behind the last digit that may belong to it.
        is_bare: Without a plus, a plan must have the number: zeros stand before many a number.
    """
    value = text[start:end]
    possible = None
    if value.startswith(b"1"):
        return None  # North America, which is written in the one way that was looked for
    while _FORM.fullmatch(value) and not has_fraction(text, start + len(value)):
        digits = only_digits(_TRUNK.sub(b"", value))
        known = is_international(digits) if len(digits) <= MOST_DIGITS and not has_date(value) else False
        if known:
            return start + len(value)
        if known is None and possible is None and not is_bare:
            possible = start + len(value)
        cut = _LAST_GROUP.search(value)
        if cut is None:
            break
        value = value[: cut.start()]
    return possible


_SOURCE = "ITU-T E.164 (country codes, 15 digits), E.123 (written forms); numbering plans in libphonenumber"
RULES = (
    Rule(
        name="phone_international",
        kind=Kind.PHONE,
        before=PLUS_START,
        core=r"\+ ?\(?[1-9][0-9 .()/\-]{6,24}[0-9]",
        after=r"(?:$|[^0-9A-Za-z_]|[xX][0-9]|ext)",
        check=_number,
        source=_SOURCE,
    ),
    Rule(
        name="phone_international_prefix",
        kind=Kind.PHONE,
        before=GROUP_START,
        core=r"(?:00[ \-]?|011[ \-])\(?[1-9][0-9 .()/\-]{6,24}[0-9]",
        after=r"(?:$|[^0-9A-Za-z_]|[xX][0-9]|ext)",
        check=_number,
        source=_SOURCE,
        score=0.7,
    ),
)
