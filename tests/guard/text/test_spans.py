"""Places of findings in code points."""

from __future__ import annotations

import json

import pytest

from roadworthy.core.errors import UsageError
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.spans import span_lines, spans

MASKER = TextMasker()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("nothing", []),
        ("bob@example.com", ["bob@example.com"]),
        ("메일 bob@example.com으로 010-1234-5678에", ["bob@example.com", "010-1234-5678"]),
        ("😀 bob@example.com 😀 bob@example.com", ["bob@example.com"] * 2),
        ("전화 ０１０-１２３４-５６７８ 입니다", ["０１０-１２３４-５６７８"]),
        ("q=bob%40example.com&p=%2B82-10-1234-5678", ["bob%40example.com", "%2B82-10-1234-5678"]),
        ('{"a":"bob\\u0040example.com"}', ["bob\\u0040example.com"]),
        ("\ud800 bob@example.com", ["bob@example.com"]),
    ],
)
def test_spans_are_code_points(text: str, values: list[str]) -> None:
    assert [text[span["start"] : span["end"]] for span in spans(text, MASKER)] == values


def test_lines() -> None:
    lines = [json.dumps({"text": "a bob@example.com"}).encode(), b"\n", b'{"text":"x","more":1}']
    assert [json.loads(line) for line in span_lines(lines, MASKER)] == [
        {"spans": [{"start": 2, "end": 17, "type": "EMAIL"}]},
        {"spans": []},
    ]


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"text":1}', b'{"txt":"a"}', b"\xff", b'"a"'])
def test_a_bad_line_is_named_by_number(line: bytes) -> None:
    with pytest.raises(UsageError, match="Line 2"):
        list(span_lines([b'{"text":""}', line], MASKER))
