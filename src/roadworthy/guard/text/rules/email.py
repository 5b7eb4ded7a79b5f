"""E-mail addresses. The pattern starts at the @, a sure and short mark; the check looks back for the local part."""

from __future__ import annotations

import re

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_LOCAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_LONGEST_LOCAL = 256  # RFC 5321 §4.5.3.1.1 allows 64
_USERINFO = compiled_later(rb"://[^\s\"'<>,/]*:[^\s\"'<>,?]*\Z")
"""In front of the @ of a URL with a password; what stands there is the business of `url_password`."""

_NOT_A_MAILBOX = compiled_later(
    rb"\A(?:git|hg|svn)@|@[0-9](?:\.[0-9])?x\.[0-9A-Za-z.]+\Z"
    rb"|@[^@]*\.(?:service|socket|timer|slice|scope|mount|automount|swap|device)\Z",
    re.IGNORECASE,
)
"""A repository's user, pictures for dense screens (`logo@2x.png`), systemd's units (`getty@tty1.service`)."""
_PROSE = compiled_later(rb"meet|look|only|now|available|us|me|is|it|here|live", re.IGNORECASE)


_OTHER_LETTERS = compiled_later(rb"(?:[\xc3-\xc9\xd0\xd1][\x80-\xbf])+\Z")


def _local_part(before: bytes) -> int:
    """Bytes of the local part at the end of what stands before the @.

    Latin letters with accents and Cyrillic ones belong to it inside of it, or when it has no others.
    """
    rest = before.rstrip(_LOCAL)
    while rest[-1:] >= b"\x80" and (letters := _OTHER_LETTERS.search(rest)):
        shorter = rest[: letters.start()].rstrip(_LOCAL)
        if len(shorter) == letters.start() and len(rest) < len(before):
            break
        rest = shorter
    return len(before) - len(rest)


def _address(candidate: Candidate) -> Span | None:
    text, start = candidate.line.text, candidate.start
    before = text[max(0, start - _LONGEST_LOCAL) : start]
    local = _local_part(before)
    if (
        not local
        or (b"://" in before and _USERINFO.search(before))
        or _NOT_A_MAILBOX.search(text[start - local : candidate.end])
    ):
        return None
    return Span(start - local, candidate.end)


def _spelled(candidate: Candidate) -> Span | None:
    """One space may stand before the mark."""
    text, end = candidate.line.text, candidate.start
    end -= text[end - 1 : end] == b" "
    before = text[max(0, end - _LONGEST_LOCAL) : end]
    local = len(before) - len(before.rstrip(_LOCAL))
    if not local or _PROSE.fullmatch(before[-local:]):
        return None
    return Span(end - local, candidate.end)


_SOURCE = "RFC 5321 §4.1.2 (dot-string mailboxes), RFC 6531 §3.3 (other letters), RFC 5890 for xn-- labels"
_LETTER = r"[\xc3-\xd4][\x80-\xbf]"
"""Latin with accents, Greek, Cyrillic. Other scripts write words without spaces: behind an address they are no part."""
_LABEL = rf"(?:[A-Za-z0-9\-]|{_LETTER})+"
_ANY_LABEL = r"(?:[\xe0-\xed][\x80-\xbf]{2}){1,63}"
_TOP_CYRILLIC = r"(?:[\xd0\xd1][\x80-\xbf]){2,12}"
_AT = r"(?:\[ ?at ?\]|\( ?at ?\)|\{ ?at ?\}|<at>) ?"
_DOT = r"(?:\.| ?(?:\[ ?dot ?\]|\( ?dot ?\)|\{ ?dot ?\}) ?)"
RULES = (
    Rule(
        name="email",
        kind=Kind.EMAIL,
        core=rf"(?:@|%40)(?:{_ANY_LABEL}|{_LABEL})\.(?:{_LABEL}\.)*(?:xn--[A-Za-z0-9\-]+|[A-Za-z]{{2,}}|{_TOP_CYRILLIC})",
        check=_address,
        lead=r"(?:[A-Za-z0-9._%+\-]|[\xc3-\xc9\xd0\xd1][\x80-\xbf]){1,256}",
        ahead=0,
        source=_SOURCE,
    ),
    Rule(
        name="email_spelled",
        kind=Kind.EMAIL,
        core=rf"(?i:{_AT})[A-Za-z0-9\-]{{1,63}}(?i:{_DOT}[A-Za-z0-9\-]{{2,63}}){{1,4}}",
        check=_spelled,
        lead=r"[A-Za-z0-9._%+\-]{1,256} ?",
        ahead=0,
        source="the usual way to hide an address from collectors",
        score=0.7,
    ),
)
