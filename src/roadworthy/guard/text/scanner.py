"""Finds: a gate over everything, then the rules over the few lines that it points at.

The gate is one RE2 alternation of all rules without groups: a DFA that runs over hundreds of megabytes a second,
whatever the input, with the GIL free. It finds the next line that needs a look. Such a line is normalised, an RE2 set
names the rules that match it, each of these is searched for, and its check decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import re2

from roadworthy.guard.text.line import UNUSUAL, Line
from roadworthy.guard.text.rule import KEEP, LONGEST, Candidate, Finding, Rule, Span


def options() -> re2.Options:
    """Bytes in, bytes out; room for the states of many rules; no messages on standard error."""
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.max_mem = 64 << 20
    chosen.log_errors = False
    return chosen


class TooLong(Exception):
    """The text has a line, or a structure over lines, longer than `LONGEST`: it is to be looked at piece by piece."""


class Scanner:
    """Finds personal data and secrets. Safe for threads; linear in the size of the text.

    Args:
        rules: What to look for.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        lines = [rule for rule in rules if not rule.block]
        self.rules = [Compiled(rule) for rule in lines]
        self.blocks = [Compiled(rule) for rule in rules if rule.block]
        triggers = [rule.trigger for rule in lines]
        self._gate = re2.compile("|".join([*triggers, UNUSUAL]).encode(), options()).search
        self._any = re2.compile("|".join(triggers).encode(), options()).search
        self._set = re2.Set.SearchSet(options())
        for rule in lines:
            self._set.Add(rule.trigger.encode())
        self._set.Compile()

    def scan(self, text: bytes) -> list[Finding]:
        """Every finding, in order, none overlapping another.

        Args:
            text: UTF-8, any number of lines; invalid bytes are nothing that a rule knows.

        Raises:
            TooLong: See there.
        """
        found = self._in_blocks(text)
        blocked = [(each.start, each.end) for each in found]
        for start, end in self.lines(text):
            if end - start > LONGEST:
                raise TooLong
            if not any(first <= start and end <= last for first, last in blocked):
                found += self._in_line(text[start:end], start)
        return merged(found) if len(found) > 1 else found

    def lines(self, text: bytes, position: int = 0) -> Iterator[tuple[int, int]]:
        """Lines that the gate points at. A hit that begins at a line break belongs to what follows it.

        Args:
            text: Of any number of lines.
            position: Where to begin; the line break before a line counts as its beginning.
        """
        gate, size = self._gate, len(text)
        while position < size and (hit := gate(text, position)) is not None:
            first, last = hit.span()
            while first < last - 1 and text[first] in b"\r\n":
                first += 1
            start = text.rfind(b"\n", position, first) + 1 or position
            end = text.find(b"\n", first)
            end = size if end < 0 else end
            yield start, end
            position = end if first < end else end + 1  # the break counts as what stands before the next line

    def _in_blocks(self, text: bytes) -> list[Finding]:
        found: list[Finding] = []
        for rule in self.blocks:
            position = 0
            while (block := rule.block(text, position, len(text))) is not None:
                if block.end - block.start >= LONGEST:
                    raise TooLong
                found.append(block)
                position = block.end
        return found

    def _in_line(self, raw: bytes, offset: int) -> list[Finding]:
        line = Line(raw)
        found: list[Finding] = []
        for rule in self.matching(line.text):
            found += rule.findings(line, offset)
        return found

    def matching(self, text: bytes) -> Sequence[Compiled]:
        """Rules that match. A set says "none" too when it runs out of memory; a search never does: it has the word."""
        indexes = self._set.Match(text)
        if indexes:
            return [self.rules[index] for index in indexes]
        return () if self._any(text) is None else self.rules


class Compiled:
    """A rule ready to search."""

    __slots__ = ("rule", "search", "words")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.search = re2.compile(rule.pattern.encode(), options()).search
        self.words = tuple(word.encode() for word in rule.context)

    def findings(self, line: Line, offset: int) -> Iterator[Finding]:
        """Findings of this rule in the line, in places of the whole text."""
        text, search, position = line.text, self.search, 0
        while (match := search(text, position)) is not None:
            start, end = match.span(1)
            found = self.judged(Candidate(line, start, end))
            position = start + 1
            if found is not None:
                position = max(found.end, position)
                first, last = line.raw_span(found.start, found.end)
                yield found._replace(start=first + offset, end=last + offset)

    def judged(self, candidate: Candidate) -> Finding | None:
        """What the candidate is, in places of the normalised line; None when it is nothing."""
        rule = self.rule
        span = Span(candidate.start, candidate.end) if rule.check is None else rule.check(candidate)
        if span is None:
            return None
        score = self._score(candidate, span)
        return Finding(span.start, span.end, rule.kind, rule.name, score) if score >= KEEP else None

    def block(self, text: bytes, position: int, end: int) -> Finding | None:
        """The next finding of a rule that goes over lines. It begins at a raw match and covers `LONGEST` at most.

        Args:
            text: All of it.
            position: Where to begin.
            end: Behind the last byte that counts.
        """
        while (first := self.search(text, position, end)) is not None:
            start = first.start(1)
            line = Line(text[start : min(start + LONGEST, end)])
            match = self.search(line.text, 0)
            if match is not None and match.start(1) == 0:
                return Finding(start, start + line.raw_span(0, match.end(1))[1], self.rule.kind, self.rule.name, 1.0)
            position = start + 1
        return None

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
