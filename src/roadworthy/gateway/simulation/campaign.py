"""Many schedules on every core, and the smallest set of faults that still breaks something."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context

from roadworthy.gateway.simulation.clock import virtual_time
from roadworthy.gateway.simulation.play import Played, play
from roadworthy.gateway.simulation.schedule import Fault, draw

BATCH = 250
MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule that broke an invariant.

    Attributes:
        seed: Plays it again.
        invariant: What does not hold.
        detail: What was seen.
        faults: The faults without which it would not have happened; no other fault is needed.
    """

    seed: int
    invariant: str
    detail: str
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class Report:
    """What a campaign found.

    Attributes:
        schedules: How many were played.
        calls: Requests that reached a simulated provider.
        codes: How often each code was answered.
        seen: How often what is rare happened: hits and stale answers of the cache, downshifts, repairs, second tries.
        failures: At most `MOST_FAILURES`, by seed.
        failed: How many schedules broke something.
    """

    schedules: int = 0
    calls: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    failed: int = 0

    @property
    def requests(self) -> int:
        """Requests of simulated callers."""
        return self.codes.total()


def replay(seed: int) -> Played:
    """Play one seed in this process."""
    with virtual_time() as loop:
        return play(loop, draw(seed))


def minimise(seed: int) -> tuple[Fault, ...]:
    """Drop fault after fault for as long as the same invariant stays broken."""
    with virtual_time() as loop:
        schedule = draw(seed)
        first = play(loop, schedule).broken
        for fault in schedule.faults:
            less = schedule.without(fault)
            broken = play(loop, less).broken
            if first is not None and broken is not None and broken.invariant == first.invariant:
                schedule = less
    return schedule.faults


def run(
    schedules: int, first_seed: int, processes: int, progress: Callable[[Report], None], stop_at: int = 0
) -> Report:
    """Play the seeds `first_seed` … `first_seed + schedules - 1`.

    Args:
        schedules: How many.
        first_seed: The first.
        processes: How many at once.
        progress: Told after every batch.
        stop_at: End early after so many failures; 0 plays on to the end.
    """
    report = Report()
    batches = iter(
        [(at, min(BATCH, first_seed + schedules - at)) for at in range(first_seed, first_seed + schedules, BATCH)]
    )
    with ProcessPoolExecutor(processes, get_context("spawn"), _prepare) as pool:
        for result in _in_order(pool, batches, processes * 2):
            for played in result:
                _add(report, played)
            progress(report)
            if stop_at and report.failed >= stop_at:
                break
        pool.shutdown(cancel_futures=True)
    return report


def _in_order(pool: ProcessPoolExecutor, batches: Iterator[tuple[int, int]], ahead: int) -> Iterator[list[Played]]:
    waiting = [pool.submit(_play_batch, *batch) for batch in islice(batches, ahead)]
    while waiting:
        yield waiting.pop(0).result()
        waiting += [pool.submit(_play_batch, *batch) for batch in islice(batches, 1)]


def _add(report: Report, played: Played) -> None:
    report.schedules += 1
    report.calls += played.calls
    report.codes += played.codes
    report.seen += played.seen
    if played.broken is not None:
        report.failed += 1
        if len(report.failures) < MOST_FAILURES:
            broken = played.broken
            report.failures.append(Failure(played.seed, broken.invariant, broken.detail, minimise(played.seed)))


def _prepare() -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _play_batch(first_seed: int, count: int) -> list[Played]:
    with virtual_time() as loop:
        return [play(loop, draw(seed)) for seed in range(first_seed, first_seed + count)]
