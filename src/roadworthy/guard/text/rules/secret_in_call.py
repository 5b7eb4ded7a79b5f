"""Secrets that a function named after them is given: `setPassword("...")`, and pairs: `("x-api-key", "...")`."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_placeholder, is_sentence
from roadworthy.guard.text.checks.secret_name import PASSWORD_NAME, TOKEN_NAME
from roadworthy.guard.text.checks.secret_value import value_at
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span


def _argument(candidate: Candidate) -> Span | None:
    text, start = candidate.line.text, candidate.end
    found = value_at(candidate.line, candidate.start, start)
    if found is None or not found.quoted:
        return None
    value = text[found.start : found.end]
    return None if is_placeholder(value) or is_sentence(value) else Span(found.start, found.end)


def _call(name: str, kind: Kind, names: str) -> Rule:
    return Rule(
        name=name,
        kind=kind,
        core=rf"{names}\([ ]?(?:[a-z]{{1,2}})?",
        after=r"\\{0,15}[\"']",
        check=_argument,
        source="SQL and programming languages: string literals as arguments",
        score=0.75,
    )


RULES = (
    _call("password_in_call", Kind.PASSWORD, PASSWORD_NAME),
    _call("token_in_call", Kind.API_KEY, TOKEN_NAME),
    Rule(
        name="header_in_tuple",
        kind=Kind.API_KEY,
        core=r"\\{0,15}[\"'](?i:(?:proxy-)?authorization|cookie|set-cookie|"
        r"x-[a-z\-]{0,24}(?:key|token|secret))\\{0,15}[\"'],[ ]?b?",
        after=r"\\{0,15}[\"']",
        check=_argument,
        source="ASGI specification: headers are pairs",
        score=0.75,
    ),
)
