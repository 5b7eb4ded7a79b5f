"""Why two questions must not share an answer although a sentence model finds them alike.

Sentence models see what a text is about and hardly what it asks: "over 12" and "under 12", "from A to B" and "from B to
A" lie closer together than most paraphrases. So what they cannot see is compared as text. Every rule can only forbid.
English and Korean; a text in another language has no language here, and a text without a language is never alike.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from roadworthy.gateway.cache.veto_words import (
    ENGLISH,
    FORM,
    KOREAN_FORM,
    KOREAN_FORM_WORDS,
    KOREAN_NOT,
    KOREAN_NOT_WORDS,
    KOREAN_NUMBERS,
    KOREAN_OPPOSITES,
    KOREAN_ORDER,
    NOT,
    NUMBERS,
    OPPOSITES,
)

MAX_CHARS = 400
"""Longer texts carry more than one thought; what was measured are single questions."""

_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?|[가-힣]+|\d+(?:[.,:/]\d+)*")
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{1,80})[\"“”«»]")
_FROM_TO = re.compile(r"\bfrom (?:the )?(\w+)|\b(?:in)?to (?:the )?(\w+)", re.IGNORECASE)
_BEFORE_TO = re.compile(r"(\w+) (?:in)?to (?:the )?\w+", re.IGNORECASE)
_KEPT_FROM = re.compile(r"\bfrom \w+ing\b", re.IGNORECASE)
_KOREAN_FROM = re.compile(r"([가-힣A-Za-z0-9]+)(?:에서|부터)")
_KOREAN_TO = re.compile(r"([가-힣A-Za-z0-9]+)까지")


class Marks(NamedTuple):
    """What of a text is compared word for word.

    Attributes:
        language: `en`, `ko`, or None for what was not measured.
        numbers: Every number, digits and words alike, sorted.
        negations: How often it says no.
        why: Whether it asks for a reason.
        names: Quoted texts, names and codes.
        way: Where from and where to.
        words: Its words in lower case.
        text: Itself without white space.
    """

    language: Literal["en", "ko"] | None
    numbers: tuple[str, ...]
    negations: int
    why: bool
    names: frozenset[str]
    way: tuple[str, str]
    words: frozenset[str]
    text: str


@lru_cache(maxsize=4_096)
def marks(text: str) -> Marks:
    """Read a text once."""
    words = _WORD.findall(text)
    lower = [word.lower().replace("’", "'") for word in words]
    language = _language(text, lower)
    korean = language == "ko"
    joined = "".join(text.split())
    negations = sum(word in NOT or word.endswith("n't") for word in lower)
    negations += len(_KEPT_FROM.findall(text))
    if korean:
        negations += sum(joined.count(mark) for mark in KOREAN_NOT) + sum(word in KOREAN_NOT_WORDS for word in lower)
    return Marks(
        language, _numbers(lower, joined if korean else ""), negations, "why" in lower or "왜" in lower,
        _names(text, words), _way(text, korean), frozenset(lower), joined,
    )  # fmt: skip


def veto(one: str, other: str) -> str:
    """Why the two must not share an answer; empty when nothing speaks against it.

    Returns:
        `language`, `number`, `negation`, `reason`, `name`, `direction`, `opposite`, `word`, `length`, or an
        empty text.
    """
    if len(one) > MAX_CHARS or len(other) > MAX_CHARS:
        return "length"
    a, b = marks(one), marks(other)
    if a.language is None or a.language != b.language:
        return "language"
    rules = (
        ("number", a.numbers != b.numbers),
        ("negation", a.negations != b.negations),
        ("reason", a.why != b.why),
        ("name", a.names != b.names),
        ("direction", _crossed(a.way, b.way)),
        ("opposite", _opposite(a, b)),
        ("word", _exchanged(a, b)),
    )
    return next((name for name, holds in rules if holds), "")


def _language(text: str, words: list[str]) -> Literal["en", "ko"] | None:
    letters = [character for character in text if character.isalpha()]
    hangul = sum("가" <= character <= "힣" for character in letters)
    if not letters or any(not character.isascii() and not "가" <= character <= "힣" for character in letters):
        return None
    if hangul:
        return "ko" if hangul * 2 >= len(letters) else None
    return "en" if ENGLISH.intersection(words) else None


def _numbers(words: list[str], korean: str) -> tuple[str, ...]:
    found = [word.strip(".,:/") for word in words if word[0].isdigit()]
    found += [NUMBERS[word] for word in words if word in NUMBERS]
    if korean:
        found += [KOREAN_NUMBERS[word] for word in words if word in KOREAN_NUMBERS]
        found += [value for mark, value in KOREAN_ORDER.items() if mark in korean]
    return tuple(sorted(found))


def _names(text: str, words: list[str]) -> frozenset[str]:
    """Capitals that do not stand for a sentence's beginning; in a Korean text every Latin word."""
    quoted = {match.lower() for match in _QUOTED.findall(text)}
    korean = any("가" <= character <= "힣" for character in text)
    latin = [word for word in words if word[0].isascii() and word[0].isalpha()]
    inner = latin if korean else latin[1:]
    named = {word.lower().removesuffix("'s") for word in inner if korean or any(letter.isupper() for letter in word)}
    return frozenset(quoted | (named - {"i"}))


def _way(text: str, korean: bool) -> tuple[str, str]:
    if korean:
        start, end = _KOREAN_FROM.search(text), _KOREAN_TO.search(text)
        return (start[1] if start else "", end[1] if end else "")
    found = ["", ""]
    for start_word, end_word in _FROM_TO.findall(text):
        if start_word:
            found[0] = start_word.lower()
        else:
            found[1] = end_word.lower()
    if not found[0] and (before := _BEFORE_TO.search(text)) is not None:
        found[0] = before[1].lower()
    return found[0], found[1]


def _crossed(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether one goes where the other comes from."""
    return bool((one[0] and one[0] == other[1]) or (one[1] and one[1] == other[0]))


def _exchanged(a: Marks, b: Marks) -> bool:
    """Whether each has a word of weight that the other lacks: something was put in something else's place."""
    return bool(_unmatched(a, b)) and bool(_unmatched(b, a))


def _unmatched(a: Marks, b: Marks) -> list[str]:
    least = 2 if a.language == "ko" else 4
    return [
        word
        for word in a.words - b.words
        if not _is_form(word, a.language) and not any(_akin(word, other, least) for other in b.words)
    ]


def _akin(word: str, other: str, least: int) -> bool:
    """Whether two words are forms of one: the same beginning; a short word and its plural."""
    if min(len(word), len(other)) >= least:
        return word[:least] == other[:least]
    short, long = sorted((word, other), key=len)
    return long in {f"{short}s", f"{short}es"} or (least == 2 and len(long) <= 3 and long.startswith(short))


def _is_form(word: str, language: str | None) -> bool:
    if word[0].isdigit():
        return True  # numbers have a rule of their own
    if language == "ko":
        return word in KOREAN_FORM_WORDS or word.startswith(KOREAN_FORM)
    return word in FORM or len(word) < 2


def _opposite(a: Marks, b: Marks) -> bool:
    if a.language == "ko":
        return any(
            _turned(_says(a.text, left), _says(a.text, right), _says(b.text, left), _says(b.text, right))
            for left, right in KOREAN_OPPOSITES
        )
    return any(
        _turned(bool(left & a.words), bool(right & a.words), bool(left & b.words), bool(right & b.words))
        for left, right in OPPOSITES
    )


def _says(text: str, parts: frozenset[str]) -> bool:
    return any(part in text for part in parts)


def _turned(a_left: bool, a_right: bool, b_left: bool, b_right: bool) -> bool:
    return (a_left and not a_right and b_right and not b_left) or (a_right and not a_left and b_left and not b_right)
