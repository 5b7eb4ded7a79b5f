"""Tokens behind the name of an HTTP authentication scheme."""

from __future__ import annotations

import re

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import WORD_START, Candidate, Rule, Span

_SCHEME = re.compile(rb"[A-Za-z]+[ \t]+")
_WORDS = re.compile(rb"[A-Za-z.\-]{1,15}")


def _token(candidate: Candidate) -> Span | None:
    """A short plain word is prose (`bearer token`, `basic auth`)."""
    text, scheme = candidate.line.text, _SCHEME.match(candidate.line.text, candidate.start)
    start = scheme.end() if scheme else candidate.start
    end = start + len(text[start : candidate.end].rstrip(b",.)]}:"))
    return None if end <= start or _WORDS.fullmatch(text, start, end) else Span(start, end)


RULE = Rule(
    name="bearer_token",
    kind=Kind.API_KEY,
    before=WORD_START,
    core=r"(?i:bearer|basic)[ \t]{1,4}[A-Za-z0-9._~+/=\-]{6,}",
    check=_token,
    ahead=0,
    source="RFC 6750 §2.1 (Bearer), RFC 7617 §2 (Basic)",
)
