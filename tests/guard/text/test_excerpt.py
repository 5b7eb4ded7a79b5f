"""Parts of a text: the same as when each is normalised for itself, and cheaper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.guard.text import excerpt as module
from roadworthy.guard.text.excerpt import Excerpts, excerpt
from roadworthy.guard.text.line import Line
from roadworthy.guard.text.masker import TextMasker

PIECES = st.lists(
    st.sampled_from(
        ("a", " ", "\n", "-----", "%40", "%2540", "\\n", "\\u0041", "&amp;", "１", "한", "\u200b", "%EF%BC%91")
    ),
    max_size=30,
)


@given(PIECES, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8))
def test_a_part_reads_as_if_it_stood_alone(pieces: list[str], ends: list[tuple[int, int]]) -> None:
    places = [0]
    for piece in pieces:
        places.append(places[-1] + len(piece.encode()))
    text = "".join(pieces).encode()
    parts = Excerpts(text)
    for first, last in sorted((min(pair), max(pair)) for pair in ends):
        low, high = places[min(first, len(pieces))], places[min(last, len(pieces))]
        shared, alone = parts.part(low, high), excerpt(text, low, high)
        assert shared.line.text == alone.line.text
        for at in range(low, high + 1):
            assert shared.position(at) == alone.position(at)
        for at in range(len(alone.line.text)):
            assert shared.raw_span(at, at + 1) == alone.raw_span(at, at + 1)


@pytest.mark.parametrize("unit", ["-----BEGIN PRIVATE KEY-----", "%25-----END PRIVATE KEY-----\n"])
def test_many_heads_are_normalised_together(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    normalised = 0

    class Counted(Line):
        def __init__(self, raw: bytes, opened: bool = False) -> None:
            nonlocal normalised
            normalised += len(raw)
            super().__init__(raw, opened)

    monkeypatch.setattr(module, "Line", Counted)
    text = (unit * 6_000)[:150_000].encode()
    TextMasker().find(text)
    assert 0 < normalised < 12 * len(text)  # three rules, each of them twice, and as much again
