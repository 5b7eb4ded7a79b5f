"""What happens in one simulated stretch of time: drawn from a seed, so that any failure can be played again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

from roadworthy.gateway.settings import EdgeSettings, KeyLimits
from roadworthy.gateway.simulation.feature import (
    CHAT,
    DWELL_S,
    MAX_CLIMB_S,
    SLOW_WINDOW_S,
    TENANTS,
    Feature,
    draw_features,
    draw_limits,
    draw_settings,
)

FaultKind = Literal[
    "error", "rate_limit", "unauthorized", "refuse", "cut", "hang", "slow", "stall", "empty", "blank", "stub", "html",
    "refusal", "off_topic", "broken_json", "fenced",
    "memory", "budget_away", "budget_slow", "cache_away", "cache_late",
]  # fmt: skip
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)[:12]
GATED_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)[12:16]
"""Whole answers that a gate must stop, or not, by what was asked."""
AROUND: dict[Feature, tuple[FaultKind, ...]] = {
    "modes": ("memory",), "cache": ("cache_away", "cache_late"), "budget": ("budget_away", "budget_slow"),
}  # fmt: skip
"""Troubles that are no provider's."""
NOBODY = -1
QUIET_S = 60.0
"""Length of the quiet end of every schedule: longer than the longest deadline and the pause of a breaker together."""
MAX_RETRY_AFTER_S = 20
JUMPS_S = (-3_600.0, -5.0, 5.0, 86_400.0)
MODE_DEADLINES_S = (2.0, 5.0)
MODE_RETRY_AFTER_S = 8
"""With modes what must heal one after the other takes longer, so that each part is shorter."""
RULED = 0.3
"""Share of the requests that bring rules, where any do."""
QUIET_REQUESTS = 12
"""At the end of a schedule with modes, two seconds apart: recovery goes by requests."""
Directive = Literal["", "no-cache", "no-store", "max-age=2"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Somebody's trouble.

    Attributes:
        provider: Index in the chain; `NOBODY` for what lies around the gateway: memory and stores.
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
        model: The route's or the mode's name.
        system: Number of the system prompt, 0 for none.
        directive: The caller's Cache-Control.
        ruled: Whether it brings rules along for its own answer.
    """

    at_s: float
    worker: int
    tenant: int
    question: int
    stream: bool
    wants_json: bool
    hangs_up_after_s: float | None
    faulty: bool
    model: str = CHAT
    system: int = 0
    directive: Directive = ""
    ruled: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run.

    Attributes:
        seed: Where it comes from.
        features: What is played besides one chain.
        settings: The gateway's.
        limits: Of each tenant.
        providers: Length of the chain.
        workers: Number of edge workers.
        deadline_s: The route's deadline.
        latency_s: Mean time of a healthy provider, seconds.
        faults: In any order; they may overlap.
        arrivals: In order of time; the last of them come in the quiet end.
        clock_jumps: (second, seconds): the wall clock jumps by so much.
        losses: (second, worker): the worker is killed and started anew.
        shared_cache: Whether the workers have one cache together.
        end_s: When it is over.
    """

    seed: int
    features: frozenset[Feature]
    settings: EdgeSettings
    limits: tuple[KeyLimits | None, ...]
    providers: int
    workers: int
    deadline_s: float
    latency_s: float
    faults: tuple[Fault, ...]
    arrivals: tuple[Arrival, ...]
    clock_jumps: tuple[tuple[float, float], ...]
    losses: tuple[tuple[float, int], ...]
    shared_cache: bool
    end_s: float

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
    aside = Random(f"hedge {seed}")  # noqa: S311 - the same
    features = draw_features(rng, aside)
    providers, workers = rng.randint(1, 3), rng.choice((1, 1, 2))
    if "hedge" in features:
        providers = max(2, providers)
    busy_s = rng.uniform(10.0, 90.0)
    faults = tuple(_fault(rng, features, providers, busy_s) for _ in range(rng.randint(0, 6)))
    times = sorted(rng.uniform(0.0, busy_s) for _ in range(requests))
    if rng.random() < 0.3:  # a burst: everything arrives within a second or two
        start = rng.uniform(0.0, busy_s)
        times = sorted(start + rng.expovariate(requests / 2) for _ in range(requests))
    deadline_s = rng.choice(MODE_DEADLINES_S if "modes" in features else (2.0, 5.0, 10.0, 30.0))
    latency_s = min(rng.choice((0.02, 0.2, 0.8)), deadline_s / providers / 5)  # a healthy answer fits into its share
    settings = draw_settings(
        rng, features, providers, deadline_s, latency_s, rng.choice((2.0, 10.0)), workers, aside
    )  # fmt: skip
    models = [CHAT] if not settings.modes else [CHAT, *(mode.name for mode in settings.modes), settings.modes[0].name]
    arrivals = [_arrival(rng, at, workers, features, models) for at in times]
    if features & {"gate", "cache"}:  # where answers come that only such rules, or only they, must stop
        own = Random(f"rules {seed}")  # noqa: S311 - the same
        arrivals = [replace(arrival, ruled=own.random() < RULED) for arrival in arrivals]
    end_s = max([busy_s, *times, *(fault.end_s for fault in faults)]) + quiet_s(settings)
    return Schedule(
        seed=seed,
        features=features,
        settings=settings,
        limits=draw_limits(rng, features),
        providers=providers,
        workers=workers,
        deadline_s=deadline_s,
        latency_s=latency_s,
        faults=faults,
        arrivals=(*arrivals, *_quiet(end_s, workers, settings)),
        clock_jumps=tuple((rng.uniform(0.0, busy_s), rng.choice(JUMPS_S)) for _ in range(rng.choice((0, 0, 1)))),
        losses=tuple((rng.uniform(0.0, busy_s), rng.randrange(workers)) for _ in range(rng.choice((0, 0, 0, 1)))),
        shared_cache=rng.random() < 0.5,
        end_s=end_s,
    )


def quiet_s(settings: EdgeSettings) -> float:
    """Seconds after the last fault in which everything must have healed."""
    if not settings.modes:
        return QUIET_S
    # The last request that a fault hit ends; its target rests; what it did to the windows passes; the mode waits, is
    # probed (a probe needs a request, and the news of it a look), and climbs its shares.
    hit = max(mode.roles[0].deadline_s for mode in settings.modes)
    rest = max(MODE_RETRY_AFTER_S, settings.breaker.open_s) + settings.breaker.open_s
    climb = MAX_CLIMB_S + 2 * 2.0 * 2 + 3 * DWELL_S
    return hit + rest + SLOW_WINDOW_S + climb + 10.0


def _quiet(end_s: float, workers: int, settings: EdgeSettings) -> list[Arrival]:
    if not settings.modes:
        asked, waits = CHAT, [6.0, 4.0, 2.0]
    else:
        asked, waits = settings.modes[0].name, [2.0 * left for left in range(QUIET_REQUESTS, 0, -1)]
    return [Arrival(end_s - wait, worker, 0, -number - 1, False, False, None, False, asked)
            for number, wait in enumerate(waits) for worker in range(workers)]  # fmt: skip


def _fault(rng: Random, features: frozenset[Feature], providers: int, busy_s: float) -> Fault:
    around = [kind for feature in sorted(features) for kind in AROUND.get(feature, ())]
    start = rng.uniform(0.0, busy_s)
    end = start + rng.expovariate(1 / 15.0)
    if around and rng.random() < 0.25:
        return Fault(NOBODY, rng.choice(around), start, end, rng.choice((1.0, 0.5)), rng.randint(1, 6))
    kinds = KINDS + GATED_KINDS * 2 if "gate" in features else KINDS + GATED_KINDS if "cache" in features else KINDS
    kind = rng.choice(kinds)
    longest = MODE_RETRY_AFTER_S if "modes" in features else MAX_RETRY_AFTER_S
    strength = rng.randint(1, longest) if kind == "rate_limit" else rng.randint(0, 6)
    return Fault(rng.randrange(providers), kind, start, end, rng.choice((1.0, 1.0, 0.5, 0.2)), strength)


def _arrival(rng: Random, at_s: float, workers: int, features: frozenset[Feature], models: list[str]) -> Arrival:
    cached = "cache" in features
    return Arrival(
        at_s, rng.randrange(workers), rng.randrange(TENANTS), rng.randrange(2 if cached else 8), rng.random() < 0.3,
        rng.random() < (0.3 if "gate" in features else 0.08),
        rng.uniform(0.0, 3.0) if rng.random() < 0.06 else None, rng.random() < 0.03, rng.choice(models),
        rng.randrange(2) if cached else 0,
        rng.choice(("", "", "", "", "", "", "no-cache", "no-store", "max-age=2")) if cached else "",
    )  # fmt: skip
