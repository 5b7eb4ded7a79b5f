"""RE2 patterns over bytes, called without the wrapper that the package puts around them.

The wrapper makes a generator and a match object for every search: 1.2 µs, which for a line that holds nothing is more
than all the rest. What it wraps is one call, and that is what stands here.
"""

from __future__ import annotations

import re2
from re2 import _re2

ANYWHERE = _re2.RE2.Anchor.UNANCHORED
_NOWHERE = -1


MEMORY = 32 << 20
"""Bytes for the states of a pattern of many rules."""


def options(memory: int = MEMORY) -> re2.Options:
    """Bytes in, bytes out; room for so many bytes of states; no messages on standard error."""
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.max_mem = memory
    chosen.log_errors = False
    return chosen


class Pattern:
    """A compiled pattern. Safe for threads.

    Args:
        pattern: RE2 syntax over Latin-1, with at most one group.
        memory: Bytes that its program and its states may have.

    Raises:
        ValueError: It is no such pattern.

    Attributes:
        match: The call itself: anchor, text, beginning, end; gives the spans of match and group.
    """

    __slots__ = ("_match", "match")

    def __init__(self, pattern: str, memory: int = MEMORY) -> None:
        compiled = _re2.RE2(pattern.encode(), options(memory))
        if not compiled.ok():
            raise ValueError(compiled.error().decode())
        self._match = self.match = compiled.Match

    def search(self, text: bytes, position: int = 0) -> tuple[int, int] | None:
        """Where the first match from `position` on stands."""
        first: tuple[int, int] = self._match(ANYWHERE, text, position, len(text))[0]
        return None if first[0] == _NOWHERE else first

    def search_group(self, text: bytes, position: int = 0) -> tuple[int, int] | None:
        """Where the group of the first match from `position` on stands."""
        spans: list[tuple[int, int]] = self._match(ANYWHERE, text, position, len(text))
        return None if spans[0][0] == _NOWHERE else spans[1]

    def spans(self, text: bytes, position: int = 0, end: int | None = None) -> tuple[int, int, int, int] | None:
        """Where the first match from `position` on stands, and where its group; it ends at `end` at the latest."""
        whole, group, *_ = self._match(ANYWHERE, text, position, len(text) if end is None else end)
        return None if whole[0] == _NOWHERE else (*whole, *group)


class PatternSet:
    """Says which of several patterns match somewhere in a text. Safe for threads.

    Args:
        patterns: As for `Pattern`.
    """

    __slots__ = ("_match",)

    def __init__(self, patterns: list[str]) -> None:
        compiled = re2.Set.SearchSet(options())
        for pattern in patterns:
            compiled.Add(pattern.encode())
        compiled.Compile()
        self._match = compiled.Match

    def matching(self, text: bytes) -> list[int]:
        """Places of the patterns in the list. Empty also when memory ran out: ask a `Pattern` before you believe it."""
        found: list[int] | None = self._match(text)
        return found or []
