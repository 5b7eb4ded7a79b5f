"""Limits fire once and not early, lifted ones never, and nothing is kept of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from roadworthy.gateway.edge.deadline import Deadlines


class Call:
    def __init__(self, then: Callable[[], None] | None = None) -> None:
        self.bucket = 0
        self.passed: list[float] = []
        self._then = then

    def timed_out(self) -> None:
        self.passed.append(asyncio.get_running_loop().time())
        if self._then is not None:
            self._then()


async def test_a_limit_passes_once_and_not_early() -> None:
    deadlines, call, began = Deadlines(), Call(), asyncio.get_running_loop().time()
    deadlines.set(call, 0.03)
    await asyncio.sleep(0.15)
    assert len(call.passed) == 1
    assert call.passed[0] >= began + 0.03
    assert (call.bucket, deadlines._buckets) == (0, {})


async def test_what_is_lifted_leaves_nothing_behind() -> None:
    deadlines, calls = Deadlines(), [Call() for _ in range(50)]
    for number, call in enumerate(calls):
        deadlines.set(call, 30.0 + number)
    for call in calls:
        deadlines.lift(call)
        deadlines.lift(call)
    assert deadlines._buckets == {}
    deadlines.set(calls[0], 0.01)
    await asyncio.sleep(0.1)
    assert [len(call.passed) for call in calls] == [1, *[0] * 49]
    assert deadlines._timer is None


async def test_a_limit_that_passes_may_lift_and_set_others() -> None:
    deadlines, late, other = Deadlines(), Call(), Call()

    def then() -> None:
        deadlines.lift(late)
        deadlines.set(other, 0.02)

    deadlines.set(Call(then), 0.01)
    deadlines.set(late, 0.03)
    time.sleep(0.08)  # noqa: ASYNC251 - the loop is held up, so that one tick finds both
    await asyncio.sleep(0.15)
    assert (len(late.passed), len(other.passed)) == (0, 1)


async def test_nothing_passes_after_the_end() -> None:
    deadlines, call = Deadlines(), Call()
    deadlines.set(call, 0.01)
    deadlines.close()
    await asyncio.sleep(0.1)
    assert call.passed == []
