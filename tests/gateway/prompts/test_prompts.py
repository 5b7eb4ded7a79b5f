"""Prompts: templates that are checked, the choice of the best fit, filling in, language."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import ConfigError, UsageError
from roadworthy.gateway.prompts import template as rules
from roadworthy.gateway.prompts.catalogue import Catalogue
from roadworthy.gateway.prompts.language import language_of
from roadworthy.gateway.prompts.template import (
    Reference,
    Template,
    check_values,
    fault,
    fill,
    messages,
    parse_reference,
)

BRIEF = {"en": "Brief: {brief}", "ko": "브리프: {brief}"}


def template(version: int = 1, **more: Any) -> Template:
    return Template("interpreter", version, {"en": f"v{version}", "ko": f"{version}판"}, **{"user": BRIEF, **more})


@pytest.mark.parametrize(
    ("asked", "model", "expected"),
    [
        ({}, None, "v2"),
        ({"role": "interpreter"}, None, "v3"),
        ({"role": "interpreter", "mode": "creative"}, None, "v4"),
        ({"role": "interpreter", "mode": "fast"}, None, "v3"),
        ({"mode": "creative", "role": "validator"}, None, "v2"),
    ],
)
def test_the_newest_version_that_fits_is_found(asked: dict[str, str], model: str | None, expected: str) -> None:
    prompts = Catalogue(
        [template(1), template(2), template(3, role="interpreter"), template(4, role="interpreter", mode="creative")]
    )
    assert prompts.find(Reference("interpreter"), **asked).for_model(model).system["en"] == expected
    assert prompts.find(Reference("interpreter", 1), **asked).version == 1
    assert prompts.version(Reference("interpreter")) == 4


def variant(text: str, **more: Any) -> Template:
    return Template("interpreter", 1, {"en": text, "ko": text}, BRIEF, **more)


@pytest.mark.parametrize(
    ("mode", "model", "expected"),
    [
        (None, None, "any"),
        (None, "claude/haiku", "any"),
        (None, "openai/gpt-4.1", "openai"),
        (None, "openai/gpt-4.1-mini", "mini"),
        ("creative", "claude/haiku", "creative"),
        ("creative", "openai/gpt-4.1-mini", "creative"),
    ],
)
def test_in_a_version_the_best_variant_is_found(mode: str | None, model: str | None, expected: str) -> None:
    prompts = Catalogue(
        [
            variant("any"),
            variant("openai", model="openai/*"),
            variant("mini", model="openai/*-mini"),
            variant("creative", mode="creative"),
        ]
    )
    assert prompts.find(Reference("interpreter"), mode=mode).for_model(model).system["en"] == expected


def test_a_prompt_that_does_not_fit_or_exist_is_an_error_that_helps() -> None:
    prompts = Catalogue([template(1, mode="creative"), template(3, mode="creative")])
    with pytest.raises(UsageError, match="does not fit") as caught:
        prompts.find(Reference("interpreter"), mode="fast")
    assert caught.value.param == "prompt.id"
    with pytest.raises(UsageError, match="name is there") as caught:
        prompts.find(Reference("interpretor"))
    assert caught.value.mend == "Did you mean interpreter?"
    with pytest.raises(UsageError) as caught:
        prompts.find(Reference("\x00{{brief}}" * 10_000))
    assert "{{" not in str(caught.value.as_dict())
    with pytest.raises(UsageError, match="no such version") as caught:
        prompts.find(Reference("interpreter", 2))
    assert caught.value.mend == "There are: 1, 3."
    assert caught.value.param == "prompt.version"


@pytest.mark.parametrize(
    ("templates", "told"),
    [
        ([template(1), template(1)], "twice"),
        ([template(1, model="openai/*")], "single models only"),
        ([template(1), template(1, role="a", model="openai/*")], "single models only"),
        ([template(1), template(1, role="a", user=None)], "different values"),
    ],
)
def test_templates_that_contradict_each_other_are_refused(templates: list[Template], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Catalogue(templates)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hints", Reference("hints")),
        ("hints@12", Reference("hints", 12)),
        *[(text, None) for text in ("", "Hints", "hints@", "hints@0", "hints@01", "hints@1x", "a@1@2", "hints\n")],
    ],
)
def test_references(text: str, expected: Reference | None) -> None:
    assert parse_reference(text) == expected
    assert expected is None or str(expected) == text


TEXTS = {"en": "a", "ko": "b"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "A b"}, "`name`"),
        ({"version": 0}, "counts from 1"),
        ({"role": ""}, "`role` is empty"),
        ({"system": {"en": "a"}}, "no ko"),
        ({"system": {"en": "a", "ko": "  "}}, "no ko"),
        ({"system": {**TEXTS, "fr": "c"}}, "'fr'"),
        ({"system": {"en": "a {brief}", "ko": "b {brief}"}}, "a caller's values belong into `user`"),
        ({"system": {"en": "a {keywords}", "ko": "b"}}, "'keywords' has a place in one language only"),
        ({"system": {"en": "a\x1b[2J", "ko": "b"}}, "control character"),
        ({"user": {"en": "{brief}", "ko": "b"}}, "'brief' has a place in one language only"),
        ({"user": {"en": "{0}", "ko": "{0}"}}, "single brace"),
        ({"user": {"en": "{a.b}", "ko": "{a.b}"}}, "single brace"),
        ({"user": {"en": "{a!r}", "ko": "{a!r}"}}, "single brace"),
        ({"user": {"en": "{a}" * 65, "ko": "{a}"}}, "over 64 braces"),
        ({"user": {"en": "a" * 65_537, "ko": "a"}}, "longer than"),
    ],
)
def test_a_template_with_a_fault_is_refused(change: dict[str, Any], told: str) -> None:
    sound = {"name": "a", "version": 1, "system": TEXTS, "user": TEXTS}
    assert fault(Template(**sound)) is None  # type: ignore[arg-type]
    assert told in (fault(Template(**{**sound, **change})) or "")  # type: ignore[arg-type]


def test_the_digest_is_about_what_it_says() -> None:
    assert template().digest == template().digest
    assert len({template().digest, template(2).digest, template(role="a").digest, template(user=None).digest}) == 4
    one, two = Catalogue([template(1), template(2)]), Catalogue([template(1), template(1, role="a"), template(2)])
    assert one.digests()["interpreter@1"] != two.digests()["interpreter@1"]
    assert one.digests()["interpreter@2"] == two.digests()["interpreter@2"]


@given(st.text())
def test_a_value_is_put_in_as_it_is(value: str) -> None:
    assert fill("{{x}} <{brief}> {brief}", {"brief": value}) == f"{{x}} <{value}> {value}"


@given(st.text(alphabet="{}ab_", max_size=30), st.text(alphabet="{}ab_", max_size=30))
def test_values_that_look_like_places_are_not_filled_in_again(first: str, second: str) -> None:
    assert fill("{a}|{b}", {"a": first, "b": second}) == f"{first}|{second}"


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({}, "prompt.variables.brief"),
        ({"brief": "a", "more": "b"}, "prompt.variables"),
        ({"brief": "a", "keywords": "b"}, "prompt.variables"),
        ({"brief_": "a"}, "prompt.variables.brief"),
        ({"brief": "a\x00b"}, "prompt.variables.brief"),
        ({"brief": "\x1b[2J"}, "prompt.variables.brief"),
        ({"brief": "a\x85b"}, "prompt.variables.brief"),
        ({"brief": "a" * 32_769}, "prompt.variables.brief"),
        ({"brief": "a" * 1_000_000}, "prompt.variables.brief"),
    ],
)
def test_values_must_fit(values: dict[str, str], param: str) -> None:
    with pytest.raises(UsageError, match="filled in") as caught:
        check_values(template(), values)
    assert caught.value.param == param
    check_values(template(), {"brief": "a\tb\r\nc" + "{{brief}}" + "a" * 30_000})


def test_many_places_cannot_blow_a_value_up() -> None:
    wide = template(user={"en": "{brief}" * 60, "ko": "{brief}" * 60})
    assert fault(wide) is None
    check_values(wide, {"brief": "a" * 2_000})
    with pytest.raises(UsageError) as caught:
        check_values(wide, {"brief": "a" * 30_000})
    assert str(rules.MAX_RENDERED_CHARS) in caught.value.why


def test_messages() -> None:
    assert messages(template(), "ko", {"brief": "{{향}}"}) == [("system", "1판"), ("user", "브리프: {{향}}")]
    assert messages(template(user=None), "en", {}) == [("system", "v1")]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("상큼한 향수를 추천해 주세요", "ko"),
        ("Chanel No. 5 같은 향", "ko"),
        ("Jo Malone의 English Pear 같은 향", "ko"),
        ("Translate 안녕하세요 into English", "en"),
        ("a fresh scent", "en"),
        ("", "en"),
        ("1234 !?", "en"),
        ("가 b", "ko"),
        ("日本語のテキスト", "en"),
        ("日本語 中文 한국어", "en"),
        ("\u202e\u200b", "en"),
        (unicodedata.normalize("NFD", "우디한 향"), "ko"),
        ("ㅋㅋㅋ", "ko"),
        ("ﾡﾢ", "ko"),
        ("a " * 5_000 + "한 " * 50_000, "en"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language
