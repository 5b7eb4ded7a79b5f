"""What a corpus is made of: parts of a text, values with the names people give them, and labelled lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple

from roadworthy.guard.text.kind import Kind


class Part(NamedTuple):
    """A piece of text; with a kind it is what a detector has to find, without one it is what stands around."""

    text: str
    kind: Kind | None = None


Message = tuple[Part, ...]
"""A text in pieces, so that carriers can encode it and still know where its values stand."""


class Value(NamedTuple):
    """Something to put into a text.

    Attributes:
        parts: What is written; parts with a kind must be found.
        form: Which of the kind's forms it is, for the report.
        labels: What people call it in a sentence; empty: the language's usual word for the kind.
        fields: What programs call it; empty: the usual names for the kind.
        bare: Whether it is known for what it is without any name near it.
        languages: In which languages it is likely to turn up; empty: in all.
        disguise: Whether its digits, dashes and letters may be written in unusual ways.
    """

    parts: Message
    form: str
    labels: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    bare: bool = True
    languages: tuple[str, ...] = ()
    disguise: bool = True


Generator = Callable[[Random], Value]
"""Makes a fresh value of one form."""


class Label(NamedTuple):
    """Code points `start` to `end` of a text are a value of this kind."""

    start: int
    end: int
    kind: str


class Sample(NamedTuple):
    """One labelled text: a line, or a few that belong together.

    Attributes:
        name: Unique within a corpus, the same for the same seed: where it came from and its number.
        text: The text.
        labels: Its values in order; empty for a negative.
        language: ISO 639-1 code of the words around.
        carrier: In what it is written: log, json, sql and so on.
        form: Of the value, or the family of the negative.
        disguise: The unusual way of writing, empty for none.
    """

    name: str
    text: str
    labels: tuple[Label, ...]
    language: str
    carrier: str
    form: str
    disguise: str = ""


def plain(
    kind: Kind,
    text: str,
    form: str,
    *,
    labels: tuple[str, ...] = (),
    fields: tuple[str, ...] = (),
    bare: bool = True,
    languages: tuple[str, ...] = (),
    disguise: bool = True,
) -> Value:
    """A value that is one part."""
    return Value((Part(text, kind),), form, labels, fields, bare, languages, disguise)


def joined(message: Iterable[Part]) -> tuple[str, tuple[Label, ...]]:
    """The text of a message and the labels of its values, in code points."""
    labels: list[Label] = []
    pieces: list[str] = []
    size = 0
    for text, kind in message:
        if kind is not None and text:
            labels.append(Label(size, size + len(text), kind.value))
        pieces.append(text)
        size += len(text)
    return "".join(pieces), tuple(labels)
