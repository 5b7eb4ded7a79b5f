"""International bank account numbers, with spaces or without."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_START
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LENGTHS = {
    size: names.split()
    for size, names in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC",
        33: "RU",
    }.items()
}  # fmt: skip
LENGTHS = {country.encode(): size for size, countries in _LENGTHS.items() for country in countries}
"""Characters of a country's number, from the SWIFT IBAN Registry, release 101."""
_DIGITS_ONLY = frozenset(
    b"AE AT BA BE BI CR CZ DE DJ DK EE EG ES FI FO GL HR HU IL IS LT LY ME MN MR NO PL PT RS SD SE SI SK SO ST TL TN VA"
    b" XK".split()
)
_SEPARATORS = compiled_later(rb"[ \-]+")
_ALPHANUMERIC = compiled_later(rb"[0-9A-Z]+")


def is_iban(value: bytes) -> bool:
    """Whether it is a number: upper case, no spaces, its country's length, and 1 modulo 97 (ISO/IEC 7064 MOD 97-10)."""
    if LENGTHS.get(value[:2]) != len(value) or not _ALPHANUMERIC.fullmatch(value):
        return False
    if value[:2] in _DIGITS_ONLY and not value[2:].isdigit():
        return False
    turned = value[4:] + value[:4]
    return int("".join(str(int(chr(byte), 36)) for byte in turned)) % 97 == 1


def _account(candidate: Candidate) -> Span | None:
    """The country says where it ends; a word may follow it after a space."""
    text, start = candidate.line.text, candidate.start
    size = LENGTHS[text[start : start + 2].upper()]
    end, left = start, size
    while left and end < candidate.end:
        left -= text[end : end + 1].isalnum()
        end += 1
    if left or text[end : end + 1].isalnum() or not is_iban(_SEPARATORS.sub(b"", text[start:end]).upper()):
        return None
    return Span(start, end)


_COUNTRIES = "|".join(sorted(country.decode() for country in LENGTHS))
_GROUPS = r"(?:[ \-][0-9A-Za-z]{3,5}){2,8}(?:[ \-][0-9A-Za-z]{1,3})?"

RULE = Rule(
    name="iban",
    kind=Kind.IBAN,
    before=ID_START,
    core=rf"(?i:{_COUNTRIES})[0-9]{{2}}(?:[0-9A-Za-z]{{11,29}}|{_GROUPS})",
    after=r"(?:$|[^0-9A-Za-z_])",
    check=_account,
    source="ISO 13616-1, SWIFT IBAN Registry release 101",
    score=0.95,
)
