"""What may still become a match: from a pattern, the pattern of everything that a match can begin with.

A stream must hold back exactly the end of the text that some rule could still grow into a finding. That is a property
of the rules' own patterns: the set of prefixes of a regular language is regular, and its expression is built here from
the rule's, so that no rule has to say it a second time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_GROUP = re.compile(r"\((\?(?:[imsU]*(?:-[imsU]+)?:|P?<[A-Za-z_0-9]+>))?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]+\}|[0-7]{1,3}|[pP](?:\{\^?\w+\}|\w)|.)", re.DOTALL)
_TIMES = re.compile(r"(?:([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\})[?]?")
_MOST_COUNTED = 2
_NO_WIDTH = frozenset(("^", "$", r"\b", r"\B", r"\A", r"\z"))


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of a sequence: an atom or a group, and how often it may come.

    Attributes:
        source: As it is written, without how often.
        head: How a group opens; empty for an atom.
        body: The alternatives of a group; None for an atom.
        most: How often it may come; None without a bound.
        written: All of it.
    """

    source: str
    head: str
    body: Alternatives | None
    most: int | None
    written: str


Alternatives = tuple[tuple[Item, ...], ...]
"""What a pattern or a group is: sequences of which one matches."""


def prefixes(pattern: str, exact: bool = False) -> str:
    """A pattern that matches every beginning of what `pattern` matches, the empty and the whole one included.

    Unless it is to be exact it matches somewhat more: what may come more than twice may come any number of times. An
    automaton that counts in many patterns at once has a state for every way in which the counts can stand together.

    Args:
        pattern: In RE2's syntax, one character for each byte. An assertion at the very end of the text counts as held:
            what follows is not known yet.
        exact: Whether to count.

    Raises:
        ValueError: It has a form that is not known here.
    """
    return f"(?:{_either(parsed(pattern, exact))})"


def parsed(pattern: str, exact: bool = False) -> Alternatives:
    """The pattern as sequences of items; for the arguments see `prefixes`."""
    reader = _Reader(pattern, exact)
    body = reader.alternatives()
    if reader.at != len(pattern):
        raise ValueError(f"unbalanced at {reader.at}")
    return body


class _Reader:
    def __init__(self, pattern: str, exact: bool) -> None:
        self.pattern = pattern
        self.exact = exact
        self.at = 0

    def alternatives(self) -> Alternatives:
        found, items = [], list[Item]()
        while self.at < len(self.pattern) and (char := self.pattern[self.at]) != ")":
            if char == "|":
                self.at += 1
                found.append(tuple(items))
                items = []
            else:
                items.append(self._item())
        return (*found, tuple(items))

    def _item(self) -> Item:
        start, head, body = self.at, "", None
        if self.pattern[start] == "(":
            opened = _GROUP.match(self.pattern, start)
            assert opened is not None
            self.at = opened.end()
            flags = opened.group(1) or "?:"
            head = f"({flags}" if flags.endswith(":") else "(?:"
            body = self.alternatives()
            if self.pattern[self.at : self.at + 1] != ")":
                raise ValueError(f"a group without end at {start}")
            self.at += 1
        else:
            self.at = self._atom(start)
        source = self.pattern[start : self.at]
        if body is not None:
            source = f"{head}{'|'.join(map(written, body))})"
        return Item(source, head, body, *self._times(source))

    def _atom(self, start: int) -> int:
        char = self.pattern[start]
        if char in "*+?{":
            raise ValueError(f"nothing to repeat at {start}")
        if char not in "[\\":
            return start + 1
        found = (_CLASS if char == "[" else _ESCAPE).match(self.pattern, start)
        if found is None:
            raise ValueError(f"a class or an escape without end at {start}")
        return found.end()

    def _times(self, source: str) -> tuple[int | None, str]:
        times = _TIMES.match(self.pattern, self.at)
        if times is None:
            return 1, source
        self.at = times.end()
        sign, least, comma, most = times.groups()
        written = source + times.group()
        if sign:
            return (1 if sign == "?" else None), written
        if comma:
            return self._loose(source, int(most), written) if most else (None, written)
        return self._loose(source, int(least), written)

    def _loose(self, source: str, most: int | None, written: str) -> tuple[int | None, str]:
        if self.exact or (most is not None and most <= _MOST_COUNTED):
            return most, written
        return None, f"(?:{source})*"


def beginnings(items: Sequence[Item]) -> str:
    """A pattern of every beginning of a sequence, the empty one included."""
    return f"(?:{_sequence(items)})"


def written(items: Sequence[Item]) -> str:
    """The pattern of a sequence."""
    return "".join(item.written for item in items)


def _either(body: Alternatives) -> str:
    return "|".join(_sequence(items) for items in body)


def _sequence(items: Sequence[Item]) -> str:
    result = ""
    for item in reversed(items):
        result = _before(item, result)
    return result


def _before(item: Item, rest: str) -> str:
    """Beginnings of an item and what follows it, from those of what follows."""
    own = _one(item)
    if not rest:
        return own
    if item.body is None and (item.most == 1 or (item.most is None and item.written[-1] in "*+")):
        # an atom has come or has not: there is nothing between
        return f"{item.written}{rest}" if item.written[-1] == "*" else f"(?:{item.written}{rest})?"
    return f"(?:{own}|{item.written}{rest})"


def _one(item: Item) -> str:
    if item.source in _NO_WIDTH or item.most == 0:
        return ""
    last = f"(?:{item.source})?" if item.body is None else f"{item.head}{_either(item.body)})"
    if item.most == 1:
        return last
    return f"(?:{item.source}){'*' if item.most is None else f'{{0,{item.most - 1}}}'}{last}"
