"""Work on many things: here in order, or on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from roadworthy.core.errors import SubjectError

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Does the same to many things."""

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in the order of the items. What `work` raises ends the iteration.

        Args:
            work: A function of a module; it and the items travel to other processes.
            items: What is worked on; read as far as it is needed.
        """
        ...


class InlineExecutor:
    """Here, one after the other."""

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """See `Executor.map`."""
        return map(work, items)


class ProcessExecutor:
    """In processes of this machine.

    Args:
        processes: How many; one per core when None.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or len(os.sched_getaffinity(0))

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """See `Executor.map`. New processes, not forks: threads of this one may hold locks.

        Raises:
            SubjectError: A process was killed, for example because memory ran out; what it had in hand is not known.
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._processes, mp_context=spawn) as pool:
            try:
                yield from pool.map(work, items)
            except BrokenProcessPool:
                raise SubjectError(
                    "A process that worked was killed.",
                    "Memory may have run out.",
                    "Use fewer processes, or take fewer files at once.",
                ) from None
