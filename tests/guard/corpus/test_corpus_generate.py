"""The corpus: the same for the same seed, labels that stand where the values stand, enough of everything."""

from __future__ import annotations

import json
from collections import Counter
from urllib.parse import unquote

import pytest

from roadworthy.guard.corpus.generate import MAKERS, corpus, negative, positive
from roadworthy.guard.corpus.language import LANGUAGES
from roadworthy.guard.corpus.negative import NEGATIVES
from roadworthy.guard.corpus.sample import Sample
from roadworthy.guard.text.kind import Kind

ASKED = "log/json/json in json/logfmt/access log/sse/url/sql/yaml/env/chat/traceback/csv/xml"


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(corpus(seed=7, per_kind=200, per_family=24))


def test_same_seed_same_lines(samples: list[Sample]) -> None:
    assert list(corpus(seed=7, per_kind=200, per_family=24)) == samples


def test_another_seed_other_lines(samples: list[Sample]) -> None:
    ours, theirs = {each.text for each in samples if each.labels}, corpus(seed=8, per_kind=50, per_family=0)
    assert not [each.text for each in theirs if each.text in ours]


def test_a_line_stands_alone() -> None:
    """More lines of another kind change nothing, so that a miss can be made again from its name."""
    few = {each.name: each for each in corpus(seed=7, per_kind=3, per_family=2)}
    assert few["IBAN 2"] == positive(Kind.IBAN, 7, 2)
    assert few["not uuid 1"] == negative("uuid", 7, 1)


def test_every_kind_and_enough_negatives(samples: list[Sample]) -> None:
    kinds = Counter(label.kind for each in samples for label in each.labels)
    assert set(kinds) == {kind.value for kind in Kind} - {"PERSON", "ADDRESS"}
    assert min(kinds.values()) >= 200
    assert sum(not each.labels for each in samples) >= 1_000
    assert len(NEGATIVES) >= 40


def test_languages_and_carriers(samples: list[Sample]) -> None:
    assert {each.language for each in samples} == set(LANGUAGES)
    assert len(LANGUAGES) >= 13
    assert {each.carrier for each in samples} >= set(ASKED.split("/"))
    assert {each.disguise for each in samples} >= {"full width", "zero width", "dash", "space", "escapes"}


def test_labels_stand_on_values(samples: list[Sample]) -> None:
    for each in samples:
        place = 0
        for start, end, kind in each.labels:
            assert place <= start < end <= len(each.text), each
            assert each.text[start:end].strip() == each.text[start:end], each
            assert kind in MAKERS
            place = end


def test_json_carriers_are_json(samples: list[Sample]) -> None:
    lines = [each for each in samples if each.carrier.startswith("json")]
    assert len(lines) > 500
    for each in lines:
        whole = json.loads(each.text)
        if each.carrier == "json in json":
            assert json.loads(whole.get("body") or whole["payload"])


def test_labels_mean_the_same_in_every_carrier() -> None:
    """The carrier's own decoder gives a value that says what kind it is."""
    decoders = {"json": lambda text: json.loads(f'"{text}"'), "url": lambda text: unquote(unquote(text))}
    seen = 0
    for number in range(300):
        each = positive(Kind.JWT, 7, number)
        label = each.labels[0]
        text = decoders.get(each.carrier, str)(each.text[label.start : label.end])
        if each.carrier in decoders:
            assert text.startswith("eyJ"), each
            assert text.count(".") in (2, 4), each
            seen += 1
    assert seen > 30


def test_hangul_stands_right_behind_values(samples: list[Sample]) -> None:
    behind = [
        each.text[label.end]
        for each in samples
        if each.language == "ko"
        for label in each.labels
        if label.end < len(each.text)
    ]
    assert sum("가" <= char <= "힣" for char in behind) > 100
