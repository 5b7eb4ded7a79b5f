"""Retry-After of a full queue: what was seen, never less than a second, never more than ten minutes."""

from __future__ import annotations

import pytest

from roadworthy.runtime.jobs.room import LEAST_S, MOST_S, frees_in_s


@pytest.mark.parametrize(
    ("ended", "since", "told"),
    [
        ([], None, LEAST_S),
        ([], 960.0, 40.0),  # nothing has ended yet: as long again
        ([970.0, 980.0, 990.0], 900.0, 10.0),
        ([880.0, 890.0, 900.0], 900.0, 40.0),  # it stands still since: the guess grows
        ([999.9, 999.8], 900.0, LEAST_S),
        ([], 0.0, MOST_S),
        ([2000.0], 2000.0, LEAST_S),  # the clock was set back
    ],
)
def test_it_follows_what_was_seen(ended: list[float], since: float | None, told: float) -> None:
    assert frees_in_s(1000.0, ended, since) == pytest.approx(told)
