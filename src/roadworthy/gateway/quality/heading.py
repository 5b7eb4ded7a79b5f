"""Sections of an answer: a heading, and the text up to the next one.

A heading is a line that says nothing else, however it is decorated (`## Notes`, `**Notes:**`, `1. Notes`, `[Notes]`),
or a line that begins with it and a colon (`Notes: bergamot`). Case and Unicode form do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.gateway.quality.term import plain

_AROUND = "#*_`-–—•·.:)(<>[]【】「」『』《》〈〉■□●○▶◆ \t"
_DIGITS = "0123456789"


def sections(text: str, headings: Sequence[str]) -> dict[str, str]:
    """Text below each of the headings that the answer has, by heading as given; the first one of a name counts.

    Args:
        text: The answer.
        headings: Names to look for.
    """
    wanted = {heading_key(heading): heading for heading in headings}
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        name, rest = _heading(line, wanted)
        if name is not None:
            current = found.setdefault(wanted[name], []) if wanted[name] not in found else []
            if rest:
                current.append(rest)
        elif line.lstrip().startswith("#"):  # a heading that nobody asked for ends the section too
            current = None
        elif current is not None:
            current.append(line)
    return {heading: "\n".join(lines) for heading, lines in found.items()}


def heading_key(name: str) -> str:
    """What a line must come to, to be this heading; empty for a name that is decoration alone."""
    return plain(_bare(name))


def words(text: str) -> int:
    """Number of words: runs between white space that hold a letter or a digit.

    Japanese and Chinese put no space between words, so their numbers are too small.
    """
    return sum(1 for part in text.split() if part.isalnum() or any(map(str.isalnum, part)))


def _heading(line: str, wanted: dict[str, str]) -> tuple[str | None, str]:
    name = heading_key(line)
    if name in wanted:
        return name, ""
    before, colon, after = line.partition(":")
    if colon:
        name = heading_key(before)
        if name in wanted:
            return name, after.strip(" *_")
    return None, ""


def _bare(line: str) -> str:
    # The number of `1. Notes` goes, that of `2024 outlook` stays.
    bare = line.strip().lstrip(_AROUND).rstrip(_AROUND)
    number = len(bare) - len(bare.lstrip(_DIGITS))
    if number and bare[number : number + 1] in (".", ")"):
        bare = bare[number + 1 :].lstrip(_AROUND)
    return bare
