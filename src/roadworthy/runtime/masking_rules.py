"""What decides whether a candidate of the masker is a finding, and how much of it is replaced."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple


class Change(NamedTuple):
    """Replace bytes `start` to `end` by `mark`."""

    start: int
    end: int
    mark: bytes


class Line:
    """Answers whether a position of a text is inside a JSON string. Positions must not decrease.

    A raw line feed is never inside a JSON string, so lines are counted one by one.

    Args:
        text: The whole text.
    """

    _TOKEN = re.compile(rb'\\.|"|\n', re.DOTALL)

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0
        self._inside = False
        self.is_json = text.lstrip()[:1] in (b"{", b"[")

    def inside_string(self, position: int) -> bool:
        """Whether an odd number of unescaped double quotes stands between the line's start and `position`."""
        for token in self._TOKEN.finditer(self._text, self._at, max(position, self._at)):
            mark = token.group()
            if mark == b'"':
                self._inside = not self._inside
            elif mark == b"\n":
                self._inside = False
            self._at = token.end()
        return self._inside


def whole(mark: bytes) -> Callable[[bytes, int, int, Line], Change | None]:
    """A judge that replaces every candidate as it is, unless it is replaced already."""

    def judge(text: bytes, start: int, end: int, line: Line) -> Change | None:
        return None if text[start:end] == mark else Change(start, end, mark)

    return judge


_LOCAL_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_LONGEST_LOCAL_PART = 256  # RFC 5321 allows 64


def email(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """`text[start:end]` is the @ and the domain; the local part stands before it."""
    floor = max(0, start - _LONGEST_LOCAL_PART)
    local = len(text[floor:start]) - len(text[floor:start].rstrip(_LOCAL_BYTES))
    return Change(start - local, end, b"[EMAIL]") if local else None


_IN_URL = rb"\\\\|\\/|\\u[0-9A-Fa-f]{4}"
_PASSWORD = re.compile(rb"((?:" + _IN_URL + rb"|[^\s\"'<>\\/?#])+)@")
_PASSWORD_WITH_SLASH = re.compile(rb"((?:" + _IN_URL + rb"|[^\s\"'<>\\@])+)@")
_PORT = re.compile(rb"[0-9]*(?:\\?/|[?#])")
_LONGEST_PASSWORD = 1_024


def url_password(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """What stands between `scheme://user:` and `@`, slashes included, unless it is a port and a path."""
    stop = end + _LONGEST_PASSWORD
    found = _PASSWORD.match(text, end, stop)
    if found is None and not _PORT.match(text, end):
        found = _PASSWORD_WITH_SLASH.match(text, end, stop)
    if found is None or found.group(1) == b"[DSN_PASSWORD]":
        return None
    return Change(end, found.end(1), b"[DSN_PASSWORD]")


# ---- numbers ----------------------------------------------------------------------------------------------------

# Issuer prefixes and lengths, ISO/IEC 7812; 9 is the Korean domestic range.
_ISSUERS = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    rb"|3(?:0[0-5]|[689]\d)\d{11}|3(?:0[0-5]|[5689]\d)\d{13,16}|6\d{15,18}|5[0678]\d{11,17}|9\d{15}"
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_FRACTION = re.compile(rb"\.[0-9]")
_UUID_BEFORE = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{4,12}-\Z")
_UUID_AFTER = re.compile(rb"-[0-9A-Fa-f]{4,12}(?![0-9A-Za-z])")
_NOT_DIGIT = re.compile(rb"[^0-9]+")


def luhn(digits: bytes) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, byte in enumerate(reversed(digits)):
        total += _DOUBLED[byte - 48] if place % 2 else byte - 48
    return total % 10 == 0


def is_card(digits: bytes) -> bool:
    """Whether the digits are a card number: issuer prefix, length and check digit."""
    return _ISSUERS.fullmatch(digits) is not None and luhn(digits)


def is_resident_number(digits: bytes) -> bool:
    """Whether 13 digits are a Korean resident registration number.

    Birth date, century digit and check digit must be right. Numbers given since October 2020 have no check digit.
    """
    century = {49: 1900, 50: 1900, 53: 1900, 54: 1900, 51: 2000, 52: 2000, 55: 2000, 56: 2000}.get(digits[6])
    if century is None:
        return False
    year, month, day = century + int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    try:
        born = date(year, month, day)
    except ValueError:
        return False
    if born >= date(2020, 10, 1):
        return True
    total = sum((byte - 48) * weight for byte, weight in zip(digits, _RRN_WEIGHTS, strict=False))
    offset = 13 if digits[6] in b"5678" else 11
    return (offset - total % 11) % 10 == digits[12] - 48


def _as_number(text: bytes, start: int, end: int, line: Line, mark: bytes) -> Change:
    """Where the digits are a bare JSON number the mark becomes a JSON string."""
    if line.is_json and not line.inside_string(start):
        before = text[max(0, start - 64) : start].rstrip()[-1:]
        if before in (b":", b",", b"["):
            return Change(start, end, b'"' + mark + b'"')
    return Change(start + (text[start] == 0x2D), end, mark)


def digit_run(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """13 to 19 digits in a row: a card or a resident number, unless they are a clock or part of a decimal number."""
    if _FRACTION.match(text, end):
        return None
    digits = text[start:end].lstrip(b"-")
    if is_card(digits):
        return _as_number(text, start, end, line, b"[CARD]")
    # epoch milliseconds of 2001 to 2040 look like births of 1910 to 1922
    if len(digits) == 13 and not 10**12 <= int(digits) < 2_208_988_800_000 and is_resident_number(digits):
        return _as_number(text, start, end, line, b"[RRN]")
    return None


def card_groups(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """A card in groups; a short last group may be something else, such as a security code."""
    if is_card(_NOT_DIGIT.sub(b"", text[start:end])):
        return Change(start, end, b"[CARD]")
    shorter = text[start : start + 19]
    if end - start > 19 and is_card(_NOT_DIGIT.sub(b"", shorter)):
        return Change(start, start + 19, b"[CARD]")
    return None


def resident_number(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """Six and seven digits with a separator."""
    if is_resident_number(text[start : start + 6] + text[end - 7 : end]):
        return Change(start, end, b"[RRN]")
    return None


_KOREAN = re.compile(
    rb"\+82[-. ]?(?:\(0\)[-. ]?)?0?(?:1[016789]|2|[3-6][1-5]|70|80|50[0-9])[-. )]{0,2}[0-9]{3,4}[-. ]?[0-9]{4}(?![0-9])"
)
_NORTH_AMERICAN = re.compile(rb"\+1[-. ]?\(?[2-9][0-9]{2}\)?[-. ]{0,2}[0-9]{3}[-. ]?[0-9]{4}(?![0-9])")
_SHORTER = re.compile(rb"[ .()\-]+[0-9]+\Z")


def international_phone(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """A plus and a country code (E.164: at most 15 digits; shorter than 9 is not taken for a phone number)."""
    if text.startswith((b"+82", b"+1"), start):
        found = _KOREAN.match(text, start) or _NORTH_AMERICAN.match(text, start)
        return Change(start, found.end(), b"[PHONE]") if found else None
    number = text[start:end]
    while len(digits := _NOT_DIGIT.sub(b"", number)) > 15:
        cut = _SHORTER.search(number)
        if cut is None:
            return None
        number = number[: cut.start()]
    return Change(start, start + len(number), b"[PHONE]") if len(digits) >= 9 else None


def national_phone(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """A Korean or US number, unless it is a piece of a UUID or of a decimal number."""
    if _FRACTION.match(text, end) or _UUID_AFTER.match(text, end):
        return None
    if _UUID_BEFORE.search(text, max(0, start - 14), start):
        return None
    return Change(start, end, b"[PHONE]")


# ---- secrets with a name ----------------------------------------------------------------------------------------

_SCHEME = re.compile(rb"(?:bearer|basic|token|digest|apikey)[ \t]{1,4}(?=\S)", re.IGNORECASE)
_BARE = re.compile(rb"(?:\\\\|\\/|\\u[0-9A-Fa-f]{4}|[^\s\"'\\&;<>])+")
_JSON_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[ \t]*(?:[,}\]\r\n]|\Z))")
_LITERAL = re.compile(rb"(?:(?:true|false|null|none|undefined)|env:[a-z][a-z0-9_]*)(?![0-9a-z_])", re.IGNORECASE)
_MARK = re.compile(rb"\[(?:EMAIL|PHONE|CARD|KEY|DSN_PASSWORD|RRN)\]")
# as many backslashes as a quote has that stands 0, 1, 2, 3 or 4 strings deep
_OPEN = re.compile(rb"(?:\\{15}|\\{7}|\\{3}|\\)?\"|'")
_NAME_END = re.compile(rb"(\\*)([\"'])[ \t]*[:=][ \t]*\Z")
_QUOTE = re.compile(rb'(\\*)"|\n')
_SINGLE = re.compile(rb"(?:\\.|[^'\"\\\n])*")
_AFTER_STRING = re.compile(rb"[ \t\r\n]*(?:[,}\]:]|\Z)|\n")


def _depth(backslashes: int) -> int:
    """How many strings deep a quote with that many backslashes before it is: 0 → 0, 1 → 1, 3 → 2, 5 → 1."""
    depth = 0
    while backslashes & 1:
        depth += 1
        backslashes >>= 1
    return depth


def _quote_of_name(text: bytes, start: int, end: int) -> bytes:
    """The quote that ends the name, with the backslashes that belong to it; empty when the name is not quoted."""
    found = _NAME_END.search(text, start, end)
    if found is None:
        return b""
    backslashes, quote = found.groups()
    return b"\\" * ((1 << _depth(len(backslashes))) - 1) + quote if quote == b'"' else b"'"


def _end_of_quoted(text: bytes, start: int, depth: int) -> int:
    """Where the text of a double-quoted string ends that was opened at `depth`; a shallower quote ends it too."""
    for quote in _QUOTE.finditer(text, start):
        if quote.group() == b"\n":
            return quote.start()
        found = _depth(len(quote.group(1)))
        if found <= depth:
            return quote.end() - 1 - ((1 << found) - 1)
    return len(text)


def _end_of_single(text: bytes, start: int) -> int:
    """Where the text of a single-quoted string ends; JSON knows no such string, so escapes stay whole."""
    found = _SINGLE.match(text, start)
    return found.end() if found else start


def _trimmed(text: bytes, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip(b",.)]}:"))


def _bare_value(text: bytes, start: int) -> int:
    scheme = _SCHEME.match(text, start)
    value = _BARE.match(text, scheme.end() if scheme else start)
    if value is None:
        return start
    return _trimmed(text, start, value.end())


def key_value(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """The value that follows `name=` or `name:`; `text[start:end]` is the name with its separator."""
    if _LITERAL.match(text, end) or _MARK.match(text, end):
        return None
    opened = _OPEN.match(text, end)
    if opened is None:
        return _unquoted(text, end, _quote_of_name(text, start, end))
    mark = opened.group()
    if mark == b'"' and line.inside_string(end) and _AFTER_STRING.match(text, opened.end()):
        return None  # the quote ends the JSON string in which the name stands
    value = opened.end()
    stop = _end_of_single(text, value) if mark[-1:] == b"'" else _end_of_quoted(text, value, _depth(len(mark) - 1))
    if stop <= value or _LITERAL.fullmatch(text, value, stop) or _MARK.fullmatch(text, value, stop):
        return None
    return Change(value, stop, b"[KEY]")


def _unquoted(text: bytes, start: int, quote: bytes) -> Change | None:
    if text[start : start + 1] in (b"{", b"[", b""):
        return None
    number = _JSON_NUMBER.match(text, start)
    if quote and number:
        return Change(start, number.end(), quote + b"[KEY]" + quote)
    stop = _bare_value(text, start)
    return Change(start, stop, b"[KEY]") if stop > start else None


_TOKEN_START = re.compile(rb"[A-Za-z]+[ \t]+")
_WORDS = re.compile(rb"[A-Za-z.\-]{1,15}")


def bearer(text: bytes, start: int, end: int, line: Line) -> Change | None:
    """A token after its scheme; a short plain word is prose (`bearer token`, `basic auth`)."""
    scheme = _TOKEN_START.match(text, start)
    value = scheme.end() if scheme else start
    stop = _trimmed(text, value, end)
    if stop <= value or _WORDS.fullmatch(text, value, stop):
        return None
    return Change(value, stop, b"[KEY]")
