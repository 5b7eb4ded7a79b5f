"""Hostile text costs in proportion to its length: counted in bytes that rules look at, not in seconds.

Counted are the bytes of every candidate, a match of a rule's pattern that its check is asked about. What a check reads
beyond its candidate cannot be counted from outside: for that alone there is a bound in seconds on a core, twenty times
what is asked for. The measurement is benchmarks/guard/hostile.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import thread_time

import pytest
from msgspec.structs import replace

from roadworthy.guard.corpus.hostile import HOSTILE, hostile, recombined
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.rule import Candidate, Rule, Span
from roadworthy.guard.text.rules.all import RULES

SIZE = 4_000
SEEDS = 40
GROWTH = 2.1
"""For twice the text; the rest is what the ends of a text add."""
PER_BYTE = 100
"""Bytes that all rules together may look at for each byte of text."""


class Counter:
    """Rules whose checks are counted."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.count = 0
        self.masker = TextMasker([replace(rule, check=self._counted(rule)) for rule in rules])

    def _counted(self, rule: Rule):  # type: ignore[no-untyped-def]
        def check(candidate: Candidate) -> Span | None:
            self.count += 1 + candidate.end - candidate.start
            if rule.check is None:
                return Span(candidate.start, candidate.end)
            return rule.check(candidate)

        return check

    def of(self, text: bytes) -> int:
        """Bytes of candidates in a text."""
        self.count = 0
        self.masker.find(text)
        return self.count


@pytest.fixture(scope="module")
def counter() -> Counter:
    return Counter(RULES)


UNITS = (*HOSTILE, *(recombined(seed) for seed in range(SEEDS)))


def test_work_grows_in_proportion(counter: Counter) -> None:
    grown = []
    for unit in UNITS:
        once, twice = counter.of(hostile(unit, SIZE)), counter.of(hostile(unit, 2 * SIZE))
        if twice > GROWTH * once + 100:
            grown.append((unit, once, twice))
    assert not grown


def test_work_is_bounded(counter: Counter) -> None:
    many = [(unit, count) for unit in UNITS if (count := counter.of(hostile(unit, SIZE))) > PER_BYTE * SIZE]
    assert not many


def test_nothing_takes_a_second() -> None:
    """Asked for are 50 ms for 10 KB (the benchmark says); a second of CPU is what only a quadratic check takes."""
    masker, slow = TextMasker(), []
    for unit in HOSTILE:
        start = thread_time()
        masker.mask_bytes(hostile(unit, 10_000))
        if (spent := thread_time() - start) > 1.0:
            slow.append((unit, spent))
    assert not slow


def test_what_is_counted_counts(counter: Counter) -> None:
    assert counter.of(b"a@b.co " * 10) >= 60
    assert counter.of(b"nothing to see here") == 0
    assert counter.of(b"x " * SIZE + b"a@b.co") < 100


def test_units_are_many_and_the_same_for_the_same_seed() -> None:
    assert len(HOSTILE) > 120
    assert recombined(5) == recombined(5)
    assert len({recombined(seed) for seed in range(50)}) == 50
    assert all(len(hostile(unit, 777)) == 777 for unit in HOSTILE)
