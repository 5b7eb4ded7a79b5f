"""Cookies and identifiers of sessions: whoever has them is logged in."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.checks.secret_name import QUOTE
from roadworthy.guard.text.checks.secret_value import value_at
from roadworthy.guard.text.checks.shape import is_mixed, is_random
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_COOKIES = compiled_later(rb"[\w.\-%]{1,64}=[^\s;,\"'\\]*(?:;[ ]?[\w.\-%]{1,64}=[^\s;,\"'\\]*)*")
_ONE = compiled_later(rb"[\w.\-%]{1,64}=([^\s;,\"'\\]+)")
_LEAST = 10


def _header(candidate: Candidate) -> Span | None:
    """All cookies that are sent; of one that is set the value alone, its attributes are no secret."""
    text, start = candidate.line.text, candidate.end
    quoted = text[start : start + 1] in (b'"', b"'", b"\\")
    if quoted and (found := value_at(candidate.line, candidate.start, start)) is not None:
        start, limit = found.start, found.end
    else:
        limit = len(text)
    sets = candidate.value[:1] in b"sS"
    match = (_ONE if sets else _COOKIES).match(text, start, limit)
    if match is None:
        return None
    first, last = match.span(1) if sets else match.span()
    return None if is_placeholder(text[first:last]) else Span(first, last)


def _session(candidate: Candidate) -> Span | None:
    """A number or a short word is a name that the application gave, and no secret; so is a UUID."""
    found = value_at(candidate.line, candidate.start, candidate.end)
    if found is None:
        return None
    value = candidate.line.text[found.start : found.end]
    if is_placeholder(value) or not is_mixed(value) or not is_random(value, _LEAST):
        return None
    return Span(found.start, found.end)


RULES = (
    Rule(
        name="cookie_header",
        kind=Kind.PASSWORD,
        before=r"(?:^|[^0-9A-Za-z_\-]|\\[nrt])",
        core=rf"(?i:(?:set-)?cookie2?){QUOTE}[ ]?[:=][ ]?",
        check=_header,
        source="RFC 6265 §4",
        score=0.85,
    ),
    Rule(
        name="session_id",
        kind=Kind.PASSWORD,
        before=r"(?:^|[^0-9A-Za-z]|\\[nrt])",
        core=(
            r"(?i:jsessionid|phpsessid|asp\.net_sessionid|aspsessionid[a-z]{8}|connect\.sid|laravel_session"
            r"|_gitlab_session|sessionid"
            r"|session[_\-]?(?:key|cookie|secret)|sess(?:ion)?[_\-]?id|session|sess|sid|remember[_\-]?me|xsrf|csrf"
            r"|ci_session"
            rf"|__(?:host|secure)-[a-z\-_]{{1,32}}){QUOTE}[ ]?[:=][ ]?"
        ),
        check=_session,
        source="OWASP: session management cheat sheet; names of frameworks",
        score=0.7,
    ),
)
