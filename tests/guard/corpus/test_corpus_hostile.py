"""Hostile text costs in proportion to its length: counted in candidates that rules look at, not in seconds.

A candidate is a match of a rule's pattern that its check is asked about; patterns are RE2's, linear by construction.
The timed version is benchmarks/guard/hostile.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from roadworthy.guard.corpus.hostile import HOSTILE, hostile, recombined
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.rule import Candidate, Rule, Span
from roadworthy.guard.text.rules.all import RULES

SIZE = 5_000
SEEDS = 60
GROWTH = 2.1
"""For twice the text; the rest is what the ends of a text add."""
PER_BYTE = 4.0
"""Candidates that all rules together may see for each byte."""


class Counter:
    """Rules whose checks are counted."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.count = 0
        self.masker = TextMasker([replace(rule, check=self._counted(rule)) for rule in rules])

    def _counted(self, rule: Rule):  # type: ignore[no-untyped-def]
        def check(candidate: Candidate) -> Span | None:
            self.count += 1
            if rule.check is None:
                return Span(candidate.start, candidate.end)
            return rule.check(candidate)

        return check

    def of(self, text: bytes) -> int:
        """Candidates in a text."""
        self.count = 0
        self.masker.find(text)
        return self.count


@pytest.fixture(scope="module")
def counter() -> Counter:
    return Counter(RULES)


UNITS = (*HOSTILE, *(recombined(seed) for seed in range(SEEDS)))


def test_candidates_grow_in_proportion(counter: Counter) -> None:
    grown = []
    for unit in UNITS:
        once, twice = counter.of(hostile(unit, SIZE)), counter.of(hostile(unit, 2 * SIZE))
        if twice > GROWTH * once + 20:
            grown.append((unit, once, twice))
    assert not grown


def test_candidates_are_few(counter: Counter) -> None:
    many = [(unit, count) for unit in UNITS if (count := counter.of(hostile(unit, SIZE))) > PER_BYTE * SIZE]
    assert not many


def test_what_is_counted_counts(counter: Counter) -> None:
    assert counter.of(b"a@b.co " * 10) >= 10
    assert counter.of(b"nothing to see here") == 0


def test_units_are_many_and_the_same_for_the_same_seed() -> None:
    assert len(HOSTILE) > 120
    assert recombined(5) == recombined(5)
    assert len({recombined(seed) for seed in range(50)}) == 50
    assert all(len(hostile(unit, 777)) == 777 for unit in HOSTILE)
