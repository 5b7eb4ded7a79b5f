"""The memo of the machine holds what the memo of an unpickler holds, and little more."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.verify.artifact.pickle.memo import Memo
from roadworthy.verify.artifact.pickle.value import EMPTY_TUPLE, LIST, TUPLE

_PLACES = st.integers(0, 60) | st.sampled_from([10**3, 10**6, 2**32 - 1, 10**30])


@settings(max_examples=examples(600), deadline=None)
@given(st.lists(st.none() | _PLACES, max_size=80))
def test_memoize_takes_the_number_of_entries(steps: list[int | None]) -> None:
    """A number is `PUT` at that index, None is `MEMOIZE`: as `_pickle.c` does it, at the count of what is set."""
    memo, wire = Memo(), dict[int, int]()
    for value, index in enumerate(steps):
        if index is None:
            memo.append(value)
        else:
            memo.put(index, value)
        wire[len(wire) if index is None else index] = value
        assert all(memo.get(each) == wire.get(each) for each in {*wire, *range(70)})


def test_copies_change_apart() -> None:
    one, two = Memo(), Memo()
    one.put(500, 1)
    one.append(LIST)
    one.copy_to(two)
    one.append(3)
    assert (one.get(500), two.get(500), one.get(2), two.get(2)) == (1, 1, 3, None)
    assert two.get(1) is LIST
    one.clear()
    assert (one.get(500), one.get(1), len(one)) == (None, None, 0)
    assert two.get(1) is LIST


def test_entries_far_apart_take_little() -> None:
    memo = Memo()
    for index in range(0, 1_000_000, 1000):
        memo.put(index, 1)
    assert len(memo) < 20_000


def test_tuples_are_known_to_be_tuples() -> None:
    memo = Memo()
    memo.put(0, (1, 2))
    memo.put(1, ())
    assert memo.get(0) is TUPLE
    assert memo.get(1) is EMPTY_TUPLE
