"""What the rules of a scanner may still grow into, as searches from the end of a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from roadworthy.guard.text.head import parts
from roadworthy.guard.text.line import SPREAD, UNIT
from roadworthy.guard.text.pattern import ANYWHERE, Pattern
from roadworthy.guard.text.prefix import prefixes
from roadworthy.guard.text.rule import Rule
from roadworthy.guard.text.scanner import NEVER, Scanner

_HIGH = re.compile("[\x80-\xff]")
Search = Callable[[bytes, int, int], int]
"""From a text, a beginning and an end to where the first match begins; the end when there is none."""
_MEMORY = 24 << 20
"""For the states of one pattern: what is left of them is made again when texts are of another kind."""


class Horizon:
    """What the rules of a scanner may still grow into. Shared by all texts; safe for threads.

    Args:
        scanner: Has the rules.
    """

    def __init__(self, scanner: Scanner) -> None:
        blocks = [rule for rule in scanner.rules if rule.block]
        self.scanner = scanner
        self.lead = {rule.name: _search(f"(?:{rule.lead})") for rule in scanner.rules if rule.lead}
        units = prefixes(f"{UNIT}|{SPREAD}")
        self.unit = _search(units)
        self.block = _search(_any(_growing(rule, rule.core) for rule in blocks))
        heads: dict[str, list[str]] = {}  # and what may follow them, of every rule
        marked, growing = [UNIT], [units]
        for rule in scanner.rules:
            split = parts(_pattern(rule, _trigger(rule)))
            for part in split:
                if part.rest is not None:
                    heads.setdefault(part.head, []).append(part.rest)
            wholes = [part.head for part in split if part.rest is None]
            if len(wholes) == len(split):
                marked.append(rule.trigger)
            elif wholes:
                marked.append(_bytes(_any(wholes)))
            growing += map(prefixes, wholes)
        self._marks = Pattern(_any(marked), _MEMORY).match
        self._heads = [_Head(head, rests) for head, rests in heads.items()]
        self._begun = Pattern(_bytes(_any(heads)), _MEMORY).match
        self._open = _search(_any([*growing, *map(prefixes, heads)]))
        self._grown: dict[str, Search] = {}
        self._rests: dict[str, Rest] = {}

    def prepare(self) -> None:
        """Compile what is otherwise compiled when a text first needs it."""
        for head in self._heads:
            _ = head.growing

    def begun(self, text: bytes, begin: int) -> int:
        """Where the text's end may begin a match, at the earliest; -1 when a closer look is due."""
        size = len(text)
        if self._marks(ANYWHERE, text, begin, size)[0][0] >= 0:
            return -1
        if self._begun(ANYWHERE, text, begin, size)[0][0] < 0:
            return self._open(text, begin, size)
        return -1 if self.scanner.points_at(text, begin) else self.open(text, begin)

    def open(self, text: bytes, begin: int) -> int:
        """Where the text's end may begin what points at a match, at the earliest."""
        size = len(text)
        at = self._open(text, begin, size)
        if at > begin and self._begun(ANYWHERE, text, begin, size)[0][0] >= 0:
            for head in self._heads:
                if head.stands(ANYWHERE, text, begin, size)[0][0] >= 0:
                    at = min(at, head.growing(text, begin, size))
        return at

    def grown(self, rule: Rule) -> Search:
        """Where the text's end may be the beginning of a match of this rule, whose words have come already."""
        found = self._grown.get(rule.name)
        if found is None:
            split = parts(_pattern(rule, rule.core))
            each = [prefixes(head) if rest is None else head + rest for head, rest in split]
            found = self._grown[rule.name] = _search(_any(each))
        return found

    def rest(self, rule: Rule) -> Rest:
        """What a long finding of this rule goes on with."""
        found = self._rests.get(rule.name)
        if found is None:
            found = self._rests[rule.name] = Rest(rule)
        return found


class _Head:
    """Words with which rules begin, and what these may go on with.

    Args:
        words: Their pattern.
        rests: Patterns of the beginnings of what follows, for each rule.
    """

    def __init__(self, words: str, rests: Sequence[str]) -> None:
        self.stands = Pattern(_bytes(words), _MEMORY).match
        self._pattern = f"{words}(?:{_any(dict.fromkeys(rests))})"

    @cached_property
    def growing(self) -> Search:
        """Where the text's end may be these words and what follows, at the earliest; compiled when they first stand."""
        return _search(self._pattern)


class Rest:
    """Reads what follows the first `LONGEST` bytes of a finding."""

    def __init__(self, rule: Rule) -> None:
        self._run = Pattern(rf"(?s)\A(?:{rule.rest})*")
        self._end = Pattern(rf"(?s)\A(?:{rule.rest_end})")
        self._begun = Pattern(_bytes(rf"(?s)\A(?:{prefixes(f'{rule.rest}|{rule.rest_end}')})\z"))

    def ending(self, text: bytes) -> bool:
        """Whether the text ends in the middle of what would end it."""
        run = self._run.search(text)
        tail = text if run is None else text[run[1] :]
        return bool(tail) and self._begun.search(tail) is not None

    def end(self, text: bytes, final: bool) -> tuple[int, bool]:
        """How far it goes, and whether it ends there."""
        run = self._run.search(text)
        at = 0 if run is None else run[1]
        tail = text[at:]
        if not final and self._begun.search(tail) is not None:
            return at, False
        end = self._end.search(tail)
        return at + (0 if end is None else end[1]), True


def _any(patterns: Iterable[str]) -> str:
    return "|".join(patterns) or NEVER


def _trigger(rule: Rule) -> str:
    """The trigger without what stands around it."""
    return rule.trigger[len(rule.before) : len(rule.trigger) - len(rule.after)]


def _pattern(rule: Rule, core: str) -> str:
    """The rule's match when `core` is looked at of it, a character for each byte."""
    lead = f"(?:{rule.lead})?" if rule.lead else ""
    return f"{rule.before}{lead}(?:{core}){rule.after}".encode().decode("latin-1")


def _growing(rule: Rule, core: str) -> str:
    return prefixes(_pattern(rule, core))


def _search(pattern: str) -> Search:
    """A search for what stands at the end; the pattern is written a character for each byte."""
    match = Pattern(_bytes(rf"(?:{pattern})\z"), _MEMORY).match

    def search(text: bytes, start: int, end: int) -> int:
        first: int = match(ANYWHERE, text if end == len(text) else text[:end], start, end)[0][0]
        return end if first < 0 else first

    return search


def _bytes(pattern: str) -> str:
    return _HIGH.sub(lambda char: f"\\x{ord(char.group()):02x}", pattern)
