"""Passwords in URLs and database connection strings: what stands between `scheme://user:` and `@`."""

from __future__ import annotations

import re

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_ESCAPED = rb"\\\\|\\/|\\u[0-9A-Fa-f]{4}"
_PASSWORD = re.compile(rb"((?:" + _ESCAPED + rb"|[^\s\"'<>\\/?#])+)@")
_WITH_SLASH = re.compile(rb"((?:" + _ESCAPED + rb"|[^\s\"'<>\\@])+)@")
_PORT = re.compile(rb"[0-9]*(?:\\?/|[?#])")
_LONGEST = 1_024


def _password(candidate: Candidate) -> Span | None:
    """Slashes included, unless it is a port and a path."""
    text, start = candidate.line.text, candidate.end
    found = _PASSWORD.match(text, start, start + _LONGEST)
    if found is None and not _PORT.match(text, start):
        found = _WITH_SLASH.match(text, start, start + _LONGEST)
    if found is None or found.group(1) == b"***MASKED***":
        return None
    return Span(start, found.end(1))


RULE = Rule(
    name="url_password",
    kind=Kind.URL_PASSWORD,
    core=r":\\?/\\?/[^\s\"'<>@/\\:\[]{0,256}:",
    check=_password,
    ahead=0,
    reach=r"[^\s\"'<>]{0,1200}",
    source="RFC 3986 §3.2.1 (userinfo), libpq and SQLAlchemy connection URLs",
    score=0.95,
)
