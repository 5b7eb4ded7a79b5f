"""Passwords in SQL: `IDENTIFIED BY '...'`, `PASSWORD '...'`, and values of an INSERT whose column is named so."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import WORD_START, Candidate, Rule, Span

_LITERAL = compiled_later(rb"[NEne]?\\?'((?:[^'\"\\\n]|'')*)")
_SECRET = compiled_later(
    rb"(?:\w*_)?(?:password|passwd|pwd|pass|passphrase|secret|api_?key|token|secret_?key|private_?key)(?:_?[0-9])?",
    re.IGNORECASE,
)
_VALUE = compiled_later(
    rb"[ \t]*([NEne]?\\?'((?:[^'\"\\\n]|''){0,512})\\?'|[^,'\"()\\\n]{1,128}(?:\([^()'\"\\\n]{0,64}\))?)[ \t]*(,|\))"
)
_MOST_COLUMNS = 64
_COLUMNS = compiled_later(rb"([^()\n]{1,1024})\)(?:\s|\\n){0,8}values?(?:\s|\\n){0,8}\(", re.IGNORECASE)


def _literal(candidate: Candidate) -> Span | None:
    found = _LITERAL.match(candidate.line.text, candidate.end)
    if found is None or not found.group(1) or is_placeholder(found.group(1)):
        return None
    return Span(*found.span(1))


def _column(candidate: Candidate) -> Span | None:
    """The value that stands where the column's name stands among the names."""
    text = candidate.line.text
    columns = _COLUMNS.match(text, candidate.end)
    if columns is None:
        return None
    names, place = columns.group(1).split(b",")[:_MOST_COLUMNS], columns.end()
    for name in names:
        found = _VALUE.match(text, place)
        if found is None:
            return None
        if _SECRET.fullmatch(name.strip(b" \t\"'`[]\\")) and found.group(2) and not is_placeholder(found.group(2)):
            return Span(*found.span(2))
        place = found.end()
    return None


RULES = (
    Rule(
        name="sql_password",
        kind=Kind.PASSWORD,
        before=WORD_START,
        core=(
            r"(?i:identified[ ](?:with[ ][\w\"'`]{1,40}[ ])?(?:by|as)[ ](?:password[ ])?"
            r"|password[ ]{1,2}(?:for[ ][^\n=;]{1,80}?[ ]?=[ ]?)?"
            r"|encrypted[ ]password[ ]|secret[ ])"
        ),
        after=r"[NEne]?\\?'",
        check=_literal,
        source="manuals of MySQL (CREATE USER), PostgreSQL (ALTER ROLE), SQL Server and Oracle",
        score=0.85,
    ),
    Rule(
        name="sql_column",
        kind=Kind.PASSWORD,
        before=WORD_START,
        core=(r"(?i:(?:insert|replace)[ ](?:or[ ][a-z]{1,10}[ ]|ignore[ ])?into[ ])[A-Za-z0-9_.\"`\[\]\\]{1,80}[ ]?\("),
        check=_column,
        source="ISO/IEC 9075-2: insert statement",
        score=0.8,
    ),
)
