"""Korean words for scents and the families they stand for; a word is found with whatever particle hangs on it."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import ConfigError

SHIPPED = Path(__file__).parent / "data" / "keywords-ko.csv"
MAX_CHARS = 10_000
"""So much of a text is looked through."""

MAX_TOLD = 20
NONE_FOUND = {"en": "none", "ko": "없음"}
_PARTICLES = "향기|향|냄새|맛|같은|처럼|이랑|으로|이나|에서|이|가|을|를|은|는|과|와|도|의|에|로|만|랑|나"
_COLUMNS = ["korean", "family", "descriptors", "facet", "weight", "english"]


class Keyword(NamedTuple):
    """One entry.

    Attributes:
        korean: The word as it stands in the dictionary.
        family: Odour family, for example `citrus`.
        descriptors: What it stands for, the strongest first.
        facet: Kind of word: `style`, `note` …
        weight: How surely it stands for the family, 0 … 1.
        english: A translation.
    """

    korean: str
    family: str
    descriptors: tuple[str, ...]
    facet: str
    weight: float
    english: str


class Dictionary:
    """Finds keywords in text.

    A word of one or two syllables counts at the beginning of a word only, and one of a single syllable only with
    nothing but particles behind it: `배` is a pear, and no part of `배송`. Longer words count wherever they stand.

    Args:
        keywords: Entries; of two entries for one word the heavier one counts.
    """

    def __init__(self, keywords: Iterable[Keyword]) -> None:
        self._words: dict[str, Keyword] = {}
        for keyword in sorted(keywords, key=lambda k: k.weight):
            self._words[_plain(keyword.korean)] = keyword
        self._find = re.compile(_pattern(self._words)).finditer

    def __len__(self) -> int:
        return len(self._words)

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Dictionary:
        """Read a CSV file with the columns korean, family, descriptors (split by |), facet, weight, english.

        Raises:
            ConfigError: It cannot be read, or a line is not such an entry; the message names the line.
        """
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The dictionary {path.name} cannot be read.", f"{type(error).__name__}.") from error
        if not rows or rows[0] != _COLUMNS:
            raise ConfigError(f"The dictionary {path.name} has other columns.", f"It needs {', '.join(_COLUMNS)}.")
        return cls(_keyword(path, number, row) for number, row in enumerate(rows[1:], 2))

    def find(self, text: str) -> list[Keyword]:
        """Keywords in the order in which they stand in the text, each once; the longest word wins where two overlap.

        Looks at the first `MAX_CHARS` characters.
        """
        if text.isascii():
            return []
        return list(dict.fromkeys(self._words[match[0]] for match in self._find(_plain(text[:MAX_CHARS]))))

    def families(self, text: str) -> dict[str, float]:
        """Families that the text asks for, with the sum of the weights of its words, the strongest first."""
        sums: dict[str, float] = {}
        for keyword in self.find(text):
            sums[keyword.family] = sums.get(keyword.family, 0.0) + keyword.weight
        return dict(sorted(sums.items(), key=lambda item: -item[1]))


def told(dictionary: Dictionary, text: str, language: str) -> str:
    """What the value `keywords` of a prompt says: words of the text with what they stand for, or that there are none.

    Holds words of the dictionary alone, never the text's own.
    """
    found = dictionary.find(text)[:MAX_TOLD]
    return "; ".join(f"{one.korean} ({', '.join(one.descriptors)})" for one in found) or NONE_FOUND[language]


def _keyword(path: Path, number: int, row: list[str]) -> Keyword:
    try:
        korean, family, descriptors, facet, weight, english = (cell.strip() for cell in row)
        keyword = Keyword(korean, family, tuple(descriptors.split("|")), facet, float(weight), english)
    except ValueError as error:
        raise ConfigError(f"Line {number} of the dictionary {path.name} is no entry.", "It has six columns.") from error
    if not korean or not family or not 0.0 <= keyword.weight <= 1.0:
        raise ConfigError(
            f"Line {number} of the dictionary {path.name} is no entry.", "A word, a family, weight 0 to 1."
        )
    return keyword


def _pattern(words: Iterable[str]) -> str:
    by_length: dict[int, list[str]] = {}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        by_length.setdefault(min(len(word), 3), []).append(re.escape(word))
    if not by_length:
        return "(?!)"
    long, two, one = ("|".join(by_length.get(length, ["(?!)"])) for length in (3, 2, 1))
    # Most places of a text begin no word: one look at the first letter passes them by.
    first = "".join(sorted({re.escape(word[0]) for word in words}))
    particles = f"(?:{_PARTICLES}){{0,2}}(?![가-힣])"
    return f"(?=[{first}])(?:{long}|(?<![가-힣])(?:{two}|(?:{one})(?={particles})))"


def _plain(text: str) -> str:
    """Composed Hangul, as keyboards and files of some systems give it in parts; lower case for Latin words."""
    return unicodedata.normalize("NFKC", text).lower()
