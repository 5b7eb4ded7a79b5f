"""Rules of a gate that contradict each other or cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import load

HEAD = """version: 1
gateway:
  providers: {a: {kind: compatible, base_url: "http://127.0.0.1:1/v1"}}
  routes:
    chat:
      chain: [a/m]
      quality: """

TABLE = [
    ("{required_term: [a]}", "required_term", "did you mean `required_terms`"),
    ("{words: {min: 9, max: 3}}", "quality.words.min", "must not be larger than max"),
    ("{words: {sections: {Notes: {min: 9, max: 3}}}}", "words.sections.Notes.min", "must not be larger than max"),
    ("{words: {max: 3, sections: {Notes: {min: 9}}}, sections: [Notes]}", "words.max", "alone need 9 words"),
    ("{brand_mentions: {terms: [x], min: 2, max: 1}}", "brand_mentions.min", "must not be larger than max"),
    ("{brand_mentions: {terms: []}}", "brand_mentions.terms", "expected a list of texts"),
    ("{brand_mentions: {terms: [x], max: 0}, required_terms: [X]}", "brand_mentions.max", "required too"),
    ("{required_terms: [Rose], forbidden_terms: [ｒｏｓｅ]}", "forbidden_terms[0]", "required too"),
    ("{required_terms: [rose oil], forbidden_terms: [oil]}", "required_terms[0]", "contains a forbidden term"),
    ('{required_terms: [" "]}', "required_terms[0]", "empty"),
    ("{json_schema: {type: elephant}}", "quality.json_schema", "not a JSON schema at type"),
    ('{json_schema: {$ref: "http://127.0.0.1:9/x"}}', "quality.json_schema", "nothing is fetched"),
    ("{json_schema: {minimum: 2026-01-01}}", "quality.json_schema", "something that JSON has not"),
    ("{json_schema: {type: object}, sections: [x]}", "quality.sections", "JSON has no headings"),
    ("{language: klingon}", "quality.language", "one of en, ja, ko, zh"),
    ("{refusal: sometimes}", "quality.refusal", "true or false"),
    ("{repairs: 9}", "quality.repairs", "to 5"),
    ("{checks: [no-such-check]}", "quality.checks[0]", "no installed package offers this check"),
]


@pytest.mark.parametrize(("rules", "key", "told"), TABLE, ids=[rules for rules, _, _ in TABLE])
def test_a_fault_is_told_with_place_key_and_what_was_expected(tmp_path: Path, rules: str, key: str, told: str) -> None:
    file = tmp_path / "roadworthy.yaml"
    file.write_text(f"{HEAD}{rules}\n")
    with pytest.raises(ConfigError) as refused:
        load(file, environ={})
    said = f"{refused.value.what} {refused.value.why}"
    assert "roadworthy.yaml:7" in said
    assert key in said
    assert told in said
    for value in ("elephant", "klingon", "sometimes", "no-such-check", "127.0.0.1:9"):
        assert value not in said


def test_rules_that_fit_together_load(tmp_path: Path) -> None:
    file = tmp_path / "roadworthy.yaml"
    rules = (
        "{required_terms: [베르가못, cedar*], forbidden_terms: [cheap], "
        "brand_mentions: {terms: [Luma], min: 1, max: 3}, "
        "words: {min: 10, max: 90, sections: {Notes: {min: 2}}}, sections: [Notes], language: ko, repairs: 2}"
    )
    file.write_text(f"{HEAD}{rules}\n")
    quality = load(file, environ={}).config.gateway.routes["chat"].quality
    assert quality is not None
    assert (quality.repairs, quality.refusal, quality.required_terms) == (2, True, ["베르가못", "cedar*"])
