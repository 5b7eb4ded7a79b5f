"""Unusual ways to write the same value: other digits, other dashes and spaces, characters that nobody sees."""

from __future__ import annotations

from random import Random

from roadworthy.guard.corpus.sample import Message, Part, Value
from roadworthy.guard.text.kind import Kind

_NUMBERS = frozenset((Kind.PHONE, Kind.CARD, Kind.RRN, Kind.BRN, Kind.SSN, Kind.NATIONAL_ID))
_SPACED = _NUMBERS | {Kind.IBAN}
_INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")
_DASHES = ("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212")
_SPACES = ("\u00a0", "\u2009", "\u202f", "\u3000")
_FULL_WIDTH = {ord(char): ord(char) + 0xFEE0 for char in "0123456789-@"}
_ZEROS = {"ar": 0x0660, "hi": 0x0966}
"""Where a language has digits of its own."""


def disguised(rng: Random, value: Value, language: str) -> tuple[Message, str]:
    """The value in another way of writing, and the name of that way; as it was, and empty, when none fits."""
    kinds = {part.kind for part in value.parts if part.kind is not None}
    text = "".join(part.text for part in value.parts)
    ways = _ways(kinds, text, language) if value.disguise else []
    if not ways:
        return value.parts, ""
    way = rng.choice(ways)
    return tuple(Part(_written(rng, way, part.text, language), part.kind) if part.kind else part
                 for part in value.parts), way  # fmt: skip


def _ways(kinds: set[Kind], text: str, language: str) -> list[str]:
    ways: list[str] = []
    if kinds <= _NUMBERS | {Kind.EMAIL, Kind.IBAN}:
        ways.append("zero width")
    if kinds <= _NUMBERS:
        ways.append("full width")
        ways += ["digits of the language"] if language in _ZEROS else []
    if kinds <= _NUMBERS and "-" in text:
        ways.append("dash")
    if kinds <= _SPACED and " " in text:
        ways.append("space")
    return ways


def _written(rng: Random, way: str, text: str, language: str) -> str:
    if way == "zero width":
        for _ in range(rng.randint(1, 2)):
            place = rng.randrange(1, len(text))
            text = text[:place] + rng.choice(_INVISIBLE) + text[place:]
        return text
    if way == "full width":
        return text.translate(_FULL_WIDTH)
    if way == "digits of the language":
        return text.translate({ord(str(digit)): _ZEROS[language] + digit for digit in range(10)})
    if way == "dash":
        return text.replace("-", rng.choice(_DASHES))
    return text.replace(" ", rng.choice(_SPACES))
