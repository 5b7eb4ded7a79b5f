"""Passwords in connection strings that are no URLs: ADO.NET, ODBC, Oracle, Go's MySQL driver, pgpass, netrc."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_QUOTED = compiled_later(rb"(?:'([^'\"\\\n]+)'|\{([^{}\"\\\n]+)\})(?=[ ]?(?:;|[\"'\s]|\Z))")
_TO_SEMICOLON = compiled_later(rb"[^;\"'\\\n\x0c]+")
_FIELD = compiled_later(rb"[A-Za-z][A-Za-z _]{1,30}=[^=;\"\n]{0,200}\Z")
_LONGEST = 256
_USER_AND_PASSWORD = compiled_later(rb"(?:[\w.\-]{1,40}=)?[\w.\-]{1,64}:(.{1,200})")
_WORD_ENDS = (b" ", b"\t", b"\x0c", b'"', b"'", b"\\")
_USER = compiled_later(rb"[\w.\-*]{1,64}:")
_LAST_HOST = compiled_later(rb"(?<![^\s\"'])[\w.\-*]{1,128}\Z")
_WORD = compiled_later(rb"[^\s\"'\\;]+")


def _to_semicolon(candidate: Candidate) -> Span | None:
    """In quotes or braces as the driver writes them, or up to the semicolon, spaces included."""
    text, start = candidate.line.text, candidate.end
    if not _FIELD.search(text, max(0, candidate.start - _LONGEST), candidate.start):
        return None
    quoted = _QUOTED.match(text, start, start + _LONGEST)
    found = quoted or _TO_SEMICOLON.match(text, start, start + _LONGEST)
    if found is None:
        return None
    first, last = found.span(found.lastindex or 0)
    if quoted is None and text[last : last + 1] != b";" and b" " in text[first:last]:
        last = text.index(b" ", first)
    return None if is_placeholder(text[first:last]) else Span(first, last)


def _before_network(candidate: Candidate) -> Span | None:
    text, end = candidate.line.text, candidate.start
    first = max(0, end - _LONGEST, *(text.rfind(mark, 0, end) + 1 for mark in _WORD_ENDS))
    found = _USER_AND_PASSWORD.fullmatch(text, first, end)
    return Span(*found.span(1)) if found and not is_placeholder(found.group(1)) else None


def _word(candidate: Candidate) -> Span | None:
    found = _WORD.match(candidate.line.text, candidate.end, candidate.end + _LONGEST)
    return Span(*found.span()) if found and not is_placeholder(found.group()) else None


def _pgpass(candidate: Candidate) -> Span | None:
    """`host:port:database:user:password`, alone on its line or as a word."""
    text, start = candidate.line.text, candidate.start
    user = _USER.match(text, candidate.end)
    if user is None or not _LAST_HOST.search(text, max(0, start - _LONGEST), start):
        return None
    found = _WORD.match(text, user.end(), user.end() + _LONGEST)
    return Span(*found.span()) if found and not is_placeholder(found.group()) else None


def _oracle(candidate: Candidate) -> Span | None:
    start = candidate.value.rfind(b"/", 0, -1) + 1 + candidate.start
    return Span(start, candidate.end) if not is_placeholder(candidate.line.text[start : candidate.end]) else None


RULES = (
    Rule(
        name="ado_password",
        kind=Kind.URL_PASSWORD,
        core=r"(?i:;[ ]?(?:password|pwd)[ ]?=[ ]?)",
        check=_to_semicolon,
        source="Microsoft: SqlConnection.ConnectionString, ODBC: connection strings",
        score=0.9,
    ),
    Rule(
        name="dsn_password",
        kind=Kind.URL_PASSWORD,
        core=r"@(?:tcp[46]?|unix)\(",
        lead=r"(?:[A-Za-z0-9_.\-]{1,40}=)?[A-Za-z0-9_.\-]{1,64}:[^ \t\x0c\"'\\\n]{1,200}",
        check=_before_network,
        source="go-sql-driver/mysql: DSN",
        score=0.9,
    ),
    Rule(
        name="oracle_password",
        kind=Kind.URL_PASSWORD,
        core=r"(?:oracle:(?:thin|oci):|(?:sqlplus|sqlldr|expdp|impdp|exp|imp|rman target)[ ](?:-[SLsl][ ])?)"
        r"[A-Za-z0-9_$#]{1,64}/[^\s\"'@/\\]{1,64}",
        after=r"@",
        check=_oracle,
        source="Oracle: JDBC thin URL, SQL*Plus: CONNECT",
        score=0.9,
    ),
    Rule(
        name="pgpass",
        kind=Kind.URL_PASSWORD,
        core=r":(?:5432|5433|6432):[A-Za-z0-9_.\-*]{1,64}:",
        check=_pgpass,
        source="PostgreSQL: the password file",
        score=0.85,
    ),
    Rule(
        name="netrc",
        kind=Kind.PASSWORD,
        core=r"login[ \t]{1,4}[^\s\"\\]{1,64}[ \t]{1,4}password[ \t]{1,4}",
        check=_word,
        source="The .netrc file (ftp(1), curl)",
        score=0.85,
    ),
)
