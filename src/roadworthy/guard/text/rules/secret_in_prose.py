"""Secrets in sentences: "the password is ...", "비밀번호는 ..."; only what has the shape of one."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_code, is_placeholder, is_prose_word
from roadworthy.guard.text.checks.secret_name import (
    NATIVE_PASSWORDS,
    NATIVE_TOKENS,
    PASSWORD_NAME,
    TOKEN_NAME,
    is_harmless_name,
)
from roadworthy.guard.text.checks.shape import is_identifier, is_password, is_random, is_short_key
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_QUOTED = compiled_later(
    rb"(?:\\?([\"'`])|\xe2\x80[\x98\x9c]|\xe3\x80[\x8c\x8e])([^\s\"'`\\\x80-\xff]{3,128})"
    rb"(?:\\?[\"'`]|\xe2\x80[\x99\x9d]|\xe3\x80[\x8d\x8f])"
)
# up to the next letter that is not ASCII; half of one is a percent sign and two digits of the secret's own
_WORD = compiled_later(
    rb"[(\[]?([^\s\"'`\\<>=:(){}\x1a\x80-\xff]"
    rb"(?:[^\s\"'`\\<>\x1a\x80-\xff]|(?<![\x80-\xff])[\x80-\xbf]|[\xc0-\xff](?![\x80-\xbf])){0,255})"
)
_SENTENCE_END = b".,;:?)]}"
_UNITS = tuple(
    unit.encode()
    for unit in ("개", "자", "글자", "회", "번째", "분", "초", "시간", "일", "字", "位", "文字", "桁", "个", "回")
)
_COUNTED = compiled_later(
    (
        r"[ \t]{0,2}(?i:days?|hours?|minutes?|mins?|seconds?|secs?|weeks?|months?|years?|times|characters?|chars?"
        r"|letters?"
        r"|digits?|symbols?|words?|bytes|bits|attempts?|tries|users?|accounts?|entries|records?|rows?|failures?|tage?n?"
        r"|stunden?|minuten|sekunden|wochen|monate|zeichen|mal|jours|heures|secondes|mois|fois|d(?:í|i)as|horas|minutos"
        r"|segundos|semanas|meses|veces|vezes|caract(?:e|è|é)res|giorni|ore|minuti|caratteri|volte|dagen|uur|tekens|keer"
        r"|dni"
        r"|godzin|minut|znak(?:ó|o)w|hari|jam|menit|karakter|g(?:ü|u)n|saat|dakika|dagar|timmar|tecken)\b"
        r"|[ \t]{0,2}(?:дн|час|минут|секунд|символ|раз|ngày|giờ|phút|ký tự|lần|วัน|ชั่วโมง|นาที|ตัวอักษร|ครั้ง"
        r"|दिन|घंट|मिनट|अक्षर|बार"
        r"|يوم|أيام|ساع|دقي|أحرف|مر)"
    ).encode()
)
_WORD_AND_COUNT = compiled_later(rb"[A-Za-z]+[0-9]{1,2}")
_DASH = compiled_later(rb"[A-Za-z][ \t]-{1,2}[ \t]{1,2}\Z")


def _said(candidate: Candidate, token: bool) -> Span | None:
    text = candidate.line.text
    if is_harmless_name(text, candidate.start):
        return None
    quoted = _QUOTED.match(text, candidate.end)
    found = quoted or _WORD.match(text, candidate.end)
    if found is None:
        return None
    first, last = found.span(2 if quoted else 1)
    if quoted is None:
        last = first + len(text[first:last].rstrip(_SENTENCE_END))
    value = text[first:last]
    if is_placeholder(value) or (value.isalpha() and is_prose_word(value)) or text.startswith(_UNITS, last):
        return None
    if value.isdigit() and _COUNTED.match(text, last):
        return None
    if (_WORD_AND_COUNT.fullmatch(value) or (value.isdigit() and len(value) <= 4)) and _DASH.search(candidate.value):
        return None  # a heading: `Passwords - part 2`
    shaped = _is_key(value) if token else quoted is not None or (is_password(value) and not is_code(value))
    return Span(first, last) if shaped else None


def _is_key(value: bytes) -> bool:
    return (is_random(value, 12) or is_short_key(value)) and not is_identifier(value)


def _password(candidate: Candidate) -> Span | None:
    return _said(candidate, token=False)


def _token(candidate: Candidate) -> Span | None:
    return _said(candidate, token=True)


_SPACE = r"[ \t]{0,2}"
_WHOSE = (
    r"(?:[ ](?:for|of|to|on|in|at|für|von|de|pour|para|del|di|voor|dla|do|da|dos|per|för"
    r"|untuk|cho|для|от)[ ][^\n:=\"]{1,48}?)?"
    r"(?:[ ](?:saya|anda|kamu|akun|baru|của (?:tôi|bạn|em|anh)|mới)|ของ(?:ฉัน|ผม|คุณ|เรา)|ใหม่)?"
)
_IS = (
    r"(?:(?:is|was|set|changed|reset)(?: now| set| changed| reset)?(?: to)?|as|to|ist|lautet|war|est|es|era|jest"
    r"|это|är|er|là|adalah|ialah|yaitu|è|é|foi|luidt|brzmi|je|este|είναι|هو|هي|היא|הוא|คือ|-{1,2})"
    r"(?:[ \t]{1,2}|[ \t]?:[ \t]{0,2})"
)
_PARTICLE = (
    r"(?:(?:改|设|設|设置|設置|设定|設定|更改|修改|变更|變更|重置)(?:为|為|成)"
    r"|คือ|เป็น|是|为|為|는|은|이|가|를|을|로|으로|は|が|を|に)"
)
_SAYS = rf"(?:{_WHOSE}[ \t]{{1,2}}{_IS}|(?:ของ(?:ฉัน|ผม|คุณ|เรา))?{_SPACE}{_PARTICLE}{_SPACE}:?{_SPACE})"
_LINK = rf"(?:{_SAYS}|(?:[ ](?:saya|anda|kamu|baru))?[ \t]{{1,2}}\(?|\()"
_VALUE_AHEAD = r"\\?[\"'`(\[]?[^\s\"'`\\<>=:(){}]{1,15}(?:[0-9!@#$%^&*+=A-Z]|[a-z_\-.]{2}[a-z_\-.0-9]{8})"
_QUOTE_AHEAD = r"(?:\\?[\"'`]|\xE2\x80[\x98\x9C]|\xE3\x80[\x8C\x8E])"
_SOURCE = "how people write; the shape decides"

RULES = (
    Rule(
        name="password_in_prose",
        kind=Kind.PASSWORD,
        core=rf"(?:{PASSWORD_NAME}{_LINK}|(?:{NATIVE_PASSWORDS}))",
        after=_VALUE_AHEAD,
        check=_password,
        source=_SOURCE,
        score=0.7,
    ),
    Rule(
        name="quoted_password_in_prose",
        kind=Kind.PASSWORD,
        core=rf"(?:{PASSWORD_NAME}{_SAYS}|(?:{NATIVE_PASSWORDS}))",
        after=_QUOTE_AHEAD,
        check=_password,
        source=_SOURCE,
        score=0.7,
    ),
    Rule(
        name="token_in_prose",
        kind=Kind.API_KEY,
        core=rf"(?:{TOKEN_NAME}{_LINK}|(?:{NATIVE_TOKENS}))",
        after=rf"(?:{_QUOTE_AHEAD}|[(\[])?[A-Za-z0-9_\-./+]{{10}}",
        check=_token,
        source=_SOURCE,
        score=0.7,
    ),
)
