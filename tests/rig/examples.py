"""How many cases Hypothesis makes up: a third in the default suite, all where TEST_EXAMPLES=all, as in `make slow`."""

from __future__ import annotations

import os

ALL = os.environ.get("TEST_EXAMPLES") == "all"
_LEAST = 10


def examples(whole: int) -> int:
    """For `max_examples`: so many when all are asked for, else a third, but at least ten."""
    return whole if ALL else min(whole, max(_LEAST, whole // 3))
