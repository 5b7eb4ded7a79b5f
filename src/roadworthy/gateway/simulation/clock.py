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
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from heapq import heappop, heappush
from importlib import import_module
from typing import Any

from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.edge.deadline import Limited

EPOCH = 1_750_000_000.0
"""Wall clock of a schedule's first moment, seconds since the Unix epoch."""
LEAST_STEP_S = 1e-6
LOADED_ON_USE = tuple(f"roadworthy.gateway.edge.{name}" for name in ("turn", "answer_cache", "prompting"))
"""Modules that the gateway loads when a feature is on: they must be there before their clock is changed."""


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


class Step(asyncio.Handle):
    """One callback of the loop. All share one context: nothing that is played here has context variables."""

    __slots__ = ("_when",)

    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...], loop: VirtualLoop, when: float) -> None:
        # The base's constructor would copy the context, which is a third of the price of a step.
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = loop.context
        self._cancelled = False
        self._source_traceback = None
        self._repr = None
        self._when = when

    def when(self) -> float:
        """Virtual second in which it is due."""
        return self._when


class VirtualPool:
    """Stands where a `ThreadPoolExecutor` of one thread stands: works one after the other, in virtual time."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "") -> None:
        self.free_at = 0.0

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """Do it at once: this is for those who wait for it in the same breath."""
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args))
        except RoadworthyError as error:
            done.set_exception(error)
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """There is no thread to end."""


class VirtualDeadlines:
    """Stands where `edge.deadline.Deadlines` stands, which looks every 10 ms: too often for days of virtual time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._timers: dict[Limited, Step] = {}

    def set(self, limited: Limited, seconds: float) -> None:
        """Call `limited.timed_out` in `seconds`, unless lifted before."""
        self.lift(limited)
        self._timers[limited] = self._loop.call_later(seconds, self._passed, limited)

    def lift(self, limited: Limited) -> None:
        """Take the limit back; harmless without one."""
        timer = self._timers.pop(limited, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Forget all limits."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _passed(self, limited: Limited) -> None:
        del self._timers[limited]
        limited.timed_out()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only by timers, at half the price of the stock one.

    Attributes:
        wall_offset_s: Added to the wall clock; a schedule moves it to make the clock jump.
        work_s: Seconds that the next piece of work in a pool takes.
    """

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self.wall_offset_s = 0.0
        self.work_s: Callable[[], float] = lambda: 0.0005
        self.context = copy_context()
        self._timers: list[tuple[float, int, Step]] = []
        self._number = 0

    def restart(self) -> None:
        """Begin at zero with nothing to do, so that a schedule plays the same whatever was played before."""
        self._jump.now = self.wall_offset_s = 0.0
        self._timers.clear()
        self._ready.clear()  # type: ignore[attr-defined]

    def time(self) -> float:
        """Virtual monotonic seconds."""
        return self._jump.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Step:  # type: ignore[override]
        """In the order of the calls. The context is not kept: nothing that is played here has context variables."""
        step = Step(callback, args, self, self._jump.now)
        self._ready.append(step)  # type: ignore[attr-defined]
        return step

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Step:  # type: ignore[override]
        """After so many virtual seconds."""
        return self.call_at(self._jump.now + delay, callback, *args)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Step:  # type: ignore[override]
        """As always, but never now: real time passes while code runs, and a wait of an ulp must end here too."""
        step = Step(callback, args, self, max(when, self._jump.now + LEAST_STEP_S))
        self._number += 1
        heappush(self._timers, (step.when(), self._number, step))
        return step

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Work in a `VirtualPool`: done when its virtual time has passed."""
        future: asyncio.Future[Any] = self.create_future()
        executor.free_at = max(executor.free_at, self._jump.now) + self.work_s()
        self.call_at(executor.free_at, self._work, future, func, args)
        return future

    def _work(self, future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            result = func(*args)
        except RoadworthyError as error:
            if not future.cancelled():
                future.set_exception(error)
        else:
            if not future.cancelled():
                future.set_result(result)

    def _run_once(self) -> None:
        ready = self._ready  # type: ignore[attr-defined]
        if not ready:
            timers = self._timers
            while timers and timers[0][2].cancelled():
                heappop(timers)
            if not timers:
                raise NothingLeft
            step = heappop(timers)[2]
            self._jump.now = step.when()
            step._run()
        for _ in range(len(ready)):
            step = ready.popleft()
            if not step.cancelled():
                step._run()

    def wall(self) -> float:
        """Virtual wall clock, seconds since the Unix epoch."""
        return EPOCH + self._jump.now + self.wall_offset_s


@contextmanager
def virtual_time() -> Iterator[VirtualLoop]:
    """A loop whose clock and pools every loaded module of the gateway uses; undone on exit. One at a time."""
    loop = VirtualLoop()
    changed: list[tuple[Any, str, Any]] = []
    stands_in: dict[Any, Any] = {
        time.monotonic: loop.time, time.time: loop.wall, ThreadPoolExecutor: VirtualPool
    }  # fmt: skip
    for name in LOADED_ON_USE:
        import_module(name)
    for module, attribute, value in _real(stands_in):
        changed.append((module, attribute, value))
        setattr(module, attribute, stands_in[value])
    try:
        yield loop
        late = sorted({module.__name__ for module, _, _ in _real(stands_in)})
        if late:
            raise RuntimeError(f"Loaded while virtual time ran, so that they saw the real clock: {', '.join(late)}.")
    finally:
        loop.close()
        for module, attribute, value in changed:
            setattr(module, attribute, value)


def _real(stands_in: Mapping[Any, Any]) -> list[tuple[Any, str, Any]]:
    """Where the gateway's loaded modules use the real clock, or real threads."""
    found: list[tuple[Any, str, Any]] = []
    for name, module in tuple(sys.modules.items()):
        if name.startswith("roadworthy.gateway.") and not name.startswith("roadworthy.gateway.simulation"):
            for attribute in ("monotonic", "time", "ThreadPoolExecutor"):
                value = getattr(module, attribute, None)
                if callable(value) and value in stands_in:
                    found.append((module, attribute, value))
    return found
