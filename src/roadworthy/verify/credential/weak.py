"""Default and weak credentials in code, environment files and configuration (CWE-1392, CWE-521, CWE-798).

A finding needs a name that means a credential and a value that anybody would guess, in a form that assigns the one to
the other: `NAME = "value"`, `NAME: value`, a default of an environment variable, user information of a URL, a flag. The
value is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

LONGEST_LINE = 4_000
"""Longer lines are looked at up to here; nobody types a credential beyond it."""
_NAME = (
    r"[\w.\-]{0,60}?(?:pass(?:word|wd|phrase)?|pwd|secret(?:[_\-]?key)?|api[_\-]?key|auth[_\-]?key|access[_\-]?key"
    r"|(?:auth|access|admin|api|bearer|jwt|session)[_\-]?token|credentials?|signing[_\-]?key|encryption[_\-]?key)"
)
_QUOTED = r"""(?P<quote>["'`])(?P<quoted>[^"'`\n]{1,80})(?P=quote)"""
_PLAIN = r"(?P<plain>[^\s\"'`,;)}\]#{$(<]{1,80})"
_FORMS = (
    # NAME = "value", "name": "value", NAME: str = 'value', name == "value", name => 'value'
    re.compile(
        rf"""(?<![\w.\-])["']?(?P<name>{_NAME})["']?\s{{0,8}}(?:[:]\s{{0,4}}[\w.\[\], |]{{1,40}}?\s{{0,4}}(?==))?"""
        rf"""(?:={{1,3}}|:=|=>|:)\s{{0,8}}[rbuf]?{_QUOTED}""",
        re.IGNORECASE,
    ),
    # os.environ.get("NAME", "value"), getenv("NAME", "value"), env("NAME", default="value")
    re.compile(
        rf"""(?:env\w{{0,8}}|environ(?:\.get)?|getenv|config|setdefault|get)\s{{0,4}}\(\s{{0,4}}["'](?P<name>{_NAME})["']\s{{0,4}},"""
        rf"""\s{{0,4}}(?:default\s{{0,4}}=\s{{0,4}})?{_QUOTED}""",
        re.IGNORECASE,
    ),
    # process.env.NAME || "value", ENV["NAME"] ?? "value"
    re.compile(
        rf"""(?<![\w.\-])(?P<name>{_NAME})["']?\]?\s{{0,4}}(?:\|\||\?\?|\bor\b)\s{{0,4}}{_QUOTED}""", re.IGNORECASE
    ),
    # ${NAME:-value}
    re.compile(rf"\$\{{(?P<name>{_NAME}):?[\-=](?P<plain>[^}}\s]{{1,80}})\}}", re.IGNORECASE),
    # --password value
    re.compile(rf"""--(?P<name>{_NAME})(?:=|\s{{1,4}})["']?{_PLAIN}""", re.IGNORECASE),
)
_UNQUOTED = re.compile(
    rf"""^\s*(?:-\s+|export\s+|ENV\s+|ARG\s+|set\s+)?["']?(?P<name>{_NAME})["']?\s{{0,4}}[=:]\s{{0,4}}"""
    rf"""{_PLAIN}\s*(?:#.*|\\)?$""",
    re.IGNORECASE,
)
_SPACED = re.compile(rf"^\s*ENV\s+(?P<name>{_NAME})\s+{_PLAIN}\s*$", re.IGNORECASE)
_URL = re.compile(
    r"\b[a-z][a-z0-9+.\-]{1,20}://(?P<user>[^\s:/@\"'{}$<]{1,40}):(?P<plain>[^\s/@\"'{}$<]{1,60})@", re.IGNORECASE
)
_TEMPLATE = re.compile(r"(?:DB_|DATABASE_)?(?:USER|USERNAME|LOGIN|PASS|PASSWORD|PWD|SECRET|TOKEN|KEY)\Z")
"""Words that show the form of an address, as help texts do."""
_CODE = frozenset((
    ".c", ".cc", ".cpp", ".cs", ".go", ".java", ".js", ".jsx", ".kt", ".lua", ".mjs", ".php", ".pl", ".py", ".pyi",
    ".rb", ".rs", ".scala", ".swift", ".ts", ".tsx", ".vue",
))  # fmt: skip
"""Where a value without quotes is a name and no value."""

_WORDS = frozenset((
    "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890", "111111", "000000", "abc123",
    "abcd1234", "admin", "admin1", "admin12", "admin123", "admin1234", "adminadmin", "administrator", "adminpass",
    "adminpassword", "changeit", "changeme", "changeme123", "changethis", "changethispassword", "changeinproduction",
    "default", "defaultpassword", "demo", "demo123", "dev", "devpassword", "devsecret", "devsecretkey", "elastic",
    "foobar", "grafana", "guest", "hunter2", "iloveyou", "insecure", "jwtsecret", "letmein", "master", "minio",
    "minio123", "minioadmin", "mongo", "monkey", "mypassword", "mysecret", "mysecretkey", "mysecretpassword", "mysql",
    "notsecret", "oracle", "p@ss", "p@ssw0rd", "p@ssword", "pass", "pass123", "pass1234", "passw0rd", "password",
    "password1", "password12", "password123", "password1234", "pgpassword", "postgres", "pwd", "qwerty", "qwerty123",
    "rabbitmq", "redis", "replaceme", "root", "root123", "rootpassword", "rootroot", "sa", "secret", "secret123",
    "secretkey", "secretpassword", "supersecret", "supersecretkey", "supersecretpassword", "sysadmin", "temp123",
    "test", "test123", "test1234", "testpassword", "testtest", "toor", "user", "user123", "verysecret", "welcome",
    "welcome1", "welcome123", "yourpassword", "yoursecret", "yoursecretkey", "yoursecretkeyhere", "topsecret",
    "secretsecret", "s3cret", "s3cr3t",
))  # fmt: skip
"""Values in lower case without separators: what people leave in from examples, and the tops of lists of leaked ones."""
_INSIDE = (
    "changeme",
    "changethis",
    "changeinproduction",
    "replaceme",
    "djangoinsecure",
    "insecuresecret",
    "defaultsecret",
)
_ENUM = re.compile(r"[A-Z][A-Z0-9_]*\Z")


class Weak(NamedTuple):
    """A weak credential. Holds no value.

    Attributes:
        line: From 1.
        name: What it is for, as it was written; at most 60 characters.
        form: `value` or `url`.
    """

    line: int
    name: str
    form: str


def weak_credentials(name: str, text: str) -> Iterator[Weak]:
    """Every weak credential of a file, at most one for each name and line.

    Args:
        name: Of the file; its ending says whether a value may stand without quotes.
        text: Its content.
    """
    code = PurePosixPath(name).suffix.lower() in _CODE
    for number, line in enumerate(text.splitlines(), 1):
        seen: set[str] = set()
        for found in _in_line(line[:LONGEST_LINE], code):
            if found[0] not in seen:
                seen.add(found[0])
                yield Weak(number, re.sub(r"[^\w.\-]", "?", found[0])[:60], found[1])


def is_weak(value: str) -> bool:
    """Whether anybody would guess a value."""
    plain = re.sub(r"[\s_\-.!]+", "", value.lower())
    if not plain:
        return False
    return plain in _WORDS or any(part in plain for part in _INSIDE) or (len(plain) > 3 and len(set(plain)) == 1)


def _in_line(line: str, code: bool) -> Iterator[tuple[str, str]]:
    lower = line.lower()
    if "://" in line:
        for match in _URL.finditer(line):
            shown_form = _TEMPLATE.match(match["user"]) and _TEMPLATE.match(match["plain"])
            if not shown_form and (is_weak(match["plain"]) or match["plain"].lower() == match["user"].lower()):
                yield match["user"], "url"
    if not any(word in lower for word in ("pass", "pwd", "secret", "key", "token", "credential")):
        return
    for form in _FORMS:
        for match in form.finditer(line):
            groups = match.groupdict()
            value = groups.get("quoted") or groups.get("plain") or ""
            if is_weak(value) and not _is_label(match["name"], value, code):
                yield match["name"], "value"
    for form in () if code else (_UNQUOTED, _SPACED):
        found = form.match(line)
        if found and is_weak(found["plain"]):
            yield found["name"], "value"


def _is_label(name: str, value: str, code: bool) -> bool:
    """A constant of code that is named as its value, such as a member of an enumeration or the name of a field."""
    return code and bool(_ENUM.match(name)) and re.sub(r"\W|_", "", name.lower()) == re.sub(r"\W|_", "", value.lower())
