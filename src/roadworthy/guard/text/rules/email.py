"""E-mail addresses. The pattern starts at the @, a sure and short mark; the check looks back for the local part."""

from __future__ import annotations

import re

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LOCAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_LONGEST_LOCAL = 256  # RFC 5321 §4.5.3.1.1 allows 64
_USERINFO = re.compile(rb"://[^\s\"'<>,/@]*:[^\s\"'<>,?#]*\Z")
"""In front of the @ of a URL with a password; what stands there is the business of `url_password`."""


def _address(candidate: Candidate) -> Span | None:
    text, start = candidate.line.text, candidate.start
    before = text[max(0, start - _LONGEST_LOCAL) : start]
    local = len(before) - len(before.rstrip(_LOCAL))
    if not local or _USERINFO.search(before):
        return None
    return Span(start - local, candidate.end)


RULE = Rule(
    name="email",
    kind=Kind.EMAIL,
    core=r"(?:@|%40)(?:[A-Za-z0-9\-]+\.)+(?:xn--[A-Za-z0-9\-]+|[A-Za-z]{2,})",
    check=_address,
    lead=r"[A-Za-z0-9._%+\-]{1,256}",
    ahead=0,
    source="RFC 5321 §4.1.2 (dot-string mailboxes), RFC 5890 for xn-- labels",
)
