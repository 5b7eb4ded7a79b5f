"""Normalised lines, and the way back from every place in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.guard.text.line import Line

WRITTEN = [
    ("plain", "plain"),
    ("010-1234", "010-1234"),
    ("٠١٢", "012"),
    ("०१२", "012"),
    ("010\u20131234", "010-1234"),
    ("010\u00a01234", "010 1234"),
    ("01\u200b0", "010"),
    ("a%40b", "a@b"),
    ("a%2540b", "a@b"),
    ("a%252540b", "a@b"),
    ("%EF%BC%91%E2%80%93", "1-"),
    ("01%E2%80%8B0", "010"),
    (r"a\u0040b", "a@b"),
    (r"\uff11", "1"),
    (r"a\nb", "a\x0cb"),
    (r"a\\nb", "a\x0cb"),
    (r"\u0022", "\x1a"),
    (r"\ud83d\ude00", "\x1a\x1a"),
    ("a&#64;b", "a@b"),
    ("a&#x40;b", "a@b"),
    ("a&commat;b", "a@b"),
    (r"\"", r"\""),
    ("%zz", "%zz"),
    ("100%", "100%"),
    ("%0a", "\x0c"),
    ("%00", "%00"),
    ("한글", "한글"),
]


@pytest.mark.parametrize(("raw", "text"), WRITTEN)
def test_what_a_reader_sees(raw: str, text: str) -> None:
    assert Line(raw.encode()).text == text.encode()


@pytest.mark.parametrize(
    ("raw", "value", "found"),
    [
        ("메일 a%40b.io!", "a@b.io", "a%40b.io"),
        ("x ０１０ y", "010", "０１０"),
        ("x 0\u200b1\u200b0 y", "010", "0\u200b1\u200b0"),
        ("p=%EF%BC%91%EF%BC%92&", "12", "%EF%BC%91%EF%BC%92"),
        (r"\n010\n", "010", "010"),
        (r"\uff11\uff12 \uff13", "3", r"\uff13"),
    ],
)
def test_the_way_back(raw: str, value: str, found: str) -> None:
    line = Line(raw.encode())
    start = line.text.index(value.encode())
    first, last = line.raw_span(start, start + len(value))
    assert line.raw[first:last].decode() == found


UNITS = st.sampled_from([raw for raw, _ in WRITTEN] + [" ", "x", "é", "한", "1", "%", "\\", "\ud800"])


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(UNITS, max_size=8).map("".join), st.data())
def test_places_lead_back_in_order_and_cover_whole_units(raw: str, data: st.DataObject) -> None:
    line = Line(raw.encode("utf-8", "surrogatepass"))
    start = data.draw(st.integers(0, len(line.text)))
    end = data.draw(st.integers(start, len(line.text)))
    first, last = line.raw_span(start, end)
    assert 0 <= first <= len(line.raw)
    assert last <= len(line.raw)
    if start < end:
        assert first < last
        assert line.text[start:end] in Line(line.raw[first:last]).text or first > 0 or last < len(line.raw)
    assert line.raw_span(0, len(line.text))[1] <= len(line.raw)
