"""Passwords in URLs and database connection strings: what stands between `scheme://user:` and `@`."""

from __future__ import annotations

import re
from itertools import islice

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_AUTHORITY = compiled_later(rb"(?:[^\s\"'<>\\]++|\\\\|\\/|\\u[0-9A-Fa-f]{4})++")
_QUERY = compiled_later(rb"\?[A-Za-z_][\w.\-]{0,40}=")
_NEXT = compiled_later(rb"://|&[A-Za-z_][\w.\-]{0,40}=")
_PATH = compiled_later(rb"[/?#]")
_PORT = compiled_later(rb"[0-9]{0,5}(?:\\?/|[?#\s\"'<>]|\Z)")
_BEFORE_HOST = compiled_later(
    rb"@(?=(?:\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9_.\-]++|\$\{[^}]{0,64}\}|\{\{[^}]{0,64}\}\})"
    rb"(?:[/:?#,;&\\\s\"'<>)\]}|`\x80-\xff]|\Z))"
)
_DATABASE = compiled_later(
    rb"(?:postgres\w*|mysql\w*|mariadb\w*|mongo\w*|redis\w*|amqps?|mssql|sqlserver|oracle|clickhouse\w*|cockroachdb|snowflake"
    rb"|cassandra|couchdb|neo4j|bolt|ldaps?|kafka|nats|smtps?|imaps?|s?ftp|db2|hive|trino|presto|redshift|timescale\w*)"
    rb"(?:\+[\w.]{1,24})?\Z",
    re.IGNORECASE,
)
_SCHEME = compiled_later(rb"[A-Za-z][A-Za-z0-9+.\-]{0,40}\Z")
_LONGEST = 512
_LONGEST_HOST = 257
_MOST_AT = 16


def _password(candidate: Candidate) -> Span | None:
    """Up to the @ before the host: the last one before a path, as an escaped one is decoded here.

    In a database's URL it is the last one of all: people forget to escape theirs, and slashes too.
    """
    text, start = candidate.line.text, candidate.end
    if text.find(b"@", start, start + _LONGEST) < 0 or _PORT.match(text, start):
        return None
    found = _AUTHORITY.match(text, start, start + _LONGEST)
    if found is None:
        return None
    end = _end(text, start, found.end(), _is_database(text, candidate.start))
    if end is None:
        return None
    if b"@" in candidate.value and b"/" in text[start:end]:
        return None  # a user name with an @, and a path: `git@host:group/name@v1`
    return None if is_placeholder(text[start:end]) else Span(start, end)


def _end(text: bytes, start: int, limit: int, database: bool) -> int | None:
    query = _QUERY.search(text, start, limit)
    stop = query.start() if query else limit
    following = _NEXT.search(text, start, stop)
    ends = _ends(text, start, following.start() if following else stop)
    if not ends and following:
        ends = _ends(text, start, stop)
    if not ends and query and text.find(b"/", start, stop) < 0:
        ends = _ends(text, start, limit)  # the question mark is the password's
    if not ends or database:
        return ends[-1] if ends else None
    path = _PATH.search(text, start, limit)
    before_path = [end for end in ends if path is None or end < path.start()]
    return before_path[-1] if before_path else ends[0]


def _ends(text: bytes, start: int, limit: int) -> list[int]:
    """Every @ behind which a host stands, of the first ones."""
    found = _BEFORE_HOST.finditer(text, start + 1, limit + _LONGEST_HOST)
    return [place for at in islice(found, _MOST_AT) if (place := at.start()) < limit]


def _is_database(text: bytes, start: int) -> bool:
    scheme = _SCHEME.search(text, max(0, start - 41), start)
    return scheme is not None and _DATABASE.search(scheme.group()) is not None


RULE = Rule(
    name="url_password",
    kind=Kind.URL_PASSWORD,
    core=r":\\?/\\?/[^\s\"'<>/\\:\[]{0,256}:",
    check=_password,
    source="RFC 3986 §3.2.1 (userinfo), libpq and SQLAlchemy connection URLs",
    score=0.95,
)
