"""Telephone numbers in the form in which a country's own people write them, by its numbering plan.

Only forms that say by themselves that they are telephone numbers: a trunk zero and groups, an area code in brackets, or
groups that nothing else is written in. Other forms need their name before them: `phone_named`.
"""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.guard.text.checks.around import has_date, has_fraction, in_row_of_numbers, in_uuid, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START
from roadworthy.guard.text.checks.digits import only_digits
from roadworthy.guard.text.checks.phone_plan import PhonePlans, with_extension
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LAST_GROUP = compiled_later(rb"(?:[ ./\-]|\) ?-?)[0-9]+\Z")
_RESIDENT = compiled_later(rb"[0-9]{6} ?- ?[0-9]{7}")
"""Groups of a Korean resident number, which is the business of `rrn`."""
_LEAST_DIGITS, _MOST_DIGITS = 9, 13
_NAMES = (
    "phone", "tel", "mobil", "cell", "fax", "fon", "call", "whatsapp", "sms", "viber", "rufnummer", "handy", "portable",
    "móvil", "celular", "telemóvel", "gsm", "kontakt", "contact", "contatto", "電話", "携帯", "电话", "手机", "手機",
    "тел", "моб", "звон", "điện thoại", "sđt", "โทร", "मोबाइल", "फोन", "전화", "연락",
)  # fmt: skip


def grouped(plans: PhonePlans) -> Callable[[Candidate], Span | None]:
    """A check that takes the longest run of groups that a plan has."""

    def check(candidate: Candidate) -> Span | None:
        line, start, value = candidate.line, candidate.start, candidate.value
        if is_named_otherwise(line.lower, start):
            return None
        while len(digits := only_digits(value)) >= _LEAST_DIGITS:
            end = start + len(value)
            if len(digits) <= _MOST_DIGITS and _is_free(line.text, start, end) and plans.is_national(digits):
                is_other = (
                    has_date(value)
                    or _RESIDENT.fullmatch(value)
                    or (value[:1] not in b"0(" and in_row_of_numbers(line.text, start, end))
                )
                return None if is_other else Span(start, with_extension(line.text, end))
            cut = _LAST_GROUP.search(value)
            if cut is None:
                return None
            value = value[: cut.start()]
        return None

    return check


def _is_free(text: bytes, start: int, end: int) -> bool:
    return not has_fraction(text, end) and not in_uuid(text, start, end)


_SOURCE = "National numbering plans (ITU-T E.129) as in libphonenumber; written forms of ITU-T E.123 and DIN 5008"
_END = r"(?:$|[^0-9A-Za-z_\-]|-(?:$|[^0-9A-Za-z_])|-?[A-Z][a-z]|[xX][0-9]|ext)"
_TRUNK = (
    # 07700 900123, 020 7946 0958, (030) 123456, 0171/1234567, 090-1234-5678, 06 12 34 56 78, 06.12.34.56.78
    r"\(0[1-9][0-9]{0,4}\)[ \-]?[0-9]{2,8}(?:[ \-][0-9]{2,6}){0,3}"
    r"|0[1-9][0-9]{1,4}(?: ?[/\-] ?[0-9]{4,8}| [0-9]{5,8}|(?: ?[/\-] ?| )[0-9]{3,4}[ \-][0-9]{2,6})"
    r"(?:[ \-][0-9]{2,6}){0,2}"
    r"|0[1-9][0-9]{1,3}[ /\-][0-9]{2}(?:[ \-][0-9]{2,4}){1,3}"
    r"|0[1-9](?:(?:[ \-][0-9]{2}){4}|(?:\.[0-9]{2}){4}|[ /\-][0-9]{3,8}(?:[ \-][0-9]{2,4}){0,3})"
)
_OWN = (
    # China, Brazil, Russia, and an area code in brackets
    r"1[3-9][0-9](?: [0-9]{4} |-[0-9]{4}-)[0-9]{4}"
    r"|(?:\([1-9][0-9]\) ?|[1-9][0-9] )9?[0-9]{4}-[0-9]{4}"
    r"|8(?: ?\([3-9][0-9]{2}\) ?|[ \-][3-9][0-9]{2}[ \-])[0-9]{3}[ \-][0-9]{2}[ \-]?[0-9]{2}"
    r"|\([2-9][0-9]{1,3}\) ?[0-9]{3,4}[ \-][0-9]{3,4}"
)


def rules(plans: PhonePlans) -> tuple[Rule, ...]:
    """The rules for some regions."""
    check = grouped(plans)
    return (
        Rule(
            name="phone_national",
            kind=Kind.PHONE,
            before=GROUP_START,
            core=f"{_TRUNK}|{_OWN}",
            after=_END,
            check=check,
            source=_SOURCE,
            score=0.7,
        ),
        Rule(
            name="phone_national_in_a_row",
            kind=Kind.PHONE,
            before=GROUP_START,
            core="0[1-9][0-9]{7,10}",
            after=_END,
            check=check,
            context=_NAMES,
            source=_SOURCE,
            score=0.7,
        ),
    )
