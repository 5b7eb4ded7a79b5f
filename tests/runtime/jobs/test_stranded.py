"""Jobs that are done nowhere, told from those that are about to begin."""

from __future__ import annotations

from roadworthy.runtime.jobs.stranded import LOOKS, Stranded


def test_only_what_is_missed_again_and_again_is_stranded() -> None:
    stranded = Stranded()
    for _ in range(LOOKS - 1):
        assert stranded.look({"a", "b"}) == []
    with stranded.here("b"):
        assert stranded.look({"a", "b"}) == ["a"]
    for _ in range(LOOKS - 1):
        assert stranded.look({"b"}) == []
    assert stranded.look({"b", "c"}) == ["b"]
