"""Prompts: files that are checked, the choice of the best fit, filling in, and the Korean dictionary."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import ConfigError, UsageError
from roadworthy.gateway.prompts import catalogue, keyword
from roadworthy.gateway.prompts.catalogue import Catalogue, language_of
from roadworthy.gateway.prompts.keyword import Dictionary
from roadworthy.gateway.prompts.template import Template, read


def template(version: int = 1, **more: str) -> Template:
    return Template("interpreter", version, {"en": f"v{version} {{brief}}", "ko": "{brief}"}, **more)


def test_every_shipped_prompt_is_whole_and_has_both_languages() -> None:
    shipped = Catalogue.load(catalogue.SHIPPED)
    assert shipped.names() == ["hints", "interpreter", "validator"]
    for one in shipped.all():
        values = dict.fromkeys(one.places, "x")
        assert "x" in one.render("en", values)
        assert language_of(one.text["ko"]) == "ko"
        assert language_of(one.text["en"]) == "en"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, 2),
        ({"role": "interpreter"}, 3),
        ({"role": "interpreter", "mode": "creative"}, 4),
        ({"role": "interpreter", "mode": "fast"}, 3),
        ({"mode": "creative", "model": "openai/gpt-4.1-mini", "role": "interpreter"}, 5),
        ({"model": "claude/haiku"}, 2),
    ],
)
def test_the_best_fit_is_found(asked: dict[str, str], expected: int) -> None:
    prompts = Catalogue(
        [
            template(1),
            template(2),
            template(3, role="interpreter"),
            template(4, role="interpreter", mode="creative"),
            template(5, model="openai/*"),
        ]
    )
    assert prompts.find("interpreter", **asked).version == expected
    assert prompts.find("interpreter@1", **asked).version == 1


def test_a_prompt_that_does_not_fit_or_exist_is_an_error_that_helps() -> None:
    prompts = Catalogue([template(1, mode="creative")])
    with pytest.raises(UsageError, match="other roles"):
        prompts.find("interpreter", mode="fast")
    with pytest.raises(UsageError, match="not there") as caught:
        prompts.find("interpretor")
    assert "interpreter" in caught.value.mend
    with pytest.raises(ConfigError, match="twice"):
        Catalogue([template(1), template(1)])


FILES = {
    "name: a": "version",
    "name: a\nversion: 0\ntext: {en: a, ko: b}": "counts from 1",
    "name: a\nversion: 1\ntext: {en: a}": "no ko",
    "name: a\nversion: 1\ntext: {en: a, ko: '  '}": "no ko",
    "name: a\nversion: 1\ntext: {en: a, ko: b, fr: c}": "'fr'",
    "name: a\nversion: 1\ntext: {en: '{brief}', ko: b}": "'brief' has a place in one language only",
    "name: a\nversion: 1\ntext: {en: '{0}', ko: '{0}'}": "single brace",
    "name: a\nversion: 1\ntext: {en: '{a.b}', ko: '{a.b}'}": "single brace",
    "name: a\nversion: 1\nmodes: x\ntext: {en: a, ko: b}": "modes",
    "name: [": "YAML",
    "\xff": "",
}


@pytest.mark.parametrize("content", FILES)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert "broken.yaml" in str(caught.value)
    assert FILES[content] in caught.value.why


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        Catalogue.load(tmp_path / "nowhere")


@given(st.text())
def test_a_value_is_put_in_as_it_is(value: str) -> None:
    one = Template("a", 1, {"en": "{{x}} <{brief}> {brief}", "ko": "{brief}"})
    assert one.render("en", {"brief": value}) == f"{{x}} <{value}> {value}"


@pytest.mark.parametrize("values", [{}, {"brief": "a", "more": "b"}, {"brief_": "a"}])
def test_values_must_fit(values: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="filled in"):
        template().render("en", values)
    with pytest.raises(UsageError, match="language"):
        template().render("fr", {"brief": "a"})


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("상큼한 향수를 추천해 주세요", "ko"),
        ("Chanel No. 5 같은 향", "ko"),
        ("a fresh scent", "en"),
        ("", "en"),
        ("1234 !?", "en"),
        (unicodedata.normalize("NFD", "우디한 향"), "ko"),
        ("ㅋㅋㅋ", "ko"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("상큼한 느낌이 좋아요", "citrus"),
        ("꽃향기가 나는 향수", "floral"),
        ("우디한 향이면 좋겠어요", "woody"),
        ("자몽이랑 레몬을 섞은", "citrus"),
        (unicodedata.normalize("NFD", "상큼한"), "citrus"),
    ],
)
def test_words_are_found_with_their_particles(text: str, family: str) -> None:
    assert next(iter(Dictionary.load().families(text))) == family


def test_nothing_is_found_where_nothing_is() -> None:
    words = Dictionary.load()
    assert words.find("오늘 회의는 세 시에 있습니다") == []
    assert words.find("") == []
    assert len(words) > 100


def test_the_longest_word_wins(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("korean,family,descriptors,facet,weight,english\n꽃,floral,a,n,1,flower\n꽃게,marine,b,n,1,crab\n")
    assert [k.family for k in Dictionary.load(path).find("꽃게와 꽃")] == ["marine", "floral"]


@pytest.mark.parametrize("line", ["꽃,floral", "꽃,floral,a,n,much,flower", ",floral,a,n,1,x", "꽃,floral,a,n,7,x"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "words.csv"
    path.write_text(f"korean,family,descriptors,facet,weight,english\n{line}\n")
    with pytest.raises(ConfigError, match="Line 2"):
        Dictionary.load(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        Dictionary.load(tmp_path / "nowhere.csv")
    assert keyword.SHIPPED.exists()
