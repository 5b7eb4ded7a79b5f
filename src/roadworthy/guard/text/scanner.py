"""Finds: a gate over everything, then the rules over the few lines that it points at.

The gate is one RE2 alternation of all rules without groups: a DFA that runs over hundreds of megabytes a second,
whatever the input, with the GIL free. It finds the next line that needs a look. Such a line is normalised, an RE2 set
names the rules that match it, each of these is searched for, and its check decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import re2

from roadworthy.guard.text.line import UNUSUAL, Line
from roadworthy.guard.text.rule import KEEP, Candidate, Finding, Rule, Span


def options() -> re2.Options:
    """Bytes in, bytes out; room for the states of many rules; no messages on standard error."""
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.max_mem = 32 << 20
    chosen.log_errors = False
    return chosen


class Scanner:
    """Finds personal data and secrets. Safe for threads; linear in the size of the text.

    Args:
        rules: What to look for.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        lines = [rule for rule in rules if not rule.block]
        self._rules = [_Compiled(rule) for rule in lines]
        self._blocks = [_Compiled(rule) for rule in rules if rule.block]
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
        """
        found = self._in_blocks(text)
        blocked = [(each.start, each.end) for each in found]
        for start, end in self._lines(text):
            if not any(first <= start and end <= last for first, last in blocked):
                found += self._in_line(text[start:end], start)
        return merged(found) if len(found) > 1 else found

    def _lines(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Lines that the gate points at. A hit that begins at a line break belongs to what follows it."""
        gate, position, size = self._gate, 0, len(text)
        while position < size and (hit := gate(text, position)) is not None:
            first, last = hit.span()
            while first < last - 1 and text[first] in b"\r\n":
                first += 1
            start = text.rfind(b"\n", position, first) + 1 or position
            end = text.find(b"\n", first)
            end = size if end < 0 else end
            yield start, end
            position = end  # the line break is what stands before the next line's first byte

    def _in_blocks(self, text: bytes) -> list[Finding]:
        found: list[Finding] = []
        for rule in self._blocks:
            if (first := rule.search(text, 0)) is not None:
                line = Line(text)
                found += rule.findings(line, 0, first.start(1)) if line.text is text else rule.findings(line, 0, 0)
        return found

    def _in_line(self, raw: bytes, offset: int) -> list[Finding]:
        line = Line(raw)
        found: list[Finding] = []
        for rule in self._matching(line.text):
            found += rule.findings(line, offset)
        return found

    def _matching(self, text: bytes) -> Sequence[_Compiled]:
        """Rules that match. A set says "none" too when it runs out of memory; a search never does: it has the word."""
        indexes = self._set.Match(text)
        if indexes:
            return [self._rules[index] for index in indexes]
        return () if self._any(text) is None else self._rules


class _Compiled:
    """A rule ready to search."""

    __slots__ = ("rule", "search", "words")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.search = re2.compile(rule.pattern.encode(), options()).search
        self.words = tuple(word.encode() for word in rule.context)

    def findings(self, line: Line, offset: int, position: int = 0) -> Iterator[Finding]:
        """Findings of this rule in the line, in places of the whole text."""
        rule, text, search = self.rule, line.text, self.search
        while (match := search(text, position)) is not None:
            start, end = match.span(1)
            candidate = Candidate(line, start, end)
            span = rule.check(candidate) if rule.check is not None else Span(start, end)
            position = start + 1
            if span is None:
                continue
            score = self._score(candidate, span)
            if score >= KEEP:
                position = max(span.end - 1, position)  # its last byte stands before the next candidate
                first, last = line.raw_span(span.start, span.end)
                yield Finding(first + offset, last + offset, rule.kind, rule.name, score)

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
