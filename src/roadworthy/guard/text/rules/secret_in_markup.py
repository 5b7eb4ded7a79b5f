"""Secrets in XML and HTML, and in pairs of a name and a value: `<password>...`, `key="password" value="..."`."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.placeholder import is_placeholder, is_sentence
from roadworthy.guard.text.checks.secret_name import PASSWORD_NAME, SUFFIX, TOKEN_NAME, is_harmless_name
from roadworthy.guard.text.checks.secret_value import end_of_quoted
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.place import quote_depth
from roadworthy.guard.text.rule import Candidate, Rule, Span

_TEXT = compiled_later(rb"[ \t]*(?:<!\[CDATA\[)?((?:\\\\|\\/|[^<\n\"\\])+?)(?:\]\]>)?[ \t]*<")
_OPEN = compiled_later(rb"(\\*)(\"|')")
_NAMED = compiled_later(
    rb"(?:name|key|id|field|variable|header"
    rb"|property)(?:\\*[\"'])?[ ]?[:=][ ]?\\*[\"'][\w:.\- ]{0,61}\Z",
    re.IGNORECASE,
)
_LONGEST = 1_024
_LOOK_BACK = 80


def _element(candidate: Candidate) -> Span | None:
    text = candidate.line.text
    found = _TEXT.match(text, candidate.end, candidate.end + _LONGEST)
    if found is None:
        return None
    value = found.group(1)
    if is_placeholder(value) or is_sentence(value) or is_harmless_name(text, candidate.start):
        return None
    return Span(*found.span(1))


def _pair(candidate: Candidate) -> Span | None:
    text, opened = candidate.line.text, _OPEN.match(candidate.line.text, candidate.end)
    if opened is None or not _NAMED.search(text, max(0, candidate.start - _LOOK_BACK), candidate.start + 1):
        return None
    start = opened.end()
    if opened.group(2) == b'"':
        end = end_of_quoted(text, start, quote_depth(len(opened.group(1))))
    else:
        end = min((place for mark in (b"'", b'"', b"\\") if (place := text.find(mark, start)) >= 0), default=start)
    value = text[start:end]
    return None if is_placeholder(value) or is_sentence(value) or not value else Span(start, end)


_ESCAPED_QUOTE = r"\\{0,15}[\"']"


def _rules(noun: str, kind: Kind, names: str) -> tuple[Rule, ...]:
    name = f"{names}{SUFFIX}"
    return (
        Rule(
            name=f"{noun}_in_element",
            kind=kind,
            core=rf"<[A-Za-z0-9_:.\-]{{0,40}}{name}(?:[ ][^<>\n]{{0,128}})?>",
            check=_element,
            source="XML 1.0 §3.1",
            score=0.8,
        ),
        Rule(
            name=f"{noun}_in_named_element",
            kind=kind,
            core=(
                rf"(?:key|name|id)={_ESCAPED_QUOTE}[A-Za-z0-9_:.\-]{{0,60}}{name}{_ESCAPED_QUOTE}[ ]?>"
                rf"|<key>[A-Za-z0-9_:.\- ]{{0,60}}{name}<\\?/key>[ \t]{{0,8}}<string>"
            ),
            check=_element,
            source="Java: XML properties; Android: string resources; Apple: property lists",
            score=0.8,
        ),
        Rule(
            name=f"{noun}_in_pair",
            kind=kind,
            core=(
                rf"{name}{_ESCAPED_QUOTE}[ ]?,?[ ]?(?:type=[^<>\s]{{1,24}}[ ])?\\{{0,15}}[\"']?(?i:value|val|content"
                rf"|secret)"
                r"\\{0,15}[\"']?[ ]?[:=][ ]?"
            ),
            after=_ESCAPED_QUOTE,
            check=_pair,
            source="Kubernetes: EnvVar; .NET: appSettings; HTML: input; HAR: headers",
            score=0.8,
        ),
    )


RULES = (*_rules("password", Kind.PASSWORD, PASSWORD_NAME), *_rules("token", Kind.API_KEY, TOKEN_NAME))
