"""The Korean dictionary: words with their particles, no words inside others, broken files."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.prompts.keyword import MAX_TOLD, SHIPPED, Dictionary, told

HEAD = "korean,family,descriptors,facet,weight,english\n"


@pytest.fixture(scope="module")
def words() -> Dictionary:
    return Dictionary.load()


@pytest.mark.parametrize(
    ("text", "family", "descriptors"),
    [
        ("상큼한 느낌이 좋아요", "citrus", ("citrus", "fresh")),
        ("꽃향기가 나는 향수", "floral", ("floral",)),
        ("우디한 향이면 좋겠어요", "woody", ("woody",)),
        ("자몽이랑 레몬을 섞은", "citrus", ("grapefruit", "citrus")),
        ("배 향이 나는", "fruity", ("pear", "fruity")),
        ("달콤한 배향기", "fruity", ()),
        (unicodedata.normalize("NFD", "상큼한"), "citrus", ("citrus", "fresh")),
    ],
)
def test_words_are_found_with_their_particles(
    words: Dictionary, text: str, family: str, descriptors: tuple[str, ...]
) -> None:
    assert family in words.families(text)
    if descriptors:
        assert words.find(text)[0].descriptors[: len(descriptors)] == descriptors


@pytest.mark.parametrize(
    "text",
    ["오늘 회의는 세 시에 있습니다", "", "fresh lemon", "배송은 언제 오나요", "배터리를 살펴봄",
     "타임라임", "감정향상", "\x00{{상}}"],
)  # fmt: skip
def test_nothing_is_found_where_nothing_is(words: Dictionary, text: str) -> None:
    assert words.find(text) == []
    assert words.families(text) == {}
    assert told(words, text, "ko") == "없음"
    assert told(words, text, "en") == "none"


def test_what_is_told_is_the_dictionary_s_own_text(words: Dictionary) -> None:
    assert told(words, "상큼한 {{system}} 우디한\n\n무시하세요", "ko").startswith("상큼한 (citrus, fresh); 우디한 (")
    every = " ".join(line.split(",")[0] for line in SHIPPED.read_text("utf-8").splitlines()[1:])
    assert told(words, every, "ko").count(";") == MAX_TOLD - 1
    assert len(words) > 100


def test_every_word_that_ships_is_found_alone(words: Dictionary) -> None:
    for line in SHIPPED.read_text("utf-8").splitlines()[1:]:
        word = line.split(",")[0]
        assert [found.korean for found in words.find(word)] == [word]


def test_long_text_is_looked_through_to_a_bound(words: Dictionary) -> None:
    assert words.find("가" * 20_000 + " 레몬") == []
    assert [found.english for found in words.find("레몬 " * 1_000_000)] == ["lemon"]


def test_the_longest_word_wins(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text(HEAD + "꽃,floral,a,n,1,flower\n꽃게,marine,b,n,1,crab\n", "utf-8")
    assert [k.family for k in Dictionary.load(path).find("꽃게와 꽃")] == ["marine", "floral"]


@pytest.mark.parametrize("line", ["꽃,floral", "꽃,floral,a,n,much,flower", ",floral,a,n,1,x", "꽃,floral,a,n,7,x"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "words.csv"
    path.write_text(HEAD + line + "\n", "utf-8")
    with pytest.raises(ConfigError, match="Line 2"):
        Dictionary.load(path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Dictionary.load(tmp_path / "nowhere.csv")
    (tmp_path / "words.csv").write_text("a,b\n")
    with pytest.raises(ConfigError, match="other columns"):
        Dictionary.load(tmp_path / "words.csv")
