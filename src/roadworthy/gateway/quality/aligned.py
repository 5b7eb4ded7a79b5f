"""Where in a text something stands that was found in its plain form: terms are looked for there (`term.plain`)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple
from unicodedata import combining, normalize

from roadworthy.gateway.quality.term import INVISIBLE, MARKS


class Aligned(NamedTuple):
    """A text and its plain form.

    Attributes:
        plain: As `term.plain` gives it.
        starts: For each of its characters, where in the text begins what it stands for, in code points.
        ends: Where that ends.
    """

    plain: str
    starts: array[int]
    ends: array[int]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where in the text stands what stands from `start` to `end` in the plain form, which is not empty."""
        return self.starts[start], self.ends[end - 1]


def aligned(text: str) -> Aligned:
    """The plain form of a text, and the way back."""
    found: list[str] = []
    starts, ends = array("L"), array("L")
    blank = True  # before the first word there is no space
    for start, end, piece in _pieces(text):
        for character in piece:
            if not character.isspace():
                found.append(character)
            elif not blank:
                found.append(" ")
            else:
                if found:
                    ends[-1] = end  # a run of white space is one space
                continue
            blank = character.isspace()
            starts.append(start)
            ends.append(end)
    if found and found[-1] == " ":
        found.pop()
        starts.pop()
        ends.pop()
    return Aligned("".join(found), starts, ends)


def _pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and plain form of each part of the text that normalization changes by itself."""
    if text.isascii():
        for at, character in enumerate(text):
            yield at, at + 1, "" if character in MARKS else character.lower()
        return
    start = end = 0
    part = form = ""
    for at, character in enumerate(text):
        if character in INVISIBLE:
            continue
        alone = normalize("NFKC", character)
        if part and (combining(normalize("NFKD", character)[0]) or normalize("NFKC", part + character) != form + alone):
            part += character
            form = normalize("NFKC", part)
        else:
            yield start, end, _folded(form)
            start, part, form = at, character, alone
        end = at + 1
    yield start, end, _folded(form)


def _folded(form: str) -> str:
    return "".join(one for one in form if one not in INVISIBLE and one not in MARKS).casefold()
