"""What the rules of a scanner may still grow into, as searches from the end of a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from roadworthy.guard.text.line import SPREAD, UNIT
from roadworthy.guard.text.pattern import ANYWHERE, Pattern
from roadworthy.guard.text.prefix import prefixes
from roadworthy.guard.text.rule import Rule
from roadworthy.guard.text.scanner import NEVER, Scanner, together

_HIGH = re.compile("[\x80-\xff]")
Search = Callable[[bytes, int, int], int]
"""From a text, a beginning and an end to where the first match begins; the end when there is none."""
Match = Callable[..., Any]
"""RE2's own call: anchor, text, beginning, end."""


class Horizon:
    """What the rules of a scanner may still grow into. Shared by all texts; safe for threads.

    Args:
        scanner: Has the rules.
    """

    def __init__(self, scanner: Scanner) -> None:
        every = scanner.rules
        lines, blocks = [rule for rule in every if not rule.block], [rule for rule in every if rule.block]
        secrets, *others = together(lines)
        units = prefixes(f"{UNIT}|{SPREAD}")
        self.scanner = scanner
        self.lead = {rule.name: _search(f"(?:{rule.lead})") for rule in every if rule.lead}
        self.unit = _search(units)
        self.block = _search("|".join(_growing(rule, rule.core, rule.before) for rule in blocks) or NEVER)
        marked = [UNIT, *(rule.trigger for rule in blocks)]
        phones, addresses, rest = others
        self._groups = [_group([*blocks, *phones, *addresses], marked, [units])]
        self._groups += map(_group, (secrets[::2], secrets[1::2], rest))
        self._starts = [
            _search("|".join(_growing(rule, _trigger(rule), rule.before) for rule in group) or NEVER)
            for group in (secrets[::2], secrets[1::2], *others)
        ]
        self._grown: dict[str, Search] = {}
        self._rests: dict[str, Rest] = {}

    def begun(self, text: bytes, begin: int) -> tuple[int, int]:
        """Where the text's end may begin something: the match, and the finding in it; -1 when a closer look is due."""
        at = free = size = len(text)
        for gate, growing, cores in self._groups:
            if gate(ANYWHERE, text, begin, size)[0][0] >= 0:
                return -1, -1
            first = growing(ANYWHERE, text, begin, size)[0][0]
            if 0 <= first < size:
                at = min(at, first)
                free = min(free, max(first, cores(ANYWHERE, text, max(begin, first), size)[0][0]))
        return at, free

    def starts(self, text: bytes, begin: int) -> int:
        """Where the text's end may begin a match that no gate points at yet, at the earliest."""
        size = len(text)
        return min((start(text, begin, size) for start in self._starts), default=size)

    def grown(self, rule: Rule) -> Search:
        """Where the text's end may be the beginning of a match of this rule; for rules that a gate has pointed at."""
        found = self._grown.get(rule.name)
        if found is None:
            found = self._grown[rule.name] = _search(_growing(rule, rule.core, rule.before))
        return found

    def rest(self, rule: Rule) -> Rest:
        """What a long finding of this rule goes on with."""
        found = self._rests.get(rule.name)
        if found is None:
            found = self._rests[rule.name] = Rest(rule)
        return found


class Rest:
    """Reads what follows the first `LONGEST` bytes of a finding."""

    def __init__(self, rule: Rule) -> None:
        self._run = Pattern(rf"(?s)\A(?:{rule.rest})*")
        self._end = Pattern(rf"(?s)\A(?:{rule.rest_end})")
        self._begun = Pattern(_bytes(rf"(?s)\A(?:{prefixes(f'{rule.rest}|{rule.rest_end}')})\z"))

    def end(self, text: bytes, final: bool) -> tuple[int, bool]:
        """How far it goes, and whether it ends there."""
        run = self._run.search(text)
        at = 0 if run is None else run[1]
        tail = text[at:]
        if not final and self._begun.search(tail) is not None:
            return at, False
        end = self._end.search(tail)
        return at + (0 if end is None else end[1]), True


def _group(rules: Sequence[Rule], marks: Sequence[str] = (), begun: Sequence[str] = ()) -> tuple[Match, Match, Match]:
    """What tells of rules where they match, where the end may begin a match, and where a finding in that.

    Few enough rules share a pattern that its automaton is small.

    Args:
        rules: They.
        marks: Further patterns that point at a place.
        begun: Further patterns of what may have begun.
    """
    triggers = [(rule, _trigger(rule)) for rule in rules]
    growing = "|".join([*(_growing(*each, each[0].before) for each in triggers), *begun]) or NEVER
    cores = "|".join([*(_growing(*each, "") for each in triggers), *begun]) or NEVER
    gate = "|".join([*(rule.trigger for rule in rules), *marks]) or NEVER
    return Pattern(gate).match, *(Pattern(_bytes(f"(?:{each})\\z")).match for each in (growing, cores))


def _trigger(rule: Rule) -> str:
    """The trigger without what stands around it."""
    return rule.trigger[len(rule.before) : len(rule.trigger) - len(rule.after)]


def _growing(rule: Rule, core: str, before: str) -> str:
    """What the rule's match may begin with, as a pattern, when `core` is looked at of it."""
    lead = f"(?:{rule.lead})?" if rule.lead else ""
    return prefixes(f"{before}{lead}(?:{core}){rule.after}".encode().decode("latin-1"))


def _search(pattern: str) -> Search:
    """A search for what stands at the end; the pattern is written a character for each byte."""
    found = Pattern(_bytes(rf"(?:{pattern})\z")).search

    def search(text: bytes, start: int, end: int) -> int:
        hit = found(text, start) if end == len(text) else found(text[:end], start)
        return end if hit is None else hit[0]

    return search


def _bytes(pattern: str) -> str:
    return _HIGH.sub(lambda char: f"\\x{ord(char.group()):02x}", pattern)
