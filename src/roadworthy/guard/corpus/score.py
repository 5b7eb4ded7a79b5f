"""Scores a detector on labelled texts.

A value counts as found when each of its letters and digits is masked, by a finding of whatever kind. A finding is right
when it touches a value. A negative is damaged when anything is found in it. Shares come with Wilson's 95 % interval
(E. B. Wilson, 1927, Journal of the American Statistical Association 22).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

from roadworthy.guard.corpus.sample import Label, Sample
from roadworthy.guard.text.masker import TextMasker

Detector = Callable[[str], Sequence[Label]]
"""Says what it finds in a text, in code points."""

_Z = 1.959963984540054


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; 0 to 1 when nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share, square = right / total, _Z * _Z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = _Z / (1 + square / total) * sqrt(share * (1 - share) / total + square / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def detector(masker: TextMasker) -> Detector:
    """A masker as a detector: its findings in code points instead of bytes."""

    def find(text: str) -> list[Label]:
        raw = text.encode()
        found = masker.find(raw)
        if len(raw) == len(text):
            return [Label(each.start, each.end, each.kind.value) for each in found]
        return [
            Label(
                len(raw[: each.start].decode("utf-8", "ignore")),
                len(raw[: each.end].decode("utf-8", "ignore")),
                each.kind,
            )
            for each in found
        ]

    return find


@dataclass(slots=True)
class Tally:
    """Counts of one kind or one language.

    Attributes:
        values: How many there were.
        found: Of these, masked whole.
        named: Of the found, called by their own kind.
        findings: What the detector reported.
        right: Of these, touching a value.
    """

    values: int = 0
    found: int = 0
    named: int = 0
    findings: int = 0
    right: int = 0


class Miss(NamedTuple):
    """A value that was not masked whole, with everything the detector found in its text."""

    sample: Sample
    label: Label
    findings: tuple[Label, ...]


class Damage(NamedTuple):
    """A text in which something harmless was found."""

    sample: Sample
    findings: tuple[Label, ...]


@dataclass(slots=True)
class Score:
    """What came out.

    Attributes:
        kinds: Per kind of value; findings count for the kind that the detector says.
        languages: Per language of the words around.
        families: Per family of negatives: lines, and lines damaged.
        misses: Values not found.
        alarms: Findings that touch no value, in texts with values.
        damages: Negatives in which something was found.
        spilled: Letters and digits masked outside of values, in texts with values.
        masked: Letters and digits masked in the same texts.
    """

    kinds: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    languages: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    families: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    misses: list[Miss] = field(default_factory=list)
    alarms: list[Damage] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    spilled: int = 0
    masked: int = 0

    @property
    def total(self) -> Tally:
        """All kinds together."""
        whole = Tally()
        for tally in self.kinds.values():
            for name in ("values", "found", "named", "findings", "right"):
                setattr(whole, name, getattr(whole, name) + getattr(tally, name))
        return whole

    @property
    def negatives(self) -> tuple[int, int]:
        """Lines without a value, and how many of them were damaged."""
        return sum(lines for lines, _ in self.families.values()), len(self.damages)


def score(samples: Iterable[Sample], find: Detector) -> Score:
    """Run a detector over labelled texts.

    Args:
        samples: Texts with and without values.
        find: The detector.
    """
    result = Score()
    for sample in samples:
        findings = tuple(find(sample.text))
        if sample.labels:
            _positive(result, sample, findings)
        else:
            family = result.families[sample.form]
            family[0] += 1
            if findings:
                family[1] += 1
                result.damages.append(Damage(sample, findings))
    return result


def _positive(result: Score, sample: Sample, findings: tuple[Label, ...]) -> None:
    for label in sample.labels:
        found = _covered(sample.text, label, findings)
        named = found and any(each.kind == label.kind for each in findings if _touch(each, label))
        for tally in (result.kinds[label.kind], result.languages[sample.language]):
            tally.values += 1
            tally.found += found
            tally.named += named
        if not found:
            result.misses.append(Miss(sample, label, findings))
    wrong = []
    for finding in findings:
        right = any(_touch(finding, label) for label in sample.labels)
        for tally in (result.kinds[str(finding.kind)], result.languages[sample.language]):
            tally.findings += 1
            tally.right += right
        if not right:
            wrong.append(finding)
    if wrong:
        result.alarms.append(Damage(sample, tuple(wrong)))
    _spill(result, sample, findings)


def _touch(one: Label, other: Label) -> bool:
    return one.start < other.end and other.start < one.end


def _covered(text: str, label: Label, findings: Sequence[Label]) -> bool:
    """Whether each letter and digit of the value lies inside some finding."""
    if any(each.start <= label.start and label.end <= each.end for each in findings):
        return True
    return all(
        any(each.start <= place < each.end for each in findings)
        for place in range(label.start, label.end)
        if text[place].isalnum()
    )


def _spill(result: Score, sample: Sample, findings: Sequence[Label]) -> None:
    for finding in findings:
        for place in range(finding.start, finding.end):
            if sample.text[place].isalnum():
                result.masked += 1
                result.spilled += not any(label.start <= place < label.end for label in sample.labels)
