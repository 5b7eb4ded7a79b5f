"""A block of data that its text cannot end."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.prompts.fence import fenced

PIECES = st.lists(
    st.sampled_from(["<brief>", "</brief>", "< / BRIEF x", "<bri", "ef>", "</", "brief", ">", "<", "\n", " ", "a"]),
    max_size=12,
)


@given(PIECES.map("".join), PIECES.map("".join))
def test_a_text_cannot_end_its_block(first: str, second: str) -> None:
    lines = fenced("brief", {"one": first, "two": second, "none": None, "empty": ""}).split("\n")
    assert (lines[0], lines[-1]) == ("<brief>", "</brief>")
    assert len(lines) <= 4
    assert not any(re.search(r"<\s*/?\s*brief\b", line, re.IGNORECASE) for line in lines[1:-1])
