"""Where a finding stands in JSON: a bare number that is replaced needs quotes, or it would be no JSON any more."""

from __future__ import annotations

import re

from roadworthy.guard.text.later import compiled_later

_TOKEN = compiled_later(rb'\\.|"|\n', re.DOTALL)
_NUMBER = compiled_later(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NAME_BEFORE = compiled_later(rb"(\\*)([\"'])[ \t]*:[ \t]*\Z")
_LOOK_BACK = 64


class JsonPlace:
    """Answers for one text. Positions must not decrease.

    Args:
        text: The whole text, or what is there of it: a JSON document, lines of them, or anything else.

    Attributes:
        is_json: Whether it begins like a JSON document.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0
        self._inside = False
        self.is_json = text.lstrip()[:1] in (b"{", b"[")

    def moved(self, text: bytes, by: int) -> None:
        """Go on with a text that has grown, and of which the first `by` bytes are gone; they were advanced over."""
        self._text = text
        self._at = max(0, self._at - by)

    def advance(self, position: int) -> None:
        """Read up to there; nothing before it is asked for any more."""
        self._inside_string(position)

    def bare(self, start: int, end: int) -> tuple[int, bytes]:
        """Where the replaced bytes must begin, and what must stand on both sides of the mark: mostly nothing.

        Args:
            start: First byte of a finding; the sign of a bare number belongs to what is replaced.
            end: Behind its last byte.
        """
        signed = start - (self._text[start - 1 : start] == b"-")
        quote = self._quote(signed, end)
        return (signed, quote) if quote else (start, b"")

    def _quote(self, start: int, end: int) -> bytes:
        text = self._text
        if _NUMBER.fullmatch(text, start, end) is None:
            return b""
        before = text[max(0, start - _LOOK_BACK) : start]
        named = _NAME_BEFORE.search(before)
        if named is not None:
            backslashes, quote = named.groups()
            if self.is_json and not backslashes and self._inside_string(start):
                return b""  # the quote opened a string that begins with a colon
            if quote == b"'":
                return b"'"
            return b"\\" * ((1 << quote_depth(len(backslashes))) - 1) + quote
        if self.is_json and not self._inside_string(start) and before.rstrip()[-1:] in (b",", b"["):
            return b'"'
        return b""

    def _inside_string(self, position: int) -> bool:
        """A raw line feed is never inside a JSON string, so lines are counted one by one."""
        for token in _TOKEN.finditer(self._text, self._at, max(position, self._at)):
            found = token.group()
            if found == b'"':
                self._inside = not self._inside
            elif found == b"\n":
                self._inside = False
            self._at = token.end()
        return self._inside


def quote_depth(backslashes: int) -> int:
    """How many strings deep a quote with that many backslashes before it is: 0 → 0, 1 → 1, 3 → 2, 5 → 1."""
    found = 0
    while backslashes & 1:
        found += 1
        backslashes >>= 1
    return found
