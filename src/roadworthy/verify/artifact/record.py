"""What the scanner says about a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a file is."""

    CLEAN = "clean"
    """Every format that applies was walked to its end and nothing active was found."""
    UNSAFE = "unsafe"
    """Loading it runs, or may run, something that is not known to be harmless."""
    UNVERIFIABLE = "unverifiable"
    """It could not be judged: unreadable, damaged, unknown, encrypted, or beyond a budget. Never good."""


class Severity(StrEnum):
    """How bad a reason is, for people; the verdict does not hang on it."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that keeps a file from being clean.

    Args:
        rule: Identity of the rule, as in `rule.RULES`; public, scripts match on it.
        verdict: What this reason alone makes of the file.
        severity: How bad it is.
        what: What was found, in one sentence; names from the file are escaped.
        member: Where inside of the file: names of archive members from the outside in, joined by `!/`; empty for
            the file itself.
        offset: Byte offset inside of that member, None where none applies.
        mend: How to mend it.
    """

    rule: str
    verdict: Verdict
    severity: Severity
    what: str
    member: str
    offset: int | None
    mend: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """The verdict on one file.

    Args:
        path: As it was named, or found below a folder that was named.
        verdict: The worst of the reasons; clean without any.
        formats: Every format that was recognised in it, by content, the members' formats included, sorted.
        reasons: Why it is not clean, in the order of discovery; each is told once.
        size: Bytes, None when it could not be opened.
    """

    path: str
    verdict: Verdict
    formats: tuple[str, ...]
    reasons: tuple[Reason, ...]
    size: int | None


def worst(reasons: tuple[Reason, ...]) -> Verdict:
    """Unsafe when one reason is, else unverifiable when one is, else clean."""
    found = {reason.verdict for reason in reasons}
    for verdict in (Verdict.UNSAFE, Verdict.UNVERIFIABLE):
        if verdict in found:
            return verdict
    return Verdict.CLEAN


def shown(text: str | bytes, limit: int = 120) -> str:
    """A name from a file as it may stand in a message: escaped, on one line, at most `limit` characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    escaped = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text[: limit + 1]
    )
    return escaped if len(escaped) <= limit else escaped[: limit - 1] + "…"
