"""Jobs that the store says this worker does and that it does not: their end could not be written, as on a full disk."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager

LOOKS = 5
"""So many looks in a row must miss a job: between taking it from the queue and beginning it lies a moment."""


class Stranded:
    """Knows which jobs are being done here. `here` is safe for threads; one thread looks."""

    def __init__(self) -> None:
        self._here: set[str] = set()
        self._missed: dict[str, int] = {}

    @contextmanager
    def here(self, job_id: str) -> Iterator[None]:
        """A job is being done, or waits for its turn, until the end of the block."""
        self._here.add(job_id)
        try:
            yield
        finally:
            self._here.discard(job_id)

    def look(self, running: Set[str]) -> list[str]:
        """Jobs that were missed at this look and at those before it, `LOOKS` in a row.

        Args:
            running: Jobs that the store says are done here.
        """
        self._missed = {job: self._missed.get(job, 0) + 1 for job in running - self._here}
        return sorted(job for job, times in self._missed.items() if times >= LOOKS)
