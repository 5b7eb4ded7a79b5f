"""Korean or English: the language of a request's prompts, told by its text."""

from __future__ import annotations

import re

MAX_CHARS = 4_000
"""So much of a text decides; more would say the same."""

_WORD = re.compile(r"[^\W\d_]+")
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb\uffa1-\uffdc]")
"""Syllables, and the letters that decomposed text (NFD) and keyboards give."""


def language_of(text: str) -> str:
    """`ko` when at least half of the words hold Hangul, else `en`; a text without words is `en`.

    Words are counted and not letters: Korean text is full of Latin names, whose letters outnumber its syllables.
    """
    if text.isascii():
        return "en"
    words = _WORD.findall(text[:MAX_CHARS])
    korean = sum(1 for word in words if _HANGUL.search(word))
    return "ko" if korean and 2 * korean >= len(words) else "en"
