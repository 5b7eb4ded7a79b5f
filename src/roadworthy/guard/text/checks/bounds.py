"""What may stand before and behind numbers and ids, as RE2 patterns."""

from __future__ import annotations

GROUP_START = r"(?:^|[^0-9A-Za-z_.+:/,\-]|[^0-9][.:,]|[^0-9A-Za-z_][/\-]|\\[bfnrt])"
"""Before a number in groups: no digit, letter or underscore, and no `.`, `:`, `,`, `/` or `-` that a digit (for `/` and
`-` a letter, too) stands before, because then the number goes on to the left: a date, a time, an id with hyphens."""
ID_START = r"(?:^|[^0-9A-Za-z_\-]|[^0-9A-Za-z_]-|\\[bfnrt])"
"""Before an id of letters and digits: nothing that it would be the end of."""
ID_END = r"(?:$|[^0-9A-Za-z_\-]|-(?:$|[^0-9A-Za-z_]))"
"""Behind one: a hyphen may follow, but nothing may hang on it."""

_SAID = r"(?i:numbers?|numero|num|n[or]|id|is|value|was|[ie]st)"


def named(words: str, others: str = "", gap: int = 20) -> str:
    """Pattern of what stands before a value and says what it is.

    A name, perhaps `number` or `is`, and no other letter or digit of ASCII.

    Args:
        words: RE2 alternatives in ASCII, in any case; with a letter before it a word is another one.
        others: RE2 alternatives in other scripts, as they are.
        gap: Most bytes between the name and the value.
    """
    names = rf"(?:^|[^A-Za-z]|\\[bfnrt])(?i:{words})"
    if others:
        names = f"(?:{names}|{others})"
    between = rf"[^0-9A-Za-z\n]{{0,{gap}}}"
    return rf"{names}(?:[^0-9A-Za-z\n]{{0,3}}{_SAID}\b){{0,2}}{between}"
