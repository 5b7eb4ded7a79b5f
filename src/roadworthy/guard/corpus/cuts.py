"""Whether texts in pieces are masked as whole ones: those of the corpus by single characters, and cut in two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from roadworthy.guard.corpus.generate import HELD_OUT_SEED, LINES_PER_KIND, NEGATIVES_PER_FAMILY, corpus
from roadworthy.guard.corpus.sample import Sample
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.streaming import StreamMasker

EVERY_PLACE_UP_TO = 400
"""Characters up to which a text is cut at every place."""
CUTS_PER_TEXT = 24
"""Places of longer texts, and of all texts of a whole corpus."""
_LEAST_LEAK = 4


class Difference(NamedTuple):
    """A text that is masked otherwise in pieces.

    Attributes:
        sample: The text.
        place: Where it was cut in two; 0 for single characters.
        masked: What came out.
        leaked: Values of which at least four characters that the batch masker hides came out.
    """

    sample: Sample
    place: int
    masked: str
    leaked: int


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What cutting showed.

    Attributes:
        seed: Of the corpus.
        texts: How many, each of them once by single characters.
        characters: Pieces that were fed one by one.
        cuts: In two.
        differences: Not more than one per text.
    """

    seed: int
    texts: int
    characters: int
    cuts: int
    differences: tuple[Difference, ...]

    @property
    def leaked(self) -> int:
        """Values of which something came out that the batch masker hides."""
        return sum(each.leaked for each in self.differences)

    def records(self) -> dict[str, object]:
        """The same as plain data, without texts."""
        return {
            "seed": self.seed,
            "texts": self.texts,
            "characters": self.characters,
            "cuts": self.cuts,
            "differences": [
                {"sample": each.sample.name, "form": each.sample.form, "place": each.place, "leaked": each.leaked}
                for each in self.differences
            ],
            "leaked": self.leaked,
        }

    def table(self) -> str:
        """For a terminal."""
        lines = [
            f"{'texts':>12}{'characters':>12}{'cuts in two':>13}{'differences':>13}{'leaked':>8}",
            f"{self.texts:>12}{self.characters:>12}{self.cuts:>13}{len(self.differences):>13}{self.leaked:>8}",
        ]
        for each in self.differences:
            how = f"cut at {each.place}" if each.place else "by single characters"
            lines.append(f"OTHERWISE {each.sample.name}: {each.sample.form} in {each.sample.carrier}, {how}")
        return "\n".join(lines)


def stream_report(
    seed: int = HELD_OUT_SEED,
    per_kind: int = LINES_PER_KIND,
    per_family: int = NEGATIVES_PER_FAMILY,
    most_cuts: int = CUTS_PER_TEXT,
    masker: TextMasker | None = None,
) -> StreamReport:
    """Cut a corpus.

    Args:
        seed: Of the corpus, and of the places where not every one is tried.
        per_kind: Lines per kind.
        per_family: Lines per family of negatives.
        most_cuts: In two, per text.
        masker: The batch masker; one with every rule when None.
    """
    return cut_all(corpus(seed, per_kind, per_family), seed, most_cuts, TextMasker() if masker is None else masker)


def cut_all(samples: Iterable[Sample], seed: int, most_cuts: int, masker: TextMasker) -> StreamReport:
    """The same for given texts; each is told of once, at the first cut that shows a difference."""
    texts = characters = cuts = 0
    found: list[Difference] = []
    for sample in samples:
        whole = masker.mask(sample.text)
        texts += 1
        characters += len(sample.text)
        for place, masked in _in_pieces(sample, most_cuts, masker):
            cuts += place > 0
            if masked != whole:
                found.append(Difference(sample, place, masked, _leaked(sample, whole, masked)))
                break
    return StreamReport(seed, texts, characters, cuts, tuple(found))


def _in_pieces(sample: Sample, most_cuts: int, masker: TextMasker) -> Iterator[tuple[int, str]]:
    text = sample.text
    stream = StreamMasker(masker)
    yield 0, "".join([*map(stream.feed, text), stream.close()])
    places: Iterable[int] = range(1, len(text))
    if len(text) - 1 > most_cuts:
        rng = Random(sample.name)  # noqa: S311 - places to cut at are no secret
        places = sorted(rng.sample(range(1, len(text)), most_cuts))
    for place in places:
        stream = StreamMasker(masker)
        yield place, stream.feed(text[:place]) + stream.feed(text[place:]) + stream.close()


def _leaked(sample: Sample, whole: str, masked: str) -> int:
    """Values of which a run of characters stands in one output and not in the other."""
    return sum(
        any(
            (part := sample.text[at : at + _LEAST_LEAK]) in masked and part not in whole
            for at in range(label.start, max(label.start + 1, label.end - _LEAST_LEAK + 1))
        )
        for label in sample.labels
    )
