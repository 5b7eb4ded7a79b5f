"""Secrets on command lines: `--password pw`, `mysql -ppw`, `curl -u user:pw`, `sshpass -p pw`, `redis-cli -a pw`."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_code, is_placeholder, is_prose_word
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_ARGUMENT = compiled_later(
    rb"\\?'([^'\"\\\n]{1,256})\\?'|(\\{0,3})\"((?:(?!\2\")[^\n]){1,256})\2\"|([^\s\"'\\;|&<>-][^\s\"'\\;|<>]{0,255})"
)
_WANTED = {
    b"p": compiled_later(
        rb"(?<![\w\-])(?:mysql\w*|mariadb[\w\-]*|mycli|sshpass|mongo\w*|(?:docker|podman|helm registry|oras|az acr"
        rb"|nerdctl)[ ]login)[ ]"
    ),
    b"a": compiled_later(rb"(?<![\w\-])redis-cli[ ]"),
    b"P": compiled_later(rb"(?<![\w\-])(?:sqlcmd|bcp|isql)[ ]"),
    b"w": compiled_later(rb"(?<![\w\-])ldap(?:search|modify|add|delete|whoami)[ ]"),
}
_FETCHES = compiled_later(rb"(?<![\w\-/.])(?:curl|wget|https?|xh|httpie|rabbitmqadmin|influx|smbclient|sqlcmd)[ ]")
_LOOK_BACK = 256
_USER_AND_PASSWORD = compiled_later(rb"[^\s:\"']{0,64}:")


def _argument(candidate: Candidate) -> Span | None:
    text = candidate.line.text
    found = _ARGUMENT.match(text, candidate.end)
    if found is None:
        return None
    start, end = found.span(found.lastindex or 0)
    value = text[start:end]
    if is_placeholder(value) or (found.lastindex == 4 and (is_code(value) or is_prose_word(value))):
        return None
    return Span(start, end)


def _short(candidate: Candidate) -> Span | None:
    """What the letter means depends on the program."""
    wanted = _WANTED[candidate.value[2:3]]
    text, start = candidate.line.text, candidate.start
    return _argument(candidate) if wanted.search(text, max(0, start - _LOOK_BACK), start + 1) else None


def _behind_user(candidate: Candidate) -> Span | None:
    start = candidate.start
    if not _FETCHES.search(candidate.line.text, max(0, start - _LOOK_BACK), start + 1):
        return None
    found = _argument(candidate)
    if found is None:
        return None
    text = candidate.line.text
    user = _USER_AND_PASSWORD.match(text, found.start, found.end)
    if user is None or user.end() == found.end or text.startswith(b"//", user.end()):
        return None
    return None if is_placeholder(text[user.end() : found.end]) else Span(user.end(), found.end)


def _flag(name: str, kind: Kind, core: str) -> Rule:
    return Rule(
        name=name,
        kind=kind,
        before=r"(?:^|[\s\"'`(\[,]|\\[nt])",
        core=core,
        check=_argument,
        source="POSIX utility conventions and GNU long options",
        score=0.8,
    )


RULES = (
    _flag(
        "password_flag",
        Kind.PASSWORD,
        r"--?(?i:[a-z0-9\-]{0,24}(?:password|passwd|passphrase|passwort)|pass|pwd|pw|requirepass)[ \t]{1,4}"
        r"|requirepass[ ]|-pass(?:in|out)?[ ](?:pass:)?",
    ),
    _flag(
        "token_flag",
        Kind.API_KEY,
        r"--?(?i:[a-z0-9\-]{0,24}(?:token|secret|secret-key|api-?key|access-?key|private-?key|auth-?key|client-?secret"
        r"|credentials?)|authkey|bearer)[ \t]{1,4}",
    ),
    Rule(
        name="short_secret_flag",
        kind=Kind.PASSWORD,
        core=r"[ ]-[paPw][ ]?",
        check=_short,
        source="manuals of mysql, sshpass, redis-cli, docker, sqlcmd, ldapsearch, mongosh",
        score=0.85,
    ),
    Rule(
        name="user_flag",
        kind=Kind.PASSWORD,
        core=r"[ ](?:-[uaU][ ]?|--(?:user|auth|proxy-user)[ =])",
        check=_behind_user,
        source="manuals of curl, httpie and smbclient",
        score=0.85,
    ),
)
