"""Telephone numbers of any form behind a word that says so: `"phone": "…"`, `Tel. …`, `연락처: …`, `call me on …`."""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.guard.text.checks.around import has_date, has_fraction, in_uuid, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START, SAID_OF_NUMBERS, named
from roadworthy.guard.text.checks.digits import is_clock, only_digits
from roadworthy.guard.text.checks.phone_plan import MOST_DIGITS, PhonePlans, with_extension
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_FORM = compiled_later(rb"\(?[0-9]{1,6}\)?(?:(?:[ .\-/]|\)[ \-]?| ?\(| - )[0-9]{2,8}\)?){1,5}")
_LAST_GROUP = compiled_later(rb"[ .()/\-]+[0-9]+\Z")
_LEAST_DIGITS = 7
_LEAST_IN_A_ROW = 8
_AMBIGUOUS = compiled_later(rb"(?:cep|hp)[^0-9a-z]{0,8}\Z")
"""A mobile telephone in Turkish and Indonesian; a postal code of eight digits in Portuguese, and a maker's name."""
_LEAST_MOBILE = 10


def check_named(plans: PhonePlans) -> Callable[[Candidate], Span | None]:
    """A check that prefers what a plan has and else takes the longest run of groups of a number's length."""

    def check(candidate: Candidate) -> Span | None:
        text, start, value = candidate.line.text, candidate.start, candidate.value
        if is_named_otherwise(candidate.line.lower, start):
            return None
        longest = None
        least = _LEAST_MOBILE if _AMBIGUOUS.search(candidate.line.lower, max(0, start - 12), start) else _LEAST_DIGITS
        while len(digits := only_digits(value)) >= least:
            end = start + len(value)
            if len(digits) <= MOST_DIGITS and _is_number(text, start, end, digits):
                if plans.is_national(digits):
                    return Span(start, with_extension(text, end))
                longest = longest or end
            cut = _LAST_GROUP.search(value)
            if cut is None:
                break
            value = value[: cut.start()]
        return None if longest is None else Span(start, with_extension(text, longest))

    return check


def _is_number(text: bytes, start: int, end: int, digits: bytes) -> bool:
    value = text[start:end]
    if has_fraction(text, end) or has_date(value) or in_uuid(text, start, end):
        return False
    if len(digits) == len(value):
        return len(digits) >= _LEAST_IN_A_ROW and not is_clock(digits)
    return _FORM.fullmatch(value) is not None


_WORD = (
    r"phones?|tel|tlf|mobile?|mobiel|mobilnummer|cell|cellular[ei]?|fax|telefax|whatsapp|viber|msisdn|hotline|handy(?:nummer)?"
    r"|rufnummer|fon|portable|celular|gsm|sms|telp|telep[a-z]{2,5}|hp"
    r"|zalo|ponsel|seluler|cep(?: tel)?|telef[a-z]{2,9}|movil|telemovel|komork[aie]"
    r"|mobiltelefon[a-z]{0,3}|mobilnr|celul[a-z]{3,5}"
)
_CYRILLIC = r"(?:[\xd0\xd1][\x80-\xbf])"
_SCRIPTS = (
    r"(?:^|[^A-Za-z])(?i:(?:tele|smart|cell|mobile|home|work|office|user|contact)phones?)|[a-hj-z]Phone"
    r"|[Tt]él(?:éphone|éfono)?|[Tt]eléf[a-z]{3}|[Mm]óvil|[Tt]elemóvel|[Kk]omórk(?:a|i|ę)|전화|휴대폰|핸드폰|연락처?|팩스|폰|내선"
    rf"|電話|携帯|ファックス|电话|手机|手機|联系方式|聯絡|傳真|传真|(?:Т|т)ел(?:ефон{_CYRILLIC}{{0,4}})?|(?:М|м)об|(?:Ф|ф)акс"
    r"|(?:đ|Đ)iện thoại|[Dd]i động|[Mm]áy bàn|هاتف|جوال|موبايل|تليفون|تلفون|محمول|واتساب|فاكس"
    r"|[Ss](?:đ|Đ)[Tt]|โทร|มือถือ|เบอร์|मोबाइल|फोन|फ़ोन"
)
_CALL = (
    r"(?:call|reach|contact|text|dial|ring|message|answering|whatsapp|ping)(?:s|ed|ing)?"
    r"(?: (?:me|us|him|her|them|back|now|today|again|the|my|our|support|number|office)){0,3}(?: (?:at|on|to|is))?"
)
_GROUPS = r"\(?[0-9][0-9 .()/\-]{5,20}[0-9]"
_SEPARATED = r"\(?[0-9]{1,6}\)?(?:[ .()/\-]{1,2}[0-9]{2,8}){1,5}"
_END = r"(?:$|[^0-9A-Za-z_\-]|-(?:$|[^0-9A-Za-z_])|-?[A-Z][a-z]|[xX][0-9]|ext)"
_SOURCE = "Words in use in the languages of the regions; ITU-T E.164 for the number of digits"


def rules(plans: PhonePlans) -> tuple[Rule, ...]:
    """The rules for some regions."""
    check = check_named(plans)
    return (
        Rule(
            name="phone_named",
            kind=Kind.PHONE,
            before=named(_WORD, _SCRIPTS, said=SAID_OF_NUMBERS),
            core=_GROUPS,
            after=_END,
            check=check,
            source=_SOURCE,
            score=0.8,
        ),
        Rule(
            name="phone_called",
            kind=Kind.PHONE,
            before=rf"(?:^|[^A-Za-z_])(?i:{_CALL})[ :\"']{{1,4}}",
            core=_SEPARATED,
            after=_END,
            check=check,
            source=_SOURCE,
            score=0.6,
        ),
        Rule(
            name="phone_signed",
            kind=Kind.PHONE,
            before=GROUP_START,
            core=_SEPARATED,
            after=r"(?: ?\(|, ?| ?- ?| )(?i:office|fax|mobile|cell|home|work|tel)(?:$|[).,;\\\r\n])",
            check=check,
            source=_SOURCE,
            score=0.6,
        ),
    )
