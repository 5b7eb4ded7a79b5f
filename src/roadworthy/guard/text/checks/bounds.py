"""What may stand before and behind numbers and ids, as RE2 patterns."""

from __future__ import annotations

GROUP_START = r"(?:^|[^0-9A-Za-z_.+:/\-]|[^0-9][.:]|[^0-9A-Za-z_][/\-]|\\[bfnrt])"
"""Before a number in groups: no digit, letter or underscore, and no `.`, `:`, `/` or `-` that a digit (for `/` and
`-` a letter, too) stands before, because then the number goes on to the left: a date, a time, an id with hyphens."""
ID_START = r"(?:^|[^0-9A-Za-z_\-]|[^0-9A-Za-z_]-|\\[bfnrt])"
"""Before an id of letters and digits: nothing that it would be the end of."""
ID_END = r"(?:$|[^0-9A-Za-z_\-]|-(?:$|[^0-9A-Za-z_]))"
"""Behind one: a hyphen may follow, but nothing may hang on it."""

SAID_OF_NUMBERS = "|".join(
    (
        # a number in each language of Latin script
        "numbers?|num(?:e|é)ro|número|num|n[or]?|nummers?|numer[ou]?|nomo?r|numaras?|numaram[a-z]{0,4}",
        # it is, it was
        "is|was|value|est|ist|lautet|es|jest|to|adalah|ialah|är",
        # mine, the, new, the customer's
        "saya|của (?:tôi|em|mình)|le|el|il|die|the|new",
        "of (?:the |our |my )?(?:customer|client|user|caller|owner|patient)|customer|d(?:o|el|u|e la) clien?te?"
        "|des kunden|de contacto|de contato|klienta|pelanggan",
    )
)
"""What may stand between a name and its value, after which the value is still the named thing. Words of other scripts
need no mention: what stands between may be any character that is no ASCII letter or digit."""
_SAID_ELSE = r"là|ของ(?:ฉัน|ผม)|คือ|नंबर|संख्या|है|клиента|\([A-Za-z ]{1,16}\)"
"""The same where it ends in no ASCII letter: long words of other scripts, and a remark in brackets."""
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
    return rf"{names}(?:[^0-9A-Za-z\n]{{0,3}}(?:(?i:{said})\b|{_SAID_ELSE})){{0,2}}{between}"
