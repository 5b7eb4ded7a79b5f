"""Korean words for scents and the families they stand for; a word is found with whatever particle hangs on it."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import ConfigError

SHIPPED = Path(__file__).parent / "data" / "keywords-ko.csv"
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

    Args:
        keywords: Entries; of two entries for one word the heavier one counts.
    """

    def __init__(self, keywords: Iterable[Keyword]) -> None:
        self._words: dict[str, Keyword] = {}
        for keyword in sorted(keywords, key=lambda k: k.weight):
            self._words[_plain(keyword.korean)] = keyword
        self._longest = max(map(len, self._words), default=0)
        self._first = {word[0] for word in self._words}

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
        """Keywords in the order in which they stand in the text, each once; the longest word wins where two overlap."""
        plain, found, at = _plain(text), dict[str, Keyword](), 0
        while at < len(plain):
            step = 1
            if plain[at] in self._first:
                for length in range(min(self._longest, len(plain) - at), 0, -1):
                    keyword = self._words.get(plain[at : at + length])
                    if keyword is not None:
                        found.setdefault(keyword.korean, keyword)
                        step = length
                        break
            at += step
        return list(found.values())

    def families(self, text: str) -> dict[str, float]:
        """Families that the text asks for, with the sum of the weights of its words, the strongest first."""
        sums: dict[str, float] = {}
        for keyword in self.find(text):
            sums[keyword.family] = sums.get(keyword.family, 0.0) + keyword.weight
        return dict(sorted(sums.items(), key=lambda item: -item[1]))


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


def _plain(text: str) -> str:
    """Composed Hangul, as keyboards and files of some systems give it in parts; lower case for Latin words."""
    return unicodedata.normalize("NFKC", text).lower()
