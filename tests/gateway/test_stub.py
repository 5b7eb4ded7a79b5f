"""What is placeholder content and what only speaks of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway import stub
from roadworthy.gateway.stub import is_stub

STUBS = [
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "  **Lorem ipsum dolor** sit amet",
    "[placeholder]",
    "[PLACEHOLDER] text to be written",
    "Placeholder content for the summary.",
    "This is a mock response.",
    "This is a simulated answer for testing",
    "Here is a placeholder text",
    "a dummy reply",
    "The stub answer",
    "Mock LLM response: hello",
    "Mocked response",
    "Simulated AI output",
    "Canned response #3",
    "Stubbed completion",
    "dummy data",
    "todo",
    "todo: write the answer",
    "<TBD>",
    "fixme.",
    "stub",
    "Insert text here",
    "[Your answer here]",
]
REAL = [
    "",
    "Paris.",
    "Lorem ipsum is placeholder text that printers have used since the 1500s.",
    "A mock turtle is a character of Lewis Carroll.",
    "The placeholder pattern is useful when a form is empty.",
    "Mocking a clock makes tests quick.",
    "Todo lists help. To-do apps are the hello world of frontends.",
    "To do this, open the settings.",
    "This is a simulation of traffic in Seoul.",
    "Here is the answer: 42.",
    "Your order has been shipped.",
    "Stubborn stains need vinegar.",
    "Dummy variables encode categories.",
    "In the code, `todo` marks open work.",
    "Simulated annealing is a search method.",
    "한국어 답변입니다.",
]


@pytest.mark.parametrize("text", STUBS)
def test_placeholder_content_is_found(text: str) -> None:
    assert is_stub(text)


@pytest.mark.parametrize("text", REAL)
def test_answers_about_it_pass(text: str) -> None:
    assert not is_stub(text)


@given(
    st.sampled_from([" ", "\n", "**", "> ", "[", '"', ""]),
    st.sampled_from(STUBS + REAL) | st.text(max_size=60),
    st.sampled_from([str, str.upper, str.title]),
)
def test_the_cheap_look_first_never_hides_a_stub(lead: str, text: str, case) -> None:
    changed = lead + case(text)
    assert is_stub(changed) == (stub._STUB.match(changed[: stub.HEAD_CHARS]) is not None)
