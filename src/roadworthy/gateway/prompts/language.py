"""Korean or English: the language of a request's prompts, told by its text."""

from __future__ import annotations

import re

MAX_CHARS = 300
"""So much of a text decides; more would say the same."""

_LETTERS = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\ud7b0-\ud7fb\uffa1-\uffdc"
"""What decomposed text (NFD) and keyboards give."""
_WORD = re.compile(r"[^\W\d_]\S*")
_KOREAN_WORD = re.compile(f"[\uac00-\ud7a3{_LETTERS}]\\S*")


def language_of(text: str) -> str:
    """`ko` when at least half of the words hold Hangul, else `en`; a text without words is `en`.

    Words are counted and not letters: Korean text is full of Latin names, whose letters outnumber its syllables.
    """
    if text.isascii():
        return "en"
    begin = text[:MAX_CHARS]
    korean = len(_KOREAN_WORD.findall(begin))
    return "ko" if korean and 2 * korean >= len(_WORD.findall(begin)) else "en"
