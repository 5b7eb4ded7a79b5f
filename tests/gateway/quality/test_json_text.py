"""JSON in a text, and the repair that needs no model."""

from __future__ import annotations

import pytest

from roadworthy.gateway.quality.json_text import NOTHING, parsed, spoken, unfenced

TABLE = [
    ('```json\n{"a": 1}\n```', '{"a": 1}'),
    ("Here:\n```\n[1]\n```\nBye", "[1]"),
    ('```JSON {"a": 1}```', '{"a": 1}'),
    ('```json\n{"a": \n```', None),
    ('```json\n{"a": 1}\n``` or ```json\n{"a": 2}\n```', None),
    ("```python\nprint(1)\n```", None),
    ('{"a": 1}', None),
    ("```json\n12\n```", None),
    ("``````", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "inner"), TABLE)
def test_unfenced(text: str, inner: str | None) -> None:
    assert unfenced(text) == inner


def test_null_is_json_and_nonsense_is_not() -> None:
    assert parsed("null") is None
    for text in ("", "nul", "{", "[" * 100_000, '"\ud800"', "NaN"):
        assert parsed(text) is NOTHING


def test_what_json_says_is_in_the_order_it_says_it() -> None:
    assert spoken({"k": "a", "n": [1, "b", {"x": "c"}], "z": None}) == "a\nb\nc"
