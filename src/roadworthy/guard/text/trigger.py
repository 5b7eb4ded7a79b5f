"""Short forms of patterns for the gate: a few states instead of one for every count of every form."""

from __future__ import annotations

import re

LONGEST_COUNT = 8
"""A gate that has seen so much of a form sends the line to the rule, which looks at all of it."""

_COUNT = re.compile(r"\{(\d+)[^}]*\}")


def shortened(pattern: str) -> str:
    """A pattern that matches wherever the given one does, and looks at less.

    Each alternative ends at its first repetition of `LONGEST_COUNT` or more that stands outside of groups. For patterns
    behind which nothing is asked for.

    Args:
        pattern: RE2 pattern without look at what follows.
    """
    return "|".join(_cut(form) for form in _alternatives(pattern))


def _cut(form: str) -> str:
    for count in _COUNT.finditer(form):
        if int(count[1]) >= LONGEST_COUNT and _depth(form[: count.start()]) == 0:
            return f"{form[: count.start()]}{{{LONGEST_COUNT}}}"
    return form


def _alternatives(pattern: str) -> list[str]:
    """The parts between the bars that stand outside of groups and classes."""
    found, start = list[str](), 0
    for place in (token.start() for token in re.finditer(r"\|", pattern)):
        if _depth(pattern[:place]) == 0:
            found.append(pattern[start:place])
            start = place + 1
    return [*found, pattern[start:]]


def _depth(text: str) -> int:
    """How many groups and classes are open behind the text; escaped brackets and those in classes are none."""
    bare = re.sub(r"\\.", "", text)
    bare = re.sub(r"\[\^?\]?[^\]]*\]", "", bare)
    return bare.count("(") - bare.count(")") + bare.count("[")
