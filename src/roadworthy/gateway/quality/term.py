"""Whether a text names a term: equal for people, not equal for bytes.

Text and terms are compared after NFKC (Unicode Standard Annex 15), without invisible characters and emphasis marks, in
case-folded form, with any white space as one space. A letter or digit at a term's edge must not go on in the text, so
that `rose` is not found in `prose`; but scripts that put no space around words (Hangul with its particles, kana, Han,
Thai) never block a match: `베르가못` is found in `베르가못을`, and `Rose` in `Rose를`. A term that ends with `*` may
go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import is_normalized, normalize

_INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3164\ufe0e\ufe0f\ufeff"
)
_WITHOUT = dict.fromkeys(map(ord, _INVISIBLE))
# First and last character of scripts in which a word may stand right beside another one.
_UNSPACED = (
    ("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1100", "\u11ff"), ("\u1780", "\u17ff"), ("\u2e80", "\ud7ff"),
    ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"),
)  # fmt: skip


def plain(text: str) -> str:
    """The text as terms are looked for in it."""
    if not text.isascii():
        if not _INVISIBLE.isdisjoint(text):
            text = text.translate(_WITHOUT)
        if not is_normalized("NFKC", text):
            text = normalize("NFKC", text)
            if not _INVISIBLE.isdisjoint(text):  # a half-width Hangul filler became a full one
                text = text.translate(_WITHOUT)
    return " ".join(text.replace("*", "").replace("`", "").casefold().split())


class Term:
    """One term, ready to be looked for.

    Args:
        text: As configured.

    Raises:
        ValueError: Nothing is left of it.
    """

    __slots__ = ("_left", "_needle", "_right", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        needle = plain(text)
        if not needle:
            raise ValueError("the term is empty")
        self._needle = needle
        self._left = _joins(needle[0])
        self._right = _joins(needle[-1]) and not text.rstrip().endswith("*")

    @property
    def key(self) -> str:
        """Equal for terms that are found in the same places."""
        return self._needle if self._right or not _joins(self._needle[-1]) else f"{self._needle}*"

    def within(self, text: str) -> bool:
        """Whether `text`, which came from `plain`, names the term."""
        return self._next(text, 0) >= 0

    def spans(self, text: str) -> Iterable[tuple[int, int]]:
        """Start and end of every occurrence in `text`, which came from `plain`; none overlaps another."""
        at = self._next(text, 0)
        while at >= 0:
            end = at + len(self._needle)
            yield at, end
            at = self._next(text, end)

    def _next(self, text: str, start: int) -> int:
        needle, size = self._needle, len(self._needle)
        at = text.find(needle, start)
        while at >= 0:
            end = at + size
            before = self._left and at > 0 and _joins(text[at - 1])
            after = self._right and end < len(text) and _joins(text[end])
            if not before and not after:
                return at
            at = text.find(needle, at + 1)
        return -1


def mentions(terms: Iterable[Term], text: str) -> int:
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
