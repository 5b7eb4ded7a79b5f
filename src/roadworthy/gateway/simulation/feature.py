"""What a schedule plays besides one chain: modes, a gate, a cache, limits of keys, second tries. The seed decides."""

from __future__ import annotations

from random import Random
from typing import Any, Literal, get_args

from roadworthy.gateway.quality.rule import Quality
from roadworthy.gateway.settings import (
    Breaker,
    Budget,
    CacheSettings,
    Downshift,
    EdgeSettings,
    Hedge,
    KeyLimits,
    Mode,
    Price,
    ProviderSettings,
    Recovery,
    Retry,
    Route,
    Target,
)

Feature = Literal["modes", "gate", "cache", "budget", "hedge"]
FEATURES: tuple[Feature, ...] = get_args(Feature)
CHAT = "chat"
MODEL = "m"
"""Model of the route that is no mode; every mode has a model of its own, so that an answer shows which one gave it."""
MODE_NAMES = ("creative", "balanced", "fast")
REQUIRED_TERM = "river"
OWN_RULES: dict[str, Any] = {"required_terms": [REQUIRED_TERM], "repairs": 1, "keep_rejected": True}
"""What requests bring along that have rules of their own."""
MAX_TOKENS = 64
"""What requests allow an answer to have."""
PRICE = Price(input=3.0, output=15.0, cached_input=3.0, cache_write=3.0, request=0.001)
"""Of every model, so that what a request must reserve can be worked out from its bytes alone."""
TENANTS = 3
HEDGED = 0.35
"""Share of the schedules with second tries."""
STALE_S = 120.0
MAX_CLIMB_S = 10.0
DWELL_S = 1.0
SLOW_WINDOW_S = 8.0


def draw_features(rng: Random, aside: Random) -> frozenset[Feature]:
    """None, one, two or all of them; second tries beside any of these.

    Args:
        rng: Of the schedule.
        aside: Draws second tries: what else is drawn does not depend on them.
    """
    drawn = rng.sample(FEATURES[:-1], rng.choices((0, 1, 2, 4), (28, 48, 20, 4))[0])
    return frozenset(drawn) | {"hedge"} if aside.random() < HEDGED else frozenset(drawn)


def draw_settings(
    rng: Random, features: frozenset[Feature], providers: int, deadline_s: float, latency_s: float, open_s: float,
    workers: int, aside: Random,
) -> EdgeSettings:  # fmt: skip
    """The gateway's settings.

    Args:
        rng: Of the schedule.
        features: What is played.
        providers: Number of providers, `p0` …
        deadline_s: The route's.
        latency_s: Mean time of a healthy provider: limits that it cannot meet would let nothing heal.
        open_s: Pause of an open breaker.
        workers: How many share limits.
        aside: As in `draw_features`.
    """
    quality = Quality(required_terms=(REQUIRED_TERM,), repairs=rng.randint(0, 2)) if "gate" in features else None
    ttl_s = rng.choice((3.0, 15.0, 60.0)) if "cache" in features else None
    hedge = _hedge(aside, latency_s, deadline_s) if "hedge" in features else None
    chain = tuple(Target(f"p{i}", MODEL) for i in range(providers))
    route = Route(CHAT, chain, deadline_s, cache_ttl_s=ttl_s, quality=quality, hedge=hedge)
    modes: tuple[Mode, ...] = ()
    if "modes" in features:
        names = MODE_NAMES[-rng.randint(2, 3) :]
        modes = tuple(_mode(rng, name, route, providers, latency_s) for name in names)
    prices = dict.fromkeys((MODEL, *MODE_NAMES), PRICE) if features & {"budget", "hedge"} else {}
    return EdgeSettings(
        tuple(
            ProviderSettings(f"p{i}", "openai", f"http://p{i}.invalid/v1", "key", prices=prices)
            for i in range(providers)
        ),
        (route,),
        modes,
        workers=workers,
        require_key=True,
        retry=Retry(),
        breaker=Breaker(open_s=open_s),
        cache=CacheSettings(enabled="cache" in features, stale_s=STALE_S),
        budget=Budget(),
    )


def _mode(rng: Random, name: str, like: Route, providers: int, latency_s: float) -> Mode:
    who = rng.sample(range(providers), rng.randint(1, providers))
    route = Route(
        name, tuple(Target(f"p{i}", name) for i in who), like.deadline_s * rng.choice((1.0, 1.0, 2.0)),
        cache_ttl_s=like.cache_ttl_s, quality=like.quality, hedge=like.hedge,
    )  # fmt: skip
    downshift = Downshift(
        p95_s=latency_s * 6 + 0.5 if rng.random() < 0.7 else None, slow_requests=rng.randint(1, 3),
        latency_window_s=SLOW_WINDOW_S, window=rng.choice((4, 10)), memory_bytes=None,
        memory_fraction=None if rng.random() < 0.3 else 0.85,
    )  # fmt: skip
    recovery = Recovery(
        climb_after_s=rng.choice((2.0, 5.0)), max_climb_after_s=MAX_CLIMB_S, dwell_s=DWELL_S,
        probes=rng.randint(1, 2), shares=rng.choice(((0.1, 0.5), (0.25,))),
    )  # fmt: skip
    return Mode(name, (route,), downshift=downshift, recovery=recovery)


def _hedge(rng: Random, latency_s: float, deadline_s: float) -> Hedge:
    after_s = min(rng.choice((0.8 * latency_s, 2.0 * latency_s, 1.0)), deadline_s / 2)
    return Hedge(after_s, rng.choice((None, None, 95.0)), rng.choice((0.05, 0.5, 1.0)), rng.choice((60.0, 600.0)))


def draw_limits(rng: Random, features: frozenset[Feature]) -> tuple[KeyLimits | None, ...]:
    """Limits of each tenant. The first has none that are used up, so that it can show at the end that all heals."""
    if "budget" not in features:
        return (None,) * TENANTS
    return (
        KeyLimits(concurrent=rng.choice((None, 2, 4)), requests_per_minute=rng.choice((None, 60))),
        _spent(rng),
        _spent(rng) if rng.random() < 0.7 else None,
    )


def _spent(rng: Random) -> KeyLimits:
    return KeyLimits(
        usd_per_day=round(rng.uniform(0.003, 0.03), 4) if rng.random() < 0.5 else None,
        tokens_per_day=rng.randint(150, 2_000) if rng.random() < 0.6 else None,
        requests_per_minute=rng.randint(1, 20) if rng.random() < 0.3 else None,
        tokens_per_minute=rng.randint(150, 2_000) if rng.random() < 0.3 else None,
        concurrent=rng.randint(1, 3) if rng.random() < 0.5 else None,
    )
