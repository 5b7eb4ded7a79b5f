"""Universal Binary JSON, in which XGBoost keeps its models (ubjson.org, draft 12): data only."""

from __future__ import annotations

from roadworthy.verify.artifact.forward import Forward
from roadworthy.verify.artifact.inspection import BudgetSpent, Inspection, Malformed
from roadworthy.verify.artifact.source import Source

_WIDTHS = {"i": 1, "U": 1, "I": 2, "l": 4, "L": 8, "d": 4, "D": 8, "C": 1, "Z": 0, "N": 0, "T": 0, "F": 0}
_LENGTHS = {"i": 1, "U": 1, "I": 2, "l": 4, "L": 8}
_MOST_DEPTH = 64


class _Walk(Forward):
    def __init__(self, source: Source, inspection: Inspection) -> None:
        super().__init__(source)
        self._inspection = inspection

    def marker(self) -> str:
        return self.take(1).decode("latin-1")

    def skip(self, length: int) -> None:
        self.at += length
        if self.at > self._source.size:
            raise Malformed("It is cut off.", self.at)

    def length(self) -> int:
        width = _LENGTHS.get(self.marker())
        if width is None:
            raise Malformed("A length is no number.", self.at)
        number = int.from_bytes(self.take(width), "big", signed=True)
        return number % 256 if width == 1 else number

    def value(self, marker: str, depth: int) -> None:
        self._inspection.spend("items", 1)
        if marker in _WIDTHS:
            self.skip(_WIDTHS[marker])
        elif marker in "SH":
            self.skip(max(0, self.length()))
        elif marker in "[{" and depth < _MOST_DEPTH:
            self._container(marker, depth)
        else:
            raise Malformed(f"{marker!r} is no type.", self.at)

    def _container(self, opening: str, depth: int) -> None:
        kind = count = None
        marker = self.marker()
        if marker == "$":
            kind, marker = self.marker(), self.marker()
        if marker == "#":
            count = self.length()
            if kind in _WIDTHS and opening == "[":
                self.skip(_WIDTHS[kind or "Z"] * count)
                return
            marker = ""
        closing = "]" if opening == "[" else "}"
        while marker != closing if count is None else count > 0:
            if opening == "{":
                self._key(marker)
                marker = ""
            self.value(kind or marker or self.marker(), depth + 1)
            marker = self.marker() if count is None else ""
            count = None if count is None else count - 1

    def _key(self, marker: str) -> None:
        if marker:
            width = _LENGTHS.get(marker)
            if width is None:
                raise Malformed("A key has no length.", self.at)
            self.skip(int.from_bytes(self.take(width), "big"))
        else:
            self.skip(self.length())


def attempt(source: Source, inspection: Inspection) -> bool:
    """Whether the bytes are an object of this format from the first to the last; chance does not make one."""
    if source.read(0, 1) != b"{" or source.size < 4:
        return False
    walk = _Walk(source, inspection)
    try:
        walk.value(walk.marker(), 0)
    except (Malformed, BudgetSpent):
        return False
    if walk.at != source.size:
        return False
    inspection.recognise("ubjson")
    return True
