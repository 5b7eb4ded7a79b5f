"""The report on a detector: records, as JSON, as a table for a terminal, as one page of HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from roadworthy.guard.corpus.generate import HELD_OUT_SEED, LINES_PER_KIND, NEGATIVES_PER_FAMILY, corpus
from roadworthy.guard.corpus.sample import Sample
from roadworthy.guard.corpus.score import Detector, Score, Tally, detector, score, wilson
from roadworthy.guard.text.masker import TextMasker

LEAST_RECALL = 0.99
"""What the lower bound of every kind must reach."""
MOST_DAMAGED = 0.005
"""The largest share of negatives that may be touched."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind, one language, or everything.

    Attributes:
        name: Kind, language code, or `all`.
        n: Values.
        found: Of these, masked whole.
        recall: The share; None without values.
        low: Lower end of its 95 % interval.
        high: Upper end.
        precision: Share of findings that touch a value; None without findings.
        named: Share of the found that were called by their own kind; None when none was found.
    """

    name: str
    n: int
    found: int
    recall: float | None
    low: float
    high: float
    precision: float | None
    named: float | None


@dataclass(frozen=True, slots=True)
class Family:
    """A family of negatives: lines, and lines damaged."""

    name: str
    n: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says; everything in it is plain data but `score`.

    Attributes:
        seed: Of the corpus.
        total: Everything.
        kinds: A row per kind.
        languages: A row per language.
        families: The negatives.
        damaged: Share of negatives damaged, with the ends of its interval.
        spill: Share of masked letters and digits that stood outside of values, in lines with values.
        score: The misses and false alarms themselves.
    """

    seed: int
    total: Row
    kinds: tuple[Row, ...]
    languages: tuple[Row, ...]
    families: tuple[Family, ...]
    damaged: tuple[float, float, float]
    spill: float
    score: Score

    @property
    def failures(self) -> tuple[str, ...]:
        """What falls short of the bounds; empty when nothing does."""
        short = [
            f"{row.name}: recall {row.found}/{row.n}, lower bound {row.low:.4f} is under {LEAST_RECALL}"
            for row in self.kinds
            if row.low < LEAST_RECALL
        ]
        if self.damaged[0] > MOST_DAMAGED:
            short.append(f"negatives: {self.damaged[0]:.4f} damaged is over {MOST_DAMAGED}")
        return tuple(short)

    def records(self) -> dict[str, object]:
        """The same as plain data, without texts."""
        negatives, damaged = self.score.negatives
        return {
            "seed": self.seed,
            "total": asdict(self.total),
            "kinds": [asdict(row) for row in self.kinds],
            "languages": [asdict(row) for row in self.languages],
            "negatives": {
                "n": negatives,
                "damaged": damaged,
                "share": self.damaged[0],
                "low": self.damaged[1],
                "high": self.damaged[2],
                "families": [asdict(family) for family in self.families],
            },
            "spill": self.spill,
            "failures": list(self.failures),
        }

    def json(self) -> str:
        """The records as JSON."""
        return json.dumps(self.records(), ensure_ascii=False, indent=2)

    def table(self) -> str:
        """For a terminal."""
        lines = [_HEAD]
        for group in (self.kinds, self.languages, (self.total,)):
            lines += [_line(row) for row in group]
            lines.append("")
        negatives, damaged = self.score.negatives
        share, low, high = (100 * each for each in self.damaged)
        lines.append(f"negatives: {damaged} of {negatives} touched, {share:.2f} % ({low:.2f} to {high:.2f})")
        hit = [f"{family.name} {family.damaged}/{family.n}" for family in self.families if family.damaged]
        if hit:
            lines.append("  " + ", ".join(hit))
        lines.append(f"masked letters and digits outside of values: {100 * self.spill:.2f} %")
        lines += [f"SHORT {failure}" for failure in self.failures]
        return "\n".join(lines)


_HEAD = f"{'':16}{'n':>7}{'found':>7}{'recall %':>10}{'95 % interval':>17}{'precision %':>13}{'own kind %':>12}"


def _line(row: Row) -> str:
    interval = f"{100 * row.low:.2f} to {100 * row.high:.2f}"
    return (
        f"{row.name:16}{row.n:>7}{row.found:>7}{_percent(row.recall):>10}{interval:>17}"
        f"{_percent(row.precision):>13}{_percent(row.named):>12}"
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


def report(
    masker: TextMasker | None = None,
    seed: int = HELD_OUT_SEED,
    per_kind: int = LINES_PER_KIND,
    per_family: int = NEGATIVES_PER_FAMILY,
) -> Report:
    """Run a masker over the corpus.

    Args:
        masker: All rules when None.
        seed: Of the corpus; the held-out one by default.
        per_kind: Lines per kind; fewer than 381 cannot reach the bound even without a miss.
        per_family: Lines per family of negatives.
    """
    return judged(detector(TextMasker() if masker is None else masker), corpus(seed, per_kind, per_family), seed)


def judged(find: Detector, samples: Iterable[Sample], seed: int) -> Report:
    """The report on any detector.

    Args:
        find: What is judged.
        samples: Labelled texts.
        seed: They were made from, for the record.
    """
    result = score(samples, find)
    negatives, damaged = result.negatives
    share = damaged / negatives if negatives else 0.0
    return Report(
        seed,
        _row("all", result.total),
        tuple(_row(name, tally) for name, tally in result.kinds.items() if tally.values),
        tuple(_row(name, tally) for name, tally in sorted(result.languages.items())),
        tuple(Family(name, lines, hit) for name, (lines, hit) in result.families.items()),
        (share, *wilson(damaged, negatives)),
        result.spilled / result.masked if result.masked else 0.0,
        result,
    )


def _row(name: str, tally: Tally) -> Row:
    low, high = wilson(tally.found, tally.values)
    return Row(
        name,
        tally.values,
        tally.found,
        tally.found / tally.values if tally.values else None,
        low,
        high,
        tally.right / tally.findings if tally.findings else None,
        tally.named / tally.found if tally.found else None,
    )
