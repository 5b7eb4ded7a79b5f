"""What a model is told, in both languages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.quality.json_ask import asked_in_words
from roadworthy.gateway.quality.repair import MAX_REPEATED, repair_message, tongue, with_repair
from roadworthy.gateway.quality.rule import ISSUES

EXAMPLES: dict[str, Any] = {
    "schema": [{"at": "/notes", "rule": "minItems", "what": "the value has less than 2 items"}],
    "missing_terms": ["bergamot", "cedar*"],
    "forbidden_terms": ["cheap"],
    "brand_mentions": {"found": 4, "min": 1, "max": 3, "terms": ["Luma"]},
    "word_count": [
        {"section": None, "found": 3, "min": 10, "max": None},
        {"section": "Notes", "found": 90, "min": None, "max": 50},
    ],
    "missing_sections": ["Notes"],
    "language": {"expected": "ko", "found": "en"},
    "custom": [{"check": "tone", "what": "Do not shout."}],
    "invalid_json": True,
}
EXPECTED = {
    "en": [
        "/notes", '"bergamot", "cedar"', '"cheap"', "1 to 3 times (now 4)", "at least 10 words",
        '"Notes" must have at most 50', "headed", "Korean", "Do not shout.", "not valid JSON",
    ],
    "ko": [
        "/notes", '"bergamot", "cedar"', '"cheap"', "1~3", "10 이상", "50 이하", "제목", "한국어", "Do not shout.",
        "올바른 JSON",
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_issue_is_put_into_words(language: Any) -> None:
    message = repair_message(EXAMPLES, language)
    assert [words for words in EXPECTED[language] if words not in message] == []
    assert "*" not in message


def test_issues_without_words_of_their_own_are_not_silent() -> None:
    for name in ISSUES:
        if name not in EXAMPLES:
            assert "requirements" in repair_message({name: True}, "en")


@pytest.mark.parametrize(
    ("answer", "wanted", "expected"),
    [
        ("안녕하세요, 무엇을 도와드릴까요?", None, "ko"),
        ("Hello there, what can I do for you on this day?", None, "en"),
        ("Hello there, what can I do for you on this day?", "ko", "ko"),
        ("42", None, "en"),
    ],
)
def test_the_message_speaks_the_answers_language(answer: str, wanted: str | None, expected: str) -> None:
    assert tongue(answer, wanted) == expected


def ask(**more: Any) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "질문 "}, {"role": "user", "content": [
        {"type": "text", "text": "x"}]}], "temperature": 0.5, **more}  # fmt: skip
    return ChatRequest.parse(json.dumps(body, indent=2).encode())


def test_the_conversation_is_continued_and_nothing_else_changes() -> None:
    first = ask()
    second = with_repair(first, "a" * (MAX_REPEATED + 5), "put it right")
    was, now = json.loads(first.body("m")), json.loads(second.body("m"))
    assert now.pop("messages")[:2] == was.pop("messages")
    assert now == was
    assert [message.role for message in second.view.messages[2:]] == ["assistant", "user"]
    assert len(second.view.messages[2].content or "") == MAX_REPEATED + 2
    assert len(first.view.messages) == 2


def test_a_response_format_in_words_holds_the_schema() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "required": ["a"]}}}
    told = json.loads(asked_in_words(ask(response_format=form)).body("m"))
    assert "response_format" not in told
    assert told["messages"][0]["role"] == "system"
    assert json.loads(told["messages"][0]["content"].partition(":\n")[2]) == form["json_schema"]["schema"]
    plain = json.loads(asked_in_words(ask(response_format={"type": "json_object"})).body("m"))
    assert "JSON object" in plain["messages"][0]["content"]
