"""Finds: gates over everything, then the rules over the few lines that they point at.

A gate is one RE2 alternation of the rules of some kinds without groups: a DFA that runs over hundreds of megabytes a
second, whatever the input, with the GIL free. It finds the next line that needs a look. Such a line is normalised, an
RE2 set names the rules that match it, each of these is searched for, and its check decides.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from roadworthy.guard.text.excerpt import Excerpts, excerpt
from roadworthy.guard.text.kind import SECRETS, Kind
from roadworthy.guard.text.line import UNUSUAL, Line
from roadworthy.guard.text.pattern import Pattern, PatternSet
from roadworthy.guard.text.rule import KEEP, LONGEST, Candidate, Finding, Rule, Span

_TOGETHER: tuple[frozenset[Kind], ...] = (SECRETS, frozenset((Kind.PHONE,)), frozenset((Kind.EMAIL, Kind.IP)))
"""Kinds that share a gate; all others share the last one. One gate for all would have a state for every way in which
forms can be half seen at the same time: each of these runs at over 100 MB/s, all in one at a fraction of that."""
NEVER = r"[^\x00-\xff]"
"""Matches nothing."""


def together(rules: Sequence[Rule]) -> list[list[Rule]]:
    """The rules by the gate that they share; none is left out."""
    groups = [[rule for rule in rules if rule.kind in kinds] for kinds in _TOGETHER]
    return [*groups, [rule for rule in rules if not any(rule.kind in kinds for kinds in _TOGETHER)]]


class Scanner:
    """Finds personal data and secrets. Safe for threads; linear in the size of the text.

    Args:
        rules: What to look for.

    Attributes:
        rules: The same.
        blocks: Those that go over lines, ready to search.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.blocks = [Compiled(rule) for rule in rules if rule.block]
        lines = [rule for rule in rules if not rule.block]
        *groups, rest = together(lines)
        triggers = [rule.trigger for rule in rules if rule.block]
        # A line that must be normalised, and a text with a block in it, are pointed at by the first gate.
        self._gates = [
            _Gate(group, also) for group, also in zip((*groups, rest), ([UNUSUAL, *triggers], [], [], []), strict=True)
        ]

    def scan(self, text: bytes) -> list[Finding]:
        """Every finding, in order, none overlapping another.

        Args:
            text: UTF-8, any number of lines; invalid bytes are nothing that a rule knows.
        """
        lines: dict[tuple[int, int], list[_Gate]] = {}
        for gate in self._gates:
            for line in gate.lines(text):
                lines.setdefault(line, []).append(gate)
        if not lines:
            return []
        found = merged(self._in_blocks(text))
        starts = [each.start for each in found]
        ends = [each.end for each in found]
        for (start, end), gates in lines.items():
            block = bisect_right(starts, start) - 1
            if block < 0 or ends[block] < end:
                found += self._in_line(text[start:end], start, gates)
        return merged(found) if len(found) > 1 else found

    def _in_blocks(self, text: bytes) -> list[Finding]:
        found: list[Finding] = []
        for rule in self.blocks:
            position, parts = 0, Excerpts(text)
            while (block := rule.block(text, position, len(text), parts=parts)) is not None:
                if block.finding is not None and block.finding.end - block.finding.start >= LONGEST:
                    block = rule.block(text, position, len(text), len(text)) or block  # it goes on
                position = block.next
                if block.finding is not None:
                    found.append(block.finding)
        return found

    def lines(self, text: bytes, position: int) -> list[tuple[int, int]]:
        """Lines that a gate points at, in order.

        Args:
            text: Of any number of lines.
            position: Where to begin; the line break before a line counts as its beginning.
        """
        return sorted({line for gate in self._gates for line in gate.lines(text, position)})

    def points_at(self, text: bytes, position: int) -> bool:
        """Whether a gate points at a place of the text from `position` on."""
        return any(gate.points_at(text, position) for gate in self._gates)

    def matching(self, line: Line) -> Iterator[Compiled]:
        """Every rule that matches the line."""
        for gate in self._gates:
            yield from gate.matching(line.text)

    def _in_line(self, raw: bytes, offset: int, gates: Sequence[_Gate]) -> list[Finding]:
        line = Line(raw)
        found: list[Finding] = []
        for gate in gates if line.text is raw else self._gates:
            for rule in gate.matching(line.text):
                found += rule.findings(line, offset)
        return found


class _Gate:
    """Some rules: which lines they may match, and which of them match a line.

    Args:
        rules: They.
        also: Further patterns of lines to point at.
    """

    def __init__(self, rules: Sequence[Rule], also: Sequence[str]) -> None:
        self._triggers = [rule.trigger for rule in rules]
        self._rules = [Compiled(rule) for rule in rules]
        self._gate = Pattern("|".join([*self._triggers, *also]) or NEVER)
        self._also = bool(also)

    @cached_property
    def _set(self) -> PatternSet:
        """Compiled when a line is first pointed at: a process that starts does not wait for it."""
        return PatternSet(self._triggers)

    @cached_property
    def _own(self) -> Pattern:
        """The rules alone, where the gate points at more."""
        return Pattern("|".join(self._triggers) or NEVER) if self._also else self._gate

    def points_at(self, text: bytes, position: int) -> bool:
        """Whether it points at anything from `position` on."""
        return self._gate.search(text, position) is not None

    def lines(self, text: bytes, position: int = 0) -> Iterator[tuple[int, int]]:
        """Lines that are pointed at. A match that begins at a line break belongs to what follows it."""
        size = len(text)
        while position < size and (hit := self._gate.search(text, position)) is not None:
            first, last = hit
            while first < last - 1 and text[first] in b"\r\n":
                first += 1
            start = text.rfind(b"\n", 0, first) + 1
            end = text.find(b"\n", first)
            end = size if end < 0 else end
            yield start, end
            position = end  # the line break is what stands before the next line's first byte

    def matching(self, text: bytes) -> Sequence[Compiled]:
        """Rules that match. A set says "none" too when it runs out of memory; a search never does: it has the word."""
        indexes = self._set.matching(text)
        if indexes:
            return [self._rules[index] for index in indexes]
        if self._gate.search(text) is None or (self._also and self._own.search(text) is None):
            return ()
        return self._rules


class Block(NamedTuple):
    """A candidate that may go over lines.

    Attributes:
        start: Its first byte.
        next: Where the search goes on.
        candidate: As its check saw it; None when it is none once normalised.
        finding: What it is; None when it is nothing.
    """

    start: int
    next: int
    candidate: Candidate | None
    finding: Finding | None


class Compiled:
    """A rule ready to search."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.words = tuple(word.encode() for word in rule.context)

    @cached_property
    def spans(self) -> Callable[..., tuple[int, int, int, int] | None]:
        """Where the first match stands, and the candidate in it; compiled when it is first asked."""
        return Pattern(self.rule.pattern).spans

    def findings(self, line: Line, offset: int) -> Iterator[Finding]:
        """Findings of this rule in the line, in places of the whole text."""
        text, spans, position = line.text, self.spans, 0
        while (match := spans(text, position)) is not None:
            start, end = match[2:]
            found = self.judged(Candidate(line, start, end))
            position = start + 1
            if found is not None:
                position = max(found.end - 1, position)  # its last byte stands before the next candidate
                first, last = line.raw_span(found.start, found.end)
                yield Finding(first + offset, last + offset, found.kind, found.rule, found.score)

    def judged(self, candidate: Candidate) -> Finding | None:
        """What the candidate is, in places of the normalised line; None when it is nothing."""
        rule = self.rule
        span = Span(candidate.start, candidate.end) if rule.check is None else rule.check(candidate)
        if span is None:
            return None
        score = self._score(candidate, span)
        return Finding(span.start, span.end, rule.kind, rule.name, score) if score >= KEEP else None

    def block(
        self, text: bytes, position: int, end: int, behind: int = LONGEST, parts: Excerpts | None = None
    ) -> Block | None:
        """The next candidate of a rule that goes over lines.

        It begins at a match in the text as it is, and is looked at with `LONGEST` bytes before it.

        Args:
            text: All of it.
            position: Where to begin.
            end: Behind the last byte that counts.
            behind: How many bytes of the candidate are looked at.
            parts: Gives these bytes normalised; each is for itself when None.
        """
        match = self.spans(text, position, end)
        if match is None:
            return None
        whole, _, start, _ = match
        low, high = max(0, start - LONGEST), min(start + behind, end)
        part = excerpt(text, low, high) if parts is None else parts.part(low, high)
        line = part.line
        again = self.spans(line.text, part.position(whole))
        if again is None or again[2] > part.position(start):
            return Block(start, start + 1, None, None)
        candidate = Candidate(line, again[2], again[3])
        found = self.judged(candidate)
        if found is None:
            return Block(start, start + 1, candidate, None)
        first, last = part.raw_span(found.start, found.end)
        found = Finding(first, last, found.kind, found.rule, found.score)
        return Block(start, max(found.end - 1, start + 1), candidate, found)

    def _score(self, candidate: Candidate, span: Span) -> float:
        if span.score is not None:
            return span.score
        if not self.words or candidate.near(self.words):
            return self.rule.score
        return self.rule.bare_score


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Overlapping findings as one over both, of the surest kind: what either of them saw stays covered."""
    result: list[Finding] = []
    for each in sorted(found):
        last = result[-1] if result else None
        if last is None or each.start >= last.end:
            result.append(each)
            continue
        surest = each if (each.score, each.end - each.start) > (last.score, last.end - last.start) else last
        result[-1] = surest._replace(start=last.start, end=max(last.end, each.end))
    return result
