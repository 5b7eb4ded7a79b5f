"""Time as a port, so that everything that waits can be tested in virtual time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one for durations, one for people."""

    def monotonic(self) -> float:
        """Seconds that never jump; for durations and deadlines."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch (UTC); for records."""
        ...


class SystemClock:
    """The machine's clocks."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class ManualClock:
    """A clock that moves only when told; both clocks move together.

    Args:
        start: Seconds both clocks show at first.
    """

    def __init__(self, start: float = 1_000.0) -> None:
        self.now = start

    def monotonic(self) -> float:
        """Current virtual time in seconds."""
        return self.now

    def wall(self) -> float:
        """Current virtual time in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds` (≥ 0)."""
        self.now += seconds
