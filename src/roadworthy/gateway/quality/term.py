"""Whether a text names a term: equal for people, not equal for bytes.

Text and terms are compared after NFKC (Unicode Standard Annex 15), without invisible characters and emphasis marks, in
case-folded form, with any white space as one space. A letter or digit at a term's edge must not go on in the text, so
that `rose` is not found in `prose`; but scripts that put no space around words (Hangul with its particles, kana, Han,
Thai) never block a match: `베르가못` is found in `베르가못을`, and `Rose` in `Rose를`. A term that ends with `*` may
go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from unicodedata import is_normalized, normalize

INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3164\ufe0e\ufe0f\ufeff"
)
MARKS = "*`"
"""Emphasis marks; one at the end of a term has a meaning of its own."""
_WITHOUT = dict.fromkeys(map(ord, INVISIBLE))
# First and last character of scripts in which a word may stand right beside another one.
_UNSPACED = (
    ("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1100", "\u11ff"), ("\u1780", "\u17ff"), ("\u2e80", "\ud7ff"),
    ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"),
)  # fmt: skip


_SPACED = re.compile(f"[^\\W_{''.join(f'{first}-{last}' for first, last in _UNSPACED)}]+")
_EDGE = "\u00ad"
"""Stands around the words of `Plain.edged`; no plain text has it in it."""
MOST_MISSES = 8


class Plain(str):
    """A text as terms are looked for in it; comes from `plain`."""

    @cached_property
    def edged(self) -> str:
        """The same with a mark at both ends of every word of a script that puts spaces around words."""
        return _edged(self)


def plain(text: str) -> Plain:
    """The text as terms are looked for in it."""
    if not text.isascii():
        if not INVISIBLE.isdisjoint(text):
            text = text.translate(_WITHOUT)
        if not is_normalized("NFKC", text):
            text = normalize("NFKC", text)
            if not INVISIBLE.isdisjoint(text):  # a half-width Hangul filler became a full one
                text = text.translate(_WITHOUT)
    return Plain(" ".join(text.replace("*", "").replace("`", "").casefold().split()))


class Term:
    """One term, ready to be looked for.

    Args:
        text: As configured.

    Raises:
        ValueError: Nothing is left of it.
    """

    __slots__ = ("_edged", "_left", "_needle", "_right", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        needle = str(plain(text))
        if not needle:
            raise ValueError("the term is empty")
        self._needle = needle
        self._left = _joins(needle[0])
        self._right = _joins(needle[-1]) and not text.rstrip().endswith("*")
        edged = _edged(needle)
        self._edged = edged if self._right else edged.removesuffix(_EDGE)

    @property
    def key(self) -> str:
        """Equal for terms that are found in the same places."""
        return self._needle if self._right or not _joins(self._needle[-1]) else f"{self._needle}*"

    def within(self, text: Plain) -> bool:
        """Whether `text` names the term."""
        return self._needle in text and any(True for _ in self.spans(text))

    def spans(self, text: Plain) -> Iterator[tuple[int, int]]:
        """Start and end of every occurrence in `text`; none overlaps another."""
        needle, size = self._needle, len(self._needle)
        misses = 0
        at = text.find(needle)
        while at >= 0:
            end = at + size
            if self._stands(text, at, end):
                yield at, end
                at = text.find(needle, end)
                continue
            misses += 1
            if misses > MOST_MISSES:
                yield from self._between_edges(text, at)
                return
            at = text.find(needle, at + 1)

    def _stands(self, text: str, at: int, end: int) -> bool:
        """Whether it does not go on at its edges."""
        before = self._left and at > 0 and _joins(text[at - 1])
        return not before and not (self._right and end < len(text) and _joins(text[end]))

    def _between_edges(self, text: Plain, start: int) -> Iterator[tuple[int, int]]:
        """The same from `start` on, at a price that does not depend on how often it is nearly found."""
        edged, needle, size = text.edged, self._edged, len(self._needle)
        at = edged.find(needle)
        counted = marks = 0
        while at >= 0:
            marks += edged.count(_EDGE, counted, at)
            counted = at
            if at - marks >= start:
                yield at - marks, at - marks + size
            at = edged.find(needle, at + len(needle))


def mentions(terms: Iterable[Term], text: Plain) -> int:
    """How often any of the terms is named; where two terms overlap the longer one counts, once."""
    found = sorted((span for term in terms for span in term.spans(text)), key=lambda span: (span[0], -span[1]))
    count, behind = 0, -1
    for start, end in found:
        if start >= behind:
            count += 1
            behind = end
    return count


def _joins(character: str) -> bool:
    """Whether the character, beside a letter or digit, would be part of the same word."""
    return character.isalnum() and not any(first <= character <= last for first, last in _UNSPACED)


def _edged(text: str) -> str:
    return _SPACED.sub(rf"{_EDGE}\g<0>{_EDGE}", text)
