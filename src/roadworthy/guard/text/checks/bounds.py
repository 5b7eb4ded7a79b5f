"""What may stand before and behind numbers and ids, as RE2 patterns."""

from __future__ import annotations

GROUP_START = r"(?:^|[^0-9A-Za-z_.+:/\-]|[^0-9][.:]|[^0-9A-Za-z_][/\-]|\\[bfnrt])"
"""Before a number in groups: no digit, letter or underscore, and no `.`, `:`, `/` or `-` that a digit (for `/` and
`-` a letter, too) stands before, because then the number goes on to the left: a date, a time, an id with hyphens."""
ID_START = r"(?:^|[^0-9A-Za-z_\-]|[^0-9A-Za-z_]-|\\[bfnrt])"
"""Before an id of letters and digits: nothing that it would be the end of."""
ID_END = r"(?:$|[^0-9A-Za-z_\-]|-(?:$|[^0-9A-Za-z_]))"
"""Behind one: a hyphen may follow, but nothing may hang on it."""

SAID_OF_NUMBERS = "numbers?|numero|num|n[or]?|is|value|was|[ie]st"
"""What may stand between a name and its value, after which the value is still the named thing."""
SAID = f"{SAID_OF_NUMBERS}|id"
"""The same for ids."""


def named(words: str, others: str = "", gap: int = 20, said: str = SAID) -> str:
    """Pattern of what stands before a value and says what it is.

    A name, perhaps `number` or `is`, and no other letter or digit of ASCII.

    Args:
        words: RE2 alternatives in ASCII, in any case; with a letter before it a word is another one.
        others: RE2 alternatives in other scripts, as they are.
        gap: Most bytes between the name and the value.
        said: RE2 alternatives of what may stand between them.
    """
    names = rf"(?:^|[^A-Za-z]|\\[bfnrt])(?i:{words})"
    if others:
        names = f"(?:{names}|{others})"
    between = rf"[^0-9A-Za-z\n]{{0,{gap}}}"
    return rf"{names}(?:[^0-9A-Za-z\n]{{0,3}}(?i:{said})\b){{0,2}}{between}"
