"""The parser of event streams: the same events however the bytes are cut."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.edge.sse import MAX_EVENT_BYTES, EventParser, EventTooLarge

TABLE = [
    (b"data: a\n\n", [(b"", b"a")]),
    (b"data:a\n\n", [(b"", b"a")]),
    (b"data:  a\n\n", [(b"", b" a")]),
    (b"data\n\n", [(b"", b"")]),
    (b"data: a\ndata: b\n\n", [(b"", b"a\nb")]),
    (b"event: x\ndata: a\n\n", [(b"x", b"a")]),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", [(b"", b"a"), (b"", b"b")]),
    (b"data: a\r\rdata: b\r\r\n", [(b"", b"a"), (b"", b"b")]),
    (b": comment\n\nid: 1\nretry: 2\n\n", []),
    (b"\xef\xbb\xbfdata: a\n\n", [(b"", b"a")]),
    (b"data: a\n", []),
    (b"\n\n\n\ndata: a\n\n\n\n", [(b"", b"a")]),
]


def feed(parser: EventParser, data: bytes, cuts: list[int]) -> list[tuple[bytes, bytes]]:
    marks = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [event for a, b in itertools.pairwise(marks) for event in parser.feed(data[a:b])]


@pytest.mark.parametrize(("data", "events"), TABLE)
def test_table(data: bytes, events: list[tuple[bytes, bytes]]) -> None:
    assert EventParser().feed(data) == events
    assert feed(EventParser(), data, list(range(len(data)))) == events


PIECE = st.sampled_from([b"data: ", b"a", b"\n", b"\n\n", b"\r", b"\r\n", b"event: x", b":", b"{}", b"\xff"])


@given(st.lists(PIECE, max_size=40), st.lists(st.integers(0, 400), max_size=12))
def test_cuts_change_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces) + b"end\n\n"
    assert feed(EventParser(), data, cuts) == EventParser().feed(data)


@pytest.mark.parametrize("size", [1_000, 65_536, MAX_EVENT_BYTES + 1])
def test_an_event_without_end_is_refused_whatever_its_pieces(size: int) -> None:
    parser = EventParser()
    with pytest.raises(EventTooLarge):
        feed(parser, b"x" * (MAX_EVENT_BYTES + size), list(range(0, MAX_EVENT_BYTES + size, size)))


def test_a_long_event_in_tiny_pieces_is_joined_once() -> None:
    parser = EventParser()
    data = b"data: " + b"x" * (MAX_EVENT_BYTES - 10) + b"\n\n"
    rng = random.Random(1)
    position, events = 0, []
    while position < len(data):
        step = rng.randint(1, 32)
        events += parser.feed(data[position : position + step])
        position += step
    assert events == [(b"", data[6:-2])]
