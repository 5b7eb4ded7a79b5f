"""Secrets behind their name: `password=…`, `"api_key": "…"`, `Authorization: …`, also in JSON inside of JSON."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.placeholder import is_code, is_directory, is_placeholder, is_prose_word, is_sentence
from roadworthy.guard.text.checks.secret_name import (
    PASSWORD_NAME,
    QUOTE,
    SUFFIX,
    TOKEN_NAME,
    is_harmless_name,
    is_working_directory,
)
from roadworthy.guard.text.checks.secret_value import Value, value_at
from roadworthy.guard.text.checks.shape import is_random
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.line import Line
from roadworthy.guard.text.rule import Candidate, Rule, Span

_SCHEME = compiled_later(rb"(?:bearer|basic|token|digest|apikey|kakaoak|negotiate|ntlm)[ \t]{1,4}(?=\S)", re.IGNORECASE)
_ANY_SCHEME = compiled_later(rb"[A-Za-z][A-Za-z0-9\-]{1,24}[ \t]{1,4}(?=[^\s\"'<>\\])")
_HEADER = compiled_later(rb"authorization\W*\Z", re.IGNORECASE)
_PARAMETERS = compiled_later(
    rb"(?:AWS4-HMAC-SHA256|Digest|OAuth|Hawk|Signature|SharedKey\w*)[ \t][^\"'\\\r\n\x0c]+", re.IGNORECASE
)
_TYPE = compiled_later(
    rb"[A-Za-z_][\w.]{0,40}(?:\[[\w, |]{0,40}\])?(?:[ ]?\|[ ]?[A-Za-z]{1,20})?[ ]{0,2}=[ ]{0,2}(?=[bBuUrRfF]?[\"'`])"
)
_LOGPROB = compiled_later(rb"\\*\"[ \t]*,[ \t]*\\*\"(?:logprob|bytes|id|prob|rank|special)\\*\"")
_TOKEN = compiled_later(rb"(?:token(?: provided)?|(?:\A|[^A-Za-z])pass)\W*\Z", re.IGNORECASE)
_LICENSE = compiled_later(rb"license", re.IGNORECASE)
_COUNT = compiled_later(rb"-?[0-9]{1,4}(?:\.[0-9]+)?")
_IN_URL = compiled_later(rb"://[^\s/@?#\"']*\Z")
_PREFIX = compiled_later(rb"(?:[A-Za-z0-9]{1,8}[_-]){1,3}(?:\.\.|\xe2\x80\xa6)(?:[.]|[^\w.]|\Z)")  # `sk-...`
_COMPARED = compiled_later(rb"[^=]={2,3}[ \t]*\Z")


def _value(candidate: Candidate) -> Span | None:
    line, name, end = candidate.line, candidate.value, candidate.end
    text = line.text
    if is_harmless_name(text, candidate.start) or _IN_URL.search(text, max(0, candidate.start - 64), candidate.start):
        return None
    if _HEADER.search(name) and (header := _PARAMETERS.match(text, end)):
        return Span(end, header.end())
    scheme = (_ANY_SCHEME if _HEADER.search(name) else _SCHEME).match(text, end)
    typed = _TYPE.match(text, end)
    place = scheme.end() if scheme else typed.end() if typed else end
    found = value_at(line, candidate.start, place)
    if found is None or _is_harmless(line, name, found):
        return None
    return Span(end if scheme else found.start, found.end)


def _is_harmless(line: Line, name: bytes, found: Value) -> bool:
    text = line.text
    value = text[found.start : found.end]
    if is_placeholder(value) or (is_working_directory(name) and is_directory(value)):
        return True
    if _LICENSE.search(name) and not is_random(value, 12):
        return True
    if _TOKEN.search(name) and (_COUNT.fullmatch(value) or _LOGPROB.match(text, found.end)):
        return True
    if _PREFIX.match(text, found.start):
        return True
    if found.quoted:
        return is_sentence(value)
    return _is_prose(text, name, found) or is_code(value) or _COMPARED.search(name) is not None


def _is_prose(text: bytes, name: bytes, found: Value) -> bool:
    """A colon and a word that goes on with the sentence: `invalid token: expected a string`."""
    value = text[found.start : found.end]
    return name.rstrip().endswith(b":") and value.isalpha() and is_prose_word(value)


def _rule(name: str, kind: Kind, names: str) -> Rule:
    return Rule(
        name=name,
        kind=kind,
        core=rf"{names}{SUFFIX}(?: ?\([^()\n]{{1,24}}\))?{QUOTE}\*{{0,2}}[ \t]{{0,4}}"
        r"(?::=|=>|->|:\*\*[ \t]|={1,3}|:)[ \t]{0,4}",
        check=_value,
        rest=r"\\.|[^\"'\n\\]",
        source="names in use; RFC 8259 for strings, RFC 9110 §11.6.2 for Authorization; "
        "forms of assignment after gitleaks (MIT)",
        score=0.8,
    )


RULES = (
    _rule("named_password", Kind.PASSWORD, PASSWORD_NAME),
    _rule("named_token", Kind.API_KEY, TOKEN_NAME),
)
