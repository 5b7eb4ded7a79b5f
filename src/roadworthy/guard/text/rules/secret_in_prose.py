"""Secrets in sentences: "the password is ...", "비밀번호는 ...입니다", "パスワードは..."; only what has the shape of one."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.placeholder import is_code, is_placeholder, is_prose_word
from roadworthy.guard.text.checks.secret_name import NATIVE_PASSWORDS, PASSWORD_NAME, TOKEN_NAME, is_harmless_name
from roadworthy.guard.text.checks.shape import is_password, is_random
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_QUOTED = re.compile(
    rb"(?:\\?([\"'`])|\xe2\x80[\x98\x9c]|\xe3\x80[\x8c\x8e])([^\s\"'`\\\x80-\xff]{3,128})"
    rb"(?:\\?[\"'`]|\xe2\x80[\x99\x9d]|\xe3\x80[\x8d\x8f])"
)
_WORD = re.compile(rb"[(\[]?([^\s\"'`\\<>=:(){}\x1a\x80-\xff][^\s\"'`\\<>\x1a\x80-\xff]{0,255})")
_SENTENCE_END = b".,;:?)]}"
_UNITS = tuple(
    unit.encode()
    for unit in ("개", "자", "글자", "회", "번째", "분", "초", "시간", "일", "字", "位", "文字", "桁", "个", "回")
)


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
    shaped = is_random(value, 12) if token else quoted is not None or (is_password(value) and not is_code(value))
    return Span(first, last) if shaped else None


def _password(candidate: Candidate) -> Span | None:
    return _said(candidate, token=False)


def _token(candidate: Candidate) -> Span | None:
    return _said(candidate, token=True)


_SPACE = r"[ \t]{0,2}"
_WHOSE = r"(?:[ ](?:for|of|to|on|in|at|für|von|de|pour|para|del|di|voor|dla)[ ][^\n:=\"]{1,48}?)?"
_IS = (
    r"(?:(?:is|was|set|changed|reset)(?: now| set| changed| reset)?(?: to)?|as|to|ist|lautet|war|est|es|era|jest"
    r"|это|är|er|là|adalah|è|é)"
    r"(?:[ \t]{1,2}|[ \t]?:[ \t]{0,2})"
)
_PARTICLE = r"(?:是|为|為|는|은|이|가|를|을|로|으로|は|が|を|に)"
_SAYS = rf"(?:{_WHOSE}[ \t]{{1,2}}{_IS}|{_SPACE}{_PARTICLE}{_SPACE}:?{_SPACE})"
_LINK = rf"(?:{_SAYS}|[ \t]{{1,2}}\(?|\()"
_VALUE_AHEAD = r"\\?[\"'`(\[]?[^\s\"'`\\<>=:(){}]{1,15}[0-9!@#$%^&*+A-Z]"
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
        core=rf"{TOKEN_NAME}{_LINK}",
        after=r"\\?[\"'`(\[]?[A-Za-z0-9_\-./+]{12}",
        check=_token,
        source=_SOURCE,
        score=0.7,
    ),
)
