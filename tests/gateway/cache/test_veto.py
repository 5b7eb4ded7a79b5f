"""What similarity cannot see. The labelled pairs of the benchmark hold the rules as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roadworthy.gateway.cache.veto import MAX_CHARS, marks, veto

PAIRS = Path(__file__).resolve().parents[3] / "benchmarks" / "gateway" / "semantic"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("How do I reset my password?", "How can I reset my password?", ""),
        ("What is 15 percent of 200?", "What is 15 percent of 300?", "number"),
        ("Give me three tips.", "Give me five tips.", "number"),
        ("Give me 3 tips.", "Give me three tips.", ""),
        ("What is on 3 May 2024?", "What is on 4 May 2024?", "number"),
        ("Is it open?", "Is it not open?", "negation"),
        ("Can I do it?", "Can't I do it?", "negation"),
        ("Is it safe?", "Why is it safe?", "reason"),
        ("What is the capital of France?", "What is the capital of Spain?", "name"),
        ("How do I get from Seoul to Busan?", "How do I get from Busan to Seoul?", "direction"),
        ("How do I turn it on?", "How do I turn it off?", "opposite"),
        ("Can dogs eat it?", "Can cats eat it?", "word"),
        ("Is this for you?", "이것은 무엇인가요?", "language"),
        ("Hoe gaat het met jou vandaag?", "Hoe gaat het met jou vandaag?", "language"),
        ("Was kostet das Öl?", "Was kostet das Öl?", "language"),
        ("東京はどこですか", "東京はどこですか", "language"),
        ("", "", "language"),
        ("What is this? " * 40, "What is this?", "length"),
        ("바나나 두 개의 열량은?", "바나나 세 개의 열량은?", "number"),
        ("문이 열려 있나요?", "문이 열려 있지 않나요?", "negation"),
        ("서울에서 부산까지 어떻게 가나요?", "부산에서 서울까지 어떻게 가나요?", "direction"),
        ("12세 이상인가요?", "12세 이하인가요?", "opposite"),
        ("CSV로 내보내는 방법은?", "JSON으로 내보내는 방법은?", "name"),
        ("강아지가 먹어도 되나요?", "고양이가 먹어도 되나요?", "word"),
        ("프랑스의 수도는 어디인가요?", "프랑스 수도가 어디예요?", ""),
    ],
)
def test_rules(one: str, other: str, expected: str) -> None:
    assert veto(one, other) == veto(other, one) == expected


def test_the_pairs_are_many_and_of_every_kind() -> None:
    pairs = [json.loads(line) for path in PAIRS.glob("pairs-*.jsonl") for line in path.read_text().splitlines()]
    assert len(pairs) >= 400
    assert {pair["language"] for pair in pairs} == {"en", "ko"}
    assert {pair["kind"] for pair in pairs} == {"paraphrase", "number", "negation", "entity", "opposite"}
    assert all(pair["same"] == (pair["kind"] == "paraphrase") for pair in pairs)
    splits = [{pair["group"] for pair in pairs if pair["split"] == name} for name in ("tune", "held_out", "final")]
    assert all(splits)
    assert not splits[0] & splits[1]
    assert not splits[2] & (splits[0] | splits[1])
    assert all(len(pair["a"]) <= MAX_CHARS and marks(pair["a"]).language == pair["language"] for pair in pairs)


def test_most_hard_pairs_are_stopped_by_words_alone() -> None:
    pairs = [json.loads(line) for path in PAIRS.glob("pairs-*.jsonl") for line in path.read_text().splitlines()]
    hard = [pair for pair in pairs if not pair["same"]]
    stopped = sum(bool(veto(pair["a"], pair["b"])) for pair in hard)
    assert stopped / len(hard) > 0.9
