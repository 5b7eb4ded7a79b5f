"""Secrets as what a function named after them is given: `setPassword("...")`, `PASSWORD('...')`, `("x-api-key", "...")`."""

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


RULES = (
    Rule(
        name="secret_in_call",
        kind=Kind.PASSWORD,
        core=rf"(?:{PASSWORD_NAME}|{TOKEN_NAME})\([ ]?(?:[a-z]{{1,2}})?",
        after=r"\\{0,15}[\"']",
        check=_argument,
        source="SQL and programming languages: string literals as arguments",
        score=0.75,
    ),
    Rule(
        name="header_in_tuple",
        kind=Kind.PASSWORD,
        core=r"\\{0,15}[\"'](?i:(?:proxy-)?authorization|cookie|set-cookie|x-[a-z\-]{0,24}(?:key|token|secret))\\{0,15}[\"'],[ ]?b?",
        after=r"\\{0,15}[\"']",
        check=_argument,
        source="ASGI specification: headers are pairs",
        score=0.75,
    ),
)
