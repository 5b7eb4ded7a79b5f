"""Known values: every secret that was fetched is looked for as it is, whatever it looks like."""

from __future__ import annotations

import threading
from base64 import b64encode
from bisect import bisect_left
from urllib.parse import quote

import re2

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.pattern import Pattern
from roadworthy.guard.text.rule import Finding

LEAST_BYTES = 8
"""Shorter values would hit harmless text; they are not registered."""
_MOST = 4_096


class Literals:
    """A set of known secrets. Safe for threads: a reader sees the set before or after a change."""

    def __init__(self) -> None:
        self._forms: dict[bytes, None] = {}
        self._lock = threading.Lock()
        self._pattern: Pattern | None = None
        self._changed = False  # since the pattern was made
        self._ordered: list[bytes] | None = None  # in the order of bytes, once a text in pieces has asked

    def add(self, value: str) -> bool:
        """Look for a value from now on, also percent-encoded, in JSON escapes and in Base64.

        Returns:
            False when it is too short to be told from harmless text.
        """
        if len(value.encode()) < LEAST_BYTES:
            return False
        with self._lock:
            for form in _forms(value):
                self._forms.pop(form, None)
                self._forms[form] = None  # newest last
            while len(self._forms) > _MOST:
                self._forms.pop(next(iter(self._forms)))
            self._ordered = None
            self._changed = True
        return True

    def _current(self) -> Pattern | None:
        """The pattern of all values; made when it is asked for, because values come by the thousand."""
        if self._changed:
            with self._lock:
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._pattern = Pattern("|".join(re2.escape(form).decode() for form in longest_first))
                self._changed = False
        return self._pattern

    def scan(self, text: bytes, position: int = 0) -> list[Finding]:
        """Every place where a known value stands, from `position` on."""
        pattern = self._current()
        found: list[Finding] = []
        while pattern is not None and (hit := pattern.search(text, position)) is not None:
            start, position = hit
            found.append(Finding(start, position, Kind.API_KEY, "known_value", 1.0))
        return found

    def near(self, text: bytes, position: int) -> bool:
        """Whether a known value stands there from `position` on, or may begin to."""
        pattern = self._current()
        if pattern is None:
            return False
        return pattern.search(text, position) is not None or self.growing(text, position) < len(text)

    def growing(self, text: bytes, position: int) -> int:
        """Where the text's end may be the beginning of a known value; the text's length when nowhere.

        Args:
            text: What has come so far.
            position: Not before this byte.
        """
        size = len(text)
        with self._lock:
            ordered = self._ordered
            if ordered is None:
                ordered = self._ordered = sorted(self._forms)
        longest = max(map(len, ordered), default=0)
        for start in range(max(position, size - longest + 1), size):
            tail = text[start:]
            place = bisect_left(ordered, tail)
            if place < len(ordered) and ordered[place].startswith(tail):
                return start
        return size


def _forms(value: str) -> list[bytes]:
    import json  # for those who have a secret

    escaped = json.dumps(value)[1:-1]
    written = (value, quote(value, safe=""), escaped, escaped.replace("/", "\\/"), json.dumps(escaped)[1:-1])
    return list(dict.fromkeys([text.encode() for text in written] + [b64encode(value.encode())]))
