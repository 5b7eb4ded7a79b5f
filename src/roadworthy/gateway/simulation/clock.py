"""Virtual time: an event loop that never waits, and the gateway's modules looking at its clock.

The loop jumps to the next timer instead of sleeping, so an hour of retries, pauses and recoveries costs milliseconds
and runs the same way every time. The idea is FoundationDB's (W. Wilson, "Testing Distributed Systems w/ Deterministic
Simulation", Strange Loop 2014).
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

EPOCH = 1_750_000_000.0
"""Wall clock of a schedule's first moment, seconds since the Unix epoch."""
LEAST_STEP_S = 1e-6


class NothingLeft(Exception):
    """The loop has nothing to run and no timer to jump to."""


class _Jump(selectors.BaseSelector):
    """A selector without sockets: what others wait for, it skips."""

    def __init__(self) -> None:
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft
        if timeout > 0:
            self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        raise KeyError(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only by timers.

    Attributes:
        wall_offset_s: Added to the wall clock; a schedule moves it to make the clock jump.
    """

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self._clock_resolution = 1e-9
        self.wall_offset_s = 0.0

    def time(self) -> float:
        """Virtual monotonic seconds."""
        return self._jump.now

    def call_at(  # type: ignore[override]  # the type of *args has no shorter form
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """As always, but never now: real time passes while code runs, and a wait of an ulp must end here too."""
        return super().call_at(max(when, self._jump.now + LEAST_STEP_S), callback, *args, context=context)

    def wall(self) -> float:
        """Virtual wall clock, seconds since the Unix epoch."""
        return EPOCH + self._jump.now + self.wall_offset_s


@contextmanager
def virtual_time() -> Iterator[VirtualLoop]:
    """A loop whose clock every loaded module of the gateway reads; undone on exit. One at a time in a process."""
    loop = VirtualLoop()
    changed: list[tuple[Any, str, Any]] = []
    clocks = {time.monotonic: loop.time, time.time: loop.wall}
    for name, module in tuple(sys.modules.items()):
        if name.startswith("roadworthy.gateway.") and not name.startswith("roadworthy.gateway.simulation"):
            for attribute in ("monotonic", "time"):
                value = getattr(module, attribute, None)
                if callable(value) and value in clocks:
                    changed.append((module, attribute, value))
                    setattr(module, attribute, clocks[value])
    try:
        yield loop
    finally:
        loop.close()
        for module, attribute, value in changed:
            setattr(module, attribute, value)
