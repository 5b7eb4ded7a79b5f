"""Secrets behind their name: `password=…`, `"api_key": "…"`, `Authorization: …`, also in JSON inside of JSON."""

from __future__ import annotations

import re

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.place import quote_depth
from roadworthy.guard.text.rule import Candidate, Rule, Span

_SCHEME = re.compile(rb"(?:bearer|basic|token|digest|apikey)[ \t]{1,4}(?=\S)", re.IGNORECASE)
_BARE = re.compile(rb"(?:\\\\|\\/|\\u[0-9A-Fa-f]{4}|[^\s\"'\\&;<>])+")
_JSON_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[ \t]*(?:[,}\]\r\n]|\Z))")
_LITERAL = re.compile(rb"(?:(?:true|false|null|none|undefined)|env:[a-z][a-z0-9_]*)(?![0-9a-z_])", re.IGNORECASE)
_MARK = re.compile(rb"\*\*\*[A-Z0-9_]*MASKED[^*]{0,5}\*\*\*")
# as many backslashes as a quote has that stands 0, 1, 2, 3 or 4 strings deep
_OPEN = re.compile(rb"(?:\\{15}|\\{7}|\\{3}|\\)?\"|'")
_QUOTE = re.compile(rb'(\\*)"|\n')
_SINGLE = re.compile(rb"(?:\\.|[^'\"\\\n])*")
_AFTER_STRING = re.compile(rb"[ \t\r\n]*(?:[,}\]:]|\Z)|\n")


def _end_of_quoted(text: bytes, start: int, depth: int) -> int:
    """Where the text of a double-quoted string ends that was opened at `depth`; a shallower quote ends it too."""
    for quote in _QUOTE.finditer(text, start):
        if quote.group() == b"\n":
            return quote.start()
        found = quote_depth(len(quote.group(1)))
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


def _value(candidate: Candidate) -> Span | None:
    text, end = candidate.line.text, candidate.end
    if _LITERAL.match(text, end) or _MARK.match(text, end):
        return None
    opened = _OPEN.match(text, end)
    if opened is None:
        return _unquoted(text, end)
    mark = opened.group()
    if mark == b'"' and _AFTER_STRING.match(text, opened.end()) and candidate.line.inside_string(end):
        return None  # the quote ends the JSON string in which the name stands
    value = opened.end()
    stop = _end_of_single(text, value) if mark[-1:] == b"'" else _end_of_quoted(text, value, quote_depth(len(mark) - 1))
    if stop <= value or _LITERAL.fullmatch(text, value, stop) or _MARK.fullmatch(text, value, stop):
        return None
    return Span(value, stop)


def _unquoted(text: bytes, start: int) -> Span | None:
    if text[start : start + 1] in (b"{", b"[", b""):
        return None
    number = _JSON_NUMBER.match(text, start)
    stop = number.end() if number else _bare_value(text, start)
    return Span(start, stop) if stop > start else None


_NAMES = (
    r"(?i:passw(?:or)?d|passwd|passphrase|pwd|secret(?:[_\-]?key)?|token|(?:api|access|private|auth)[ _\-]?key"
    r"(?: provided)?|(?:proxy-)?authorization|credentials?)"
)

_REACH = (
    r"(?is)\\*(?:\"(?:[^\"\\\n]|\\.)*\\?)?"
    r"|\\+\"(?:[^\"\\\n]|\\+[^\\\n])*\\*"
    r"|'(?:[^'\"\\\n]|\\.)*\\?"
    r"|(?:(?:bearer|basic|token|digest|apikey)[ \t]{1,4})?[^\s\"'&;<>]*"
    r"|-?[0-9.eE+\-]+[ \t]*"
    r"|\*\*\*[A-Z0-9_]*MASKED[^*]{0,5}\*{0,3}"
)
"""What the check reads: a string up to its end, a word behind the name of a scheme, a number and what ends it."""

RULE = Rule(
    name="named_secret",
    kind=Kind.PASSWORD,
    core=rf"{_NAMES}\\{{0,15}}[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}",
    check=_value,
    ahead=0,
    reach=_REACH,
    rest=r"\\.|[^\"'\n\\]",
    source="names in use; RFC 8259 for strings, RFC 9110 §11.6.2 for Authorization",
    score=0.8,
)
