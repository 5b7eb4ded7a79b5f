"""When there is room in a full queue again, from what was seen of it."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_S = 1.0
MOST_S = 600.0
SEEN = 20
"""How many of the last ends are looked at."""


def frees_in_s(now_s: float, ended_s: Sequence[float], waiting_since_s: float | None) -> float:
    """Seconds until the next job is likely to leave the queue, 1 to 600.

    A place becomes free with each job that ends, so it is the mean time between the last ends, counted up to now: it
    grows while nothing ends. Before any job has ended, the best guess for the rest of a wait is what it lasted so far.

    Args:
        now_s: Now, seconds since the Unix epoch.
        ended_s: When the last jobs ended, in any order.
        waiting_since_s: When the oldest waiting job was added; None when none waits.
    """
    if ended_s:
        guess = (now_s - min(ended_s)) / len(ended_s)
    else:
        guess = 0.0 if waiting_since_s is None else now_s - waiting_since_s
    return min(MOST_S, max(LEAST_S, guess))
