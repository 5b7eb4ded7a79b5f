"""What a gate looks for is in every line that a rule's pattern matches."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.guard.text.pattern import Pattern
from roadworthy.guard.text.rule import Rule
from roadworthy.guard.text.rules.all import RULES
from roadworthy.guard.text.trigger import shortened


@pytest.mark.parametrize(
    ("pattern", "short"),
    [
        ("abc", "abc"),
        ("sk-[a-z]{20,}", "sk-[a-z]{8}"),
        ("sk-[a-z]{4,}x", "sk-[a-z]{4,}x"),
        ("(?:a|b)-[0-9]{32}(?:-x)?", "(?:a|b)-[0-9]{8}"),
        ("a[0-9]{9}|b[|]{10}|(?:c{11}|d)", "a[0-9]{8}|b[|]{8}|(?:c{11}|d)"),
        (r"\([0-9]{10}", r"\([0-9]{8}"),
        (r"[(\]]{10}x", r"[(\]]{8}"),
    ],
)
def test_shortened(pattern: str, short: str) -> None:
    assert shortened(pattern) == short


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@settings(max_examples=examples(25), deadline=None)
@given(data=st.data())
def test_the_trigger_matches_where_the_pattern_does(rule: Rule, data: st.DataObject) -> None:
    texts, pattern, trigger = compiled(rule)
    text = data.draw(texts)
    if pattern.search(text) is not None:
        assert trigger.search(text) is not None


@cache
def compiled(rule: Rule) -> tuple[st.SearchStrategy[bytes], Pattern, Pattern]:
    """What takes longer to make than to use."""
    return st.from_regex(re.compile(rule.pattern.encode())), Pattern(rule.pattern), Pattern(rule.trigger)
