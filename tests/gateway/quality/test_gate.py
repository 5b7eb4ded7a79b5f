"""Rules against texts."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.core.attempts import Reason
from roadworthy.core.errors import ConfigError
from roadworthy.gateway.providers.contract import Reply
from roadworthy.gateway.quality.choice import Said, said
from roadworthy.gateway.quality.custom import CustomCheck, load_checks
from roadworthy.gateway.quality.gate import Gate, judge_gated
from roadworthy.gateway.quality.heading import sections, words
from roadworthy.gateway.quality.rule import ISSUES, Mentions, Quality, Span, Words
from roadworthy.gateway.request_record import recorded_issues


def judged(rules: Quality, text: str, finish: str = "stop", **checks: Any) -> Any:
    gate = Gate(rules, {name: CustomCheck(name, check) for name, check in checks.items()})
    found = judge_gated(Said([text], False), finish, gate, None, False)
    if found is not None:
        assert found.issues.keys() <= set(ISSUES)
    return found


TABLE: list[tuple[Quality, str, dict[str, object]]] = [
    (Quality(required_terms=("a", "b")), "a c", {"missing_terms": ["b"]}),
    (Quality(brand_mentions=Mentions(("x",), 2, 3)), "x x x", {}),
    (
        Quality(brand_mentions=Mentions(("x",), 2, 3)),
        "x",
        {"brand_mentions": {"found": 1, "min": 2, "max": 3, "terms": ["x"]}},
    ),
    (
        Quality(words=Words(sections={"Notes": Span(2, 3)})),
        "# Notes\none",
        {"word_count": [{"section": "Notes", "found": 1, "min": 2, "max": 3}]},
    ),
    (Quality(words=Words(sections={"Notes": Span(2, 3)})), "nothing of the kind", {}),
    (Quality(sections=("요약",)), "**요약:** 좋음", {}),
    (Quality(json_schema={"type": "object"}, required_terms=("rose",)), '{"rose": "x"}', {"missing_terms": ["rose"]}),
]


@pytest.mark.parametrize(("rules", "text", "issues"), TABLE)
def test_rules(rules: Quality, text: str, issues: dict[str, object]) -> None:
    found = judged(rules, text)
    assert (found.issues if found else {}) == issues


def test_an_answer_that_the_token_limit_cut_is_not_asked_for_again() -> None:
    assert judged(Quality(required_terms=("a",)), "b", "length").reason is Reason.LENGTH_LIMIT


def test_default_rules_come_first() -> None:
    rules = Quality(required_terms=("a",))
    assert judged(rules, " ").reason is Reason.EMPTY
    assert judged(rules, "Lorem ipsum dolor sit amet").reason is Reason.STUB
    assert judged(rules, "I can't help with that.").issues == {"refusal": True}


def test_a_custom_check_says_what_is_wrong() -> None:
    rules = Quality(checks=("tone",))
    assert judged(rules, "HI", tone=lambda text: "Do not shout." if text.isupper() else None).issues == {
        "custom": [{"check": "tone", "what": "Do not shout."}]
    }
    assert judged(rules, "hi", tone=lambda text: None) is None


def broken(text: str) -> str | None:
    raise KeyError(text)


@pytest.mark.parametrize(("check", "error"), [(broken, "KeyError"), (lambda text: 3, "int"), (lambda text: " ", "str")])
def test_a_check_without_a_verdict_fails_the_answer(check: Any, error: str) -> None:
    found = judged(Quality(checks=("tone",)), "private words", tone=check)
    assert found.reason is Reason.QUALITY_FAILED
    assert error in found.issues["check_failed"][0]["error"]
    assert "private" not in str(found.issues)


def test_a_check_that_nobody_offers_is_an_error_at_the_start() -> None:
    with pytest.raises(ConfigError, match="no-such-check"):
        load_checks(["no-such-check"])
    assert load_checks([]) == {}


@pytest.mark.parametrize("rules", [Quality(required_terms=("",)), Quality(json_schema={"type": "elephant"})])
def test_rules_that_cannot_be_used_are_refused(rules: Quality) -> None:
    with pytest.raises(ConfigError):
        Gate(rules, {})


def test_what_is_kept_holds_no_words_of_the_answer() -> None:
    issues = {
        "schema": [{"at": "/private", "rule": "type", "what": "private"}],
        "custom": [{"check": "tone", "what": "private"}],
        "missing_terms": ["rose"],
    }
    assert recorded_issues(issues) == {"schema": ["type"], "custom": ["tone"], "missing_terms": ["rose"]}


def test_headings_in_many_clothes() -> None:
    text = "Intro\n## Notes\none two\n### Other\nthree\n**Price:** four\n2024 plan\nfive"
    assert sections(text, ["Notes", "price", "missing", "2024 plan"]) == {
        "Notes": "one two", "price": "four", "2024 plan": "five",
    }  # fmt: skip
    assert words("- one, two ** — 3 한국어 단어 ...") == 5


def test_tool_calls_and_audio_are_no_texts() -> None:
    body = (
        b'{"choices":[{"index":0,"message":{"content":"a","tool_calls":[{}]}},'
        b'{"index":1,"message":{"content":"b"}},{"index":2,"message":{"refusal":"no"}}]}'
    )
    assert said(Reply(body, has_payload=True), (), 3) == Said(["b"], True)
    chunks = [
        b'{"choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"choices":[{"index":1,"delta":{"content":"b"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"c"}}]}',
        b'{"choices":[]}',
    ]
    assert said(Reply(b"", content="ac"), chunks, 2) == Said(["ac", "b"], False)


def test_an_exception_of_no_built_in_kind_is_no_verdict_and_no_pass() -> None:
    class Odd(Exception):
        pass

    def broken(text: str) -> str | None:
        raise Odd

    with pytest.raises(Odd):
        judged(Quality(checks=("odd",)), "any text", odd=broken)
