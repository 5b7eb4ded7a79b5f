"""What a rule is: a linear-time pattern, a check in Python, words that raise its score, and its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.line import Line
from roadworthy.guard.text.trigger import shortened

NUMBER_START = r"(?:^|[^0-9A-Za-z_.+]|[^0-9]\.|\\[bfnrt])"
"""Before a number: no digit, letter, underscore (ids), plus, or the point of a decimal number."""
PLUS_START = r"(?:^|[^0-9A-Za-z_+]|\\[bfnrt])"
"""Before a number that begins with a plus."""
WORD_START = r"(?:^|[^0-9A-Za-z_]|\\[bfnrt])"
"""Before a word of ASCII letters. Not `\\b`: an escape's letter would count as a part of the word."""
WORD_END = r"\b"
"""Behind an ASCII word. RE2's `\\b` over bytes knows ASCII alone, so a Hangul particle is a boundary."""

KEEP = 0.5
"""Findings below this score are dropped."""


class Span(NamedTuple):
    """What of a candidate is a finding: bytes `start` to `end` of the line, and how sure that is when not as usual."""

    start: int
    end: int
    score: float | None = None


class Candidate(NamedTuple):
    """A place where a rule's pattern matched.

    Attributes:
        line: The normalised line.
        start: First byte of the core's match.
        end: Behind its last byte.
    """

    line: Line
    start: int
    end: int

    @property
    def value(self) -> bytes:
        """The matched bytes."""
        return self.line.text[self.start : self.end]

    def near(self, words: tuple[bytes, ...], before: int = 48, after: int = 24) -> bool:
        """Whether one of the words (lower case) stands around the candidate.

        Args:
            words: In UTF-8; ASCII letters match in any case.
            before: Bytes to look back.
            after: Bytes to look ahead.
        """
        lower = self.line.lower
        around = lower[max(0, self.start - before) : self.start] + b"\x00" + lower[self.end : self.end + after]
        return any(word in around for word in words)


LONGEST = 16_384
"""Bytes of a candidate that are looked at. A longer finding goes on with its rule's `rest`, unseen."""


Check = Callable[[Candidate], Span | None]


class Rule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One rule.

    Attributes:
        name: Unique, snake case.
        kind: What its findings are.
        core: RE2 pattern of the candidate, over UTF-8 bytes. Every repetition is bounded, or ends at a byte that the
            next candidate cannot begin with: that keeps hostile input linear.
        before: RE2 pattern of what stands before the core and is not part of it.
        after: Same, behind it.
        check: Says what of the candidate is a finding, None when nothing is; without it the whole candidate is one.
        context: Words (lower case) of which one must stand near, or the score drops to `bare_score`.
        score: How sure a checked candidate is, 0 to 1.
        bare_score: The same where none of the context words is near.
        source: Where the form is written down: standard, law, vendor's page.
        block: Whether a finding may go over several lines.
        lead: RE2 pattern of what in front of the core the check may add to the finding.
        ahead: Bytes behind the candidate that a stream waits for: what the check and the context look at whatever
            stands there. A value that the check follows to its end needs not be counted. 0: nothing is looked at.
        rest: RE2 pattern of one unit of what a finding longer than `LONGEST` goes on with.
        rest_end: Same of what ends such a finding and belongs to it.
    """

    name: str
    kind: Kind
    core: str
    source: str
    before: str = ""
    after: str = ""
    check: Check | None = None
    context: tuple[str, ...] = ()
    score: float = 0.9
    bare_score: float = 0.0
    block: bool = False
    lead: str = ""
    ahead: int = 48
    rest: str = r"\\.|[^\s\"'\\]"
    rest_end: str = ""

    @property
    def pattern(self) -> str:
        """RE2 pattern with the candidate as its only group."""
        return f"{self.before}({self.core}){self.after}"

    @property
    def trigger(self) -> str:
        """The same without a group, for the gate: it matches in every line in which the pattern does."""
        core = self.core if self.after else shortened(self.core)
        return f"{self.before}(?:{core}){self.after}"


class Finding(NamedTuple):
    """Bytes `start` to `end` of a text are of this kind.

    Attributes:
        start: First byte.
        end: Behind the last byte.
        kind: What it is.
        rule: Name of the rule that says so.
        score: How sure it is, 0 to 1.
    """

    start: int
    end: int
    kind: Kind
    rule: str
    score: float
