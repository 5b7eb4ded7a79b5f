"""Claims in documentation: ticks, scores and verdicts in text, and whether each names evidence that says the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

TICK = "\u2705\u2713\u2714\u2611\U0001f7e2"
"""Marks that say yes: heavy and light check marks, a ticked box, a green circle."""
_SCORE = re.compile(
    r"(?<![\d/.])\d{1,3}(?:\.\d+)?\s?/\s?(?:10|100)(?![\d/.])|(?<!\d)\d{1,3}\s?/\s?\d{1,3}\s+(?:tests?|cases)\b"
)
_READY = re.compile(
    r"\b(?:production[- ]ready|ready for production|fully (?:tested|compliant|secure)"
    r"|100\s?% (?:tested|secure|coverage))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
_DIGEST = re.compile(r"\bsha256:([0-9a-f]{12,64})\b")
_OPEN_BOX = re.compile(r"^\s*[-*+] \[ \] ", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)")
_NO = re.compile(r"\b(?:not|no|never|isn't|aren't|yet)\b", re.IGNORECASE)


class Claim(NamedTuple):
    """A line that claims something.

    Attributes:
        line: From 1.
        kind: `tick`, `score` or `ready`.
        text: The line.
    """

    line: int
    kind: str
    text: str


class Fault(NamedTuple):
    """What is wrong with a claim.

    Attributes:
        text: One sentence, without the claim's.
        false: Whether its evidence refutes it; else there is no evidence.
    """

    text: str
    false: bool = False


Evidence = Callable[[str], bytes | None]
"""What a link or a digest names; None when there is nothing."""


def claims(text: str) -> Iterator[Claim]:
    """The lines of a page that claim something; code blocks and quotations are none."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if fenced or line.lstrip().startswith(">"):
            continue
        plain = re.sub(r"`[^`]*`", "", line)
        if any(mark in plain for mark in TICK):
            yield Claim(number, "tick", line)
        elif _SCORE.search(plain):
            yield Claim(number, "score", line)
        elif _READY.search(plain) and not _NO.search(plain):
            yield Claim(number, "ready", line)


def fault(claim: Claim, evidence: Evidence) -> Fault | None:
    """What is wrong with a claim; None when its evidence says the same.

    Args:
        claim: A line.
        evidence: Finds what a link or a digest names.
    """
    if claim.kind == "tick" and claim.text.lstrip().startswith("#"):
        return Fault("A heading has a tick: it decorates, and says of nothing in particular that it was seen.")
    named = _LINK.findall(claim.text) + [f"sha256:{each}" for each in _DIGEST.findall(claim.text)]
    if not named:
        return Fault(f"A {'number or verdict' if claim.kind != 'tick' else 'tick'} names no evidence.")
    found = [content for each in named if (content := evidence(unquote(each))) is not None]
    if not found:
        return Fault("What is named as evidence does not exist.", false=True)
    plain = _DIGEST.sub("", _LINK.sub("", claim.text))
    for number in _NUMBER.findall(plain):
        if not any(_holds(content, number) for content in found):
            return Fault("A number does not stand in the evidence that is named for it.", false=True)
    return None


def _holds(content: bytes, number: str) -> bool:
    pattern = rb"(?<![\d.])" + re.escape(number.replace(",", "").encode()) + rb"(?:\.0+)?(?!\d|\.\d)"
    return (
        re.search(pattern, content.replace(b",", b"")) is not None
        or re.search(rb"(?<!\d)" + re.escape(number.encode()) + rb"(?!\d)", content) is not None
    )


def open_boxes(text: str) -> int:
    """Boxes of a to-do list that nobody ticked, on a page that says that all is ready; else 0."""
    ready = any(_READY.search(each.text) and not _NO.search(each.text) for each in claims(text))
    return len(_OPEN_BOX.findall(text)) if ready else 0
