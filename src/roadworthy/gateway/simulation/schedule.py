"""What happens in one simulated stretch of time: drawn from a seed, so that any failure can be played again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from roadworthy.gateway.settings import Hedge

FaultKind = Literal[
    "error", "rate_limit", "unauthorized", "refuse", "cut", "hang", "slow", "stall", "empty", "blank", "stub", "html"
]
KINDS: tuple[FaultKind, ...] = (
    "error", "rate_limit", "unauthorized", "refuse", "cut", "hang", "slow", "stall", "empty", "blank", "stub", "html",
)  # fmt: skip
QUIET_S = 60.0
"""Length of the quiet end of every schedule: longer than the longest deadline and the pause of a breaker together."""
MAX_RETRY_AFTER_S = 20
JUMPS_S = (-3_600.0, -5.0, 5.0, 86_400.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One provider's trouble.

    Attributes:
        provider: Index in the chain.
        kind: What its answers look like.
        start_s: Second in which it begins.
        end_s: Second in which it ends.
        share: Share of calls that are hit; less than 1 is a flapping provider.
        strength: Extra seconds of `slow`, Retry-After of `rate_limit`, text events before `cut` and `stall`.
    """

    provider: int
    kind: FaultKind
    start_s: float
    end_s: float
    share: float
    strength: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of a caller.

    Attributes:
        at_s: Second in which it arrives.
        worker: Index of the worker that gets it.
        tenant: Who asks; nobody else may see the answer.
        question: Equal numbers are equal questions.
        stream: Whether a stream is asked for.
        wants_json: Whether JSON is asked for.
        hangs_up_after_s: The caller's patience, None when it waits for the end.
        faulty: The provider will find the request itself wrong (its own 400).
    """

    at_s: float
    worker: int
    tenant: int
    question: int
    stream: bool
    wants_json: bool
    hangs_up_after_s: float | None
    faulty: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run.

    Attributes:
        seed: Where it comes from.
        providers: Length of the chain.
        workers: Number of edge workers.
        deadline_s: The route's deadline.
        latency_s: Mean time of a healthy provider, seconds.
        open_s: Pause of an open breaker, seconds.
        faults: In any order; they may overlap.
        arrivals: In order of time; the last of them come in the quiet end.
        clock_jumps: (second, seconds): the wall clock jumps by so much.
        losses: (second, worker): the worker is killed and started anew.
        end_s: When it is over.
        hedge: When a second provider is asked beside a slow one, and what that may cost; None for never.
    """

    seed: int
    providers: int
    workers: int
    deadline_s: float
    latency_s: float
    open_s: float
    faults: tuple[Fault, ...]
    arrivals: tuple[Arrival, ...]
    clock_jumps: tuple[tuple[float, float], ...]
    losses: tuple[tuple[float, int], ...]
    end_s: float
    hedge: Hedge | None = None

    def without(self, fault: Fault) -> Schedule:
        """The same with one fault less."""
        return replace(self, faults=tuple(other for other in self.faults if other is not fault))


def draw(seed: int, requests: int = 24) -> Schedule:
    """The schedule of a seed.

    Args:
        seed: Any integer.
        requests: How many requests arrive while there are faults; a few more come in the quiet end.
    """
    rng = Random(seed)  # noqa: S311 - replay needs a seed, nothing is kept secret with it
    providers, workers = rng.randint(1, 3), rng.choice((1, 1, 2))
    busy_s = rng.uniform(10.0, 90.0)
    faults = tuple(_fault(rng, providers, busy_s) for _ in range(rng.randint(0, 6)))
    times = sorted(rng.uniform(0.0, busy_s) for _ in range(requests))
    if rng.random() < 0.3:  # a burst: everything arrives within a second or two
        start = rng.uniform(0.0, busy_s)
        times = sorted(start + rng.expovariate(requests / 2) for _ in range(requests))
    arrivals = [_arrival(rng, at, workers) for at in times]
    end_s = max([busy_s, *times, *(fault.end_s for fault in faults)]) + QUIET_S
    quiet = [Arrival(end_s - wait, worker, 0, -1, False, False, None, False)
             for wait in (6.0, 4.0, 2.0) for worker in range(workers)]  # fmt: skip
    deadline_s = rng.choice((2.0, 5.0, 10.0, 30.0))
    latency_s = min(rng.choice((0.02, 0.2, 0.8)), deadline_s / providers / 5)  # a healthy answer fits into its share
    return Schedule(
        seed=seed,
        providers=providers,
        workers=workers,
        deadline_s=deadline_s,
        latency_s=latency_s,
        open_s=rng.choice((2.0, 10.0)),
        faults=faults,
        arrivals=(*arrivals, *quiet),
        clock_jumps=tuple((rng.uniform(0.0, busy_s), rng.choice(JUMPS_S)) for _ in range(rng.choice((0, 0, 1)))),
        losses=tuple((rng.uniform(0.0, busy_s), rng.randrange(workers)) for _ in range(rng.choice((0, 0, 0, 1)))),
        end_s=end_s,
        hedge=_hedge(seed, latency_s, deadline_s),
    )


def _hedge(seed: int, latency_s: float, deadline_s: float) -> Hedge | None:
    rng = Random(f"hedge {seed}")  # noqa: S311 - a source of its own: what else is drawn does not depend on it
    if rng.random() < 0.4:
        return None
    after_s = min(rng.choice((0.8 * latency_s, 2.0 * latency_s, 1.0)), deadline_s / 2)
    return Hedge(after_s, rng.choice((None, None, 95.0)), rng.choice((0.05, 0.5, 1.0)), rng.choice((60.0, 600.0)))


def _fault(rng: Random, providers: int, busy_s: float) -> Fault:
    kind = rng.choice(KINDS)
    start = rng.uniform(0.0, busy_s)
    strength = rng.randint(1, MAX_RETRY_AFTER_S) if kind == "rate_limit" else rng.randint(0, 6)
    return Fault(
        rng.randrange(providers),
        kind,
        start,
        start + rng.expovariate(1 / 15.0),
        rng.choice((1.0, 1.0, 0.5, 0.2)),
        strength,
    )


def _arrival(rng: Random, at_s: float, workers: int) -> Arrival:
    return Arrival(
        at_s, rng.randrange(workers), rng.randrange(3), rng.randrange(8), rng.random() < 0.3, rng.random() < 0.08,
        rng.uniform(0.0, 3.0) if rng.random() < 0.06 else None, rng.random() < 0.03,
    )  # fmt: skip
