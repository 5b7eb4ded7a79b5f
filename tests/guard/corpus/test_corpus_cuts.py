"""Texts of the corpus are masked in pieces as they are whole: some of each kind, and with the long tests all."""

from __future__ import annotations

import pytest

from roadworthy.guard.corpus.cuts import EVERY_PLACE_UP_TO, cut_all, stream_report
from roadworthy.guard.corpus.generate import MAKERS, NEGATIVES, positive
from roadworthy.guard.corpus.sample import Label, Sample
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.policy import Policy

MASKER = TextMasker()


@pytest.mark.parametrize(("seed", "per_kind"), [(3, 1), pytest.param(4, 4, marks=pytest.mark.slow)])
def test_some_of_every_kind_and_family(seed: int, per_kind: int) -> None:
    made = stream_report(seed=seed, per_kind=per_kind, per_family=1, most_cuts=3, masker=MASKER)
    assert made.texts == per_kind * len(MAKERS) + len(NEGATIVES)
    assert made.cuts > 2 * made.texts
    assert not made.differences, made.table()


def test_keys_in_addresses_are_one_value() -> None:
    carried = [positive(Kind.PRIVATE_KEY, 3, number) for number in range(260)]
    keys = [sample for sample in carried if sample.carrier in ("url", "access log")]
    made = cut_all([min(keys, key=lambda key: len(key.text))], 3, 10, MASKER)
    assert not made.differences, made.table()


class Forgetful(TextMasker):
    """A batch masker that finds what its streams do not."""

    def mask(self, text: str) -> str:
        return super().mask(text).replace("hunter2", "***")


def test_a_difference_is_told_with_what_leaked() -> None:
    sample = Sample("one", "no name: hunter2", (Label(9, 16, "PASSWORD"),), "en", "line", "plain")
    made = cut_all([sample], 1, 4, Forgetful(policy=Policy()))
    assert [(each.sample.name, each.place, each.leaked) for each in made.differences] == [("one", 0, 1)]
    assert made.records()["leaked"] == made.leaked == 1
    assert "OTHERWISE one: plain in line, by single characters" in made.table()
    assert "hunter2" not in made.table() + str(made.records())


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 20_261_121])
def test_the_whole_corpus(seed: int) -> None:
    made = stream_report(seed=seed, masker=MASKER)
    assert not made.differences, made.table()


@pytest.mark.long
def test_every_place_of_many_texts() -> None:
    made = stream_report(seed=2, per_kind=60, per_family=4, most_cuts=EVERY_PLACE_UP_TO, masker=MASKER)
    assert not made.differences, made.table()
