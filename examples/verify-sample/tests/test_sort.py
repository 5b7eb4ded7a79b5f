"""What customers say, and what it is."""

import pytest

from citrus.sort import sort


@pytest.mark.parametrize(("text", "kind"), [("a fine lemon", "praise"), ("It came LATE", "complaint")])
def test_sort(text, kind):
    assert sort(text) == kind


@pytest.mark.skip(reason="later")
def test_weights():
    assert 0
