"""What only refuses, and what speaks of it, apologises, or declines in somebody's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.quality.default import is_error_page
from roadworthy.gateway.quality.refusal import MOST_CHARS, is_refusal

REFUSALS = [
    "I'm sorry, but I can't help with that request.",
    "I’m sorry, but I can’t assist with that.",
    "**I cannot fulfill this request.**",
    "Unfortunately, I'm not able to provide legal advice on this.",
    "I must decline this request.",
    "Sorry, that's not something I can help with.",
    "죄송하지만 해당 요청은 도와드릴 수 없습니다.",
    "그 질문에는 대답할 수 없습니다.",
    "저는 그런 내용을 작성할 수 없습니다.",
    "I can't assist with that, but I'd be happy to talk about something else.",
]
ANSWERS = [
    "Paris.",
    "I'm sorry to hear that. Keep the plant out of the sun and water it twice a week.",
    'A refusal reads "I can\'t help with that".',
    "I'm sorry, but I can't attend the meeting on Friday.",
    "I can't provide medical advice, but in general adults take one tablet with a meal, drink plenty of water with it, "
    "and see a doctor if the pain does not go away within three days.",
    "해당 제품은 방수 기능을 제공하지 않습니다.",
    "죄송하지만 금요일 회의에는 참석할 수 없습니다.",
    "정확한 수치는 말씀드리기 어렵지만 대부분 30% 안팎입니다.",
    "I cannot provide the file without a loop:\n```python\nprint(1)\n```",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_answers(text: str) -> None:
    assert not is_refusal(text)


def test_a_long_answer_holds_something_else() -> None:
    assert not is_refusal(REFUSALS[0] + " x" * MOST_CHARS)


@given(st.lists(st.sampled_from(["sorry", "no", "not", "thank you so much", "i appreciate", "죄송합니다", ", ", " "])))
def test_no_text_hangs_it(parts: list[str]) -> None:
    is_refusal("so " + "".join(parts))  # patterns that backtrack did not come back from these


@pytest.mark.parametrize(
    ("text", "is_page"),
    [
        ("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body></html>", True),
        ("<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>", True),
        ("<!DOCTYPE html><html><head><title>My shop</title></head></html>", False),
        ("<html><head><title>502 Bad Gateway</title></head>" + "<p>text</p>" * 200, False),
        ("The page says <title>502 Bad Gateway</title>", False),
    ],
)
def test_pages_of_proxies(text: str, is_page: bool) -> None:
    assert is_error_page(text) is is_page
