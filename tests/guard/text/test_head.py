"""A pattern taken apart matches what it did, and begins with what it says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.guard.text.head import parts
from roadworthy.guard.text.horizon import Horizon
from roadworthy.guard.text.prefix import prefixes
from roadworthy.guard.text.rules.all import RULES
from roadworthy.guard.text.scanner import Scanner

NAMES = "|".join(f"name{number}x" for number in range(60))
PATTERNS = [
    rf"(?:^|[^a])(?i:{NAMES})[ ]?[:=][0-9]{{2,4}}",
    rf"(?:(?i:{NAMES})|이름|성함)(?:is|was)? [0-9]+",
    rf"<(?:{NAMES})>(?:{NAMES})?[a-z]*",
    rf"k=(?:(?:{NAMES}) is|(?:{NAMES})) [0-9]",
    r"[0-9]{3}-[0-9]{4}",
]
WHOLE = [
    "name7x:123", " NAME59x = 12", "이름 7", "name3xwas 7", "<name0x>name1xabc", "k=name5x is 1", "k=name5x 1",
    "010-1234",
]  # fmt: skip


def begins(pattern: str, text: str) -> bool:
    return any(
        re.fullmatch(part.head if part.rest is None else f"{part.head}(?:{part.rest})", text)
        or re.fullmatch(prefixes(part.head), text)
        for part in parts(pattern)
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_beginning_of_a_match_begins_a_part(pattern: str) -> None:
    matched = [text for text in WHOLE if re.fullmatch(pattern, text)]
    assert matched
    for text in matched:
        assert all(begins(pattern, text[:end]) for end in range(len(text) + 1))


@pytest.mark.parametrize("pattern", PATTERNS[:4])
def test_words_are_taken_apart_from_what_follows(pattern: str) -> None:
    assert all(part.rest is not None for part in parts(pattern))
    assert len(parts(PATTERNS[4])) == 1 == sum(part.rest is None for part in parts(PATTERNS[4]))


def test_no_head_is_found_in_an_empty_text() -> None:
    horizon = Horizon(Scanner(RULES))
    assert horizon.begun(b"", 0) == 0
    assert horizon.open(b"x \n", 0) >= 0


@settings(deadline=None, max_examples=examples(40))
@given(st.text(alphabet="name0123456789x :=<>k", max_size=14))
def test_what_a_pattern_begins_with_its_parts_begin_with(text: str) -> None:
    for pattern in PATTERNS[2:]:
        if re.fullmatch(prefixes(pattern), text):
            assert begins(pattern, text)
