"""JSON Web Tokens: signed, unsigned, encrypted, cut off."""

from __future__ import annotations

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_PARTS = compiled_later(rb"eyJ[A-Za-z0-9_\-]{6,2048}(?:\.[A-Za-z0-9_\-]*){0,4}={0,2}")
_HEADER = compiled_later(rb"eyJ(?:hbGci|0eXAi|raWQi|lbmMi|4NXQi|jdHki|qa3Ui|wMnMi|6aXAi)")


def _token(candidate: Candidate) -> Span | None:
    """Two parts at least, or one that begins as a header does: `alg`, `typ`, `kid`, `enc`, `x5t`, `cty`, `jku`."""
    text, start = candidate.line.text, candidate.start
    found = _PARTS.match(text, start)
    if found is None:
        return None
    value = found.group()
    while value.endswith(b".") and not _is_escaped(candidate, start + len(value) - 1):
        value = value[:-1]
    if b"." not in value.rstrip(b".") and not _HEADER.match(value):
        return None
    return Span(start, start + len(value))


def _is_escaped(candidate: Candidate, place: int) -> bool:
    """Whether the point is written as an escape: then it ends a token without signature, not a sentence."""
    first, last = candidate.line.raw_span(place, place + 1)
    return last - first > 1


RULE = Rule(
    name="jwt",
    kind=Kind.JWT,
    before=r"(?:^|[^0-9A-Za-z]|\\[bfnrt])",
    core=r"eyJ[A-Za-z0-9_\-]{9}",
    check=_token,
    source="RFC 7519 §3, RFC 7515 §3.1, RFC 7516 §3.1; `eyJ` is Base64 of an opening brace and a quote",
    score=0.96,
)
