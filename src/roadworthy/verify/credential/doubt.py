"""Whether what was found in a source tree is surely a secret, or only stands where one might.

The finder is made for logs: it would rather mask a word too many. In code the word behind `token:` is mostly a type, a
variable or a message. A value counts as sure when it looks like one: a literal, with digits or of some length. What is
doubtful is told as a note, never left out.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from roadworthy.core.ports import FoundSecret

_CODE = frozenset((
    ".c", ".cc", ".cpp", ".cs", ".go", ".java", ".js", ".jsx", ".kt", ".md", ".mjs", ".php", ".pl", ".py", ".pyi",
    ".rb", ".rs", ".rst", ".scala", ".sh", ".swift", ".ts", ".tsx", ".vue",
))  # fmt: skip
_VALUE = re.compile(r"[^\s\"'`,;(){}\[\]<>|]*")
_LEAST = 6
_LEAST_LETTERS = 10
_MANY = 16


def doubtful(found: FoundSecret, name: str, line: str) -> bool:
    """Whether a finding may well be no secret.

    Args:
        found: From the finder.
        name: Of the file.
        line: The whole line.
    """
    if found.kind not in {"API_KEY", "PASSWORD"}:
        return False
    start = found.column - 1
    matched = _VALUE.match(line, start) if start <= len(line) else None
    value = matched[0].rstrip(".:") if matched else ""
    after = line[matched.end() : matched.end() + 1] if matched else ""
    by_its_name = found.rule.startswith("named_") or found.rule.endswith("_in_prose")
    if by_its_name and PurePosixPath(name).suffix.lower() in _CODE:
        literal = line[start - 1 : start] in {'"', "'", "`"} if start else False
        if not literal or after == "(":
            return True
    return not _looks_random(value)


def _looks_random(value: str) -> bool:
    """Letters with digits, or many letters without anything between them; not one character again and again."""
    if len(value) < _LEAST or len(set(value)) < 5:
        return False
    if re.search(r"\d", value) and re.search(r"[A-Za-z]", value):
        return True
    if value.isascii() and value.isalpha():
        return len(value) >= _LEAST_LETTERS
    # Digits alone, or words with signs between them: the latter only when they are no sentence of an identifier.
    return len(value) >= _MANY and not re.fullmatch(r"[A-Za-z]+(?:[_\-.:#/=@]+[A-Za-z]+)*", value)
