"""Tokens behind the name of an HTTP authentication scheme."""

from __future__ import annotations

import base64

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import WORD_START, Candidate, Rule, Span

_SCHEME = compiled_later(rb"[A-Za-z]+[ \t]+")
_WORDS = compiled_later(rb"[A-Za-z]{1,15}(?:[.\-/][A-Za-z]{1,24})*")
_BASE64 = compiled_later(rb"[A-Za-z0-9+/]{6,1024}={0,2}")


def _token(candidate: Candidate) -> Span | None:
    """A plain word is prose (`bearer token`, `basic auth`); what basic holds is Base64 with a colon in it."""
    text, scheme = candidate.line.text, _SCHEME.match(candidate.line.text, candidate.start)
    start = scheme.end() if scheme else candidate.start
    end = start + len(text[start : candidate.end].rstrip(b",.)]}:"))
    value = text[start:end]
    if not value or is_placeholder(value):
        return None
    if candidate.value[:2].lower() == b"ba" and not _is_pair(value):
        return None
    return None if _WORDS.fullmatch(value) and not _is_pair(value) else Span(start, end)


def _is_pair(value: bytes) -> bool:
    found = _BASE64.fullmatch(value)
    if found is None:
        return False
    bare = value.rstrip(b"=")
    decoded = base64.b64decode(
        bare[: len(bare) - (len(bare) % 4 == 1)] + b"=" * (-(len(bare) - (len(bare) % 4 == 1)) % 4)
    )
    return b":" in decoded and all(0x20 <= byte < 0x7F or byte >= 0xC2 for byte in decoded[: decoded.index(b":")])


RULE = Rule(
    name="bearer_token",
    kind=Kind.API_KEY,
    before=WORD_START,
    core=r"(?i:bearer|basic|kakaoak|apikey|splunk|ssws|genie-?key)[ \t]{1,4}[A-Za-z0-9._~+/=\-]{6,}",
    check=_token,
    source="RFC 6750 §2.1 (Bearer), RFC 7617 §2 (Basic); Kakao, Elastic, Splunk, Okta: their schemes",
)
