"""What the page *Now* says, as records: which models serve, how requests fare, what is left alone and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from roadworthy.client.console import TargetInfo
from roadworthy.client.mode_record import ModeStatus
from roadworthy.client.record import BreakerSummary, LlmHealth, Status, summarize
from roadworthy.console.exposition import samples
from roadworthy.console.markup import Tone
from roadworthy.console.session import Session
from roadworthy.console.words import count
from roadworthy.core.errors import RoadworthyError

V = TypeVar("V")

MOST_POINTS = 180
"""Points of the traffic chart that a session keeps: a quarter of an hour at one each five seconds."""

_REQUESTS = "roadworthy_requests_total"
_SECONDS = "http_request_duration_seconds_bucket"
_COST = "roadworthy_cost_usd_total"
_UNPRICED = "roadworthy_unpriced_attempts_total"
_KEPT = (_REQUESTS, _SECONDS, _COST, _UNPRICED)
_ASKED = frozenset({"chat", "embeddings"})

Series = Mapping[tuple[tuple[str, str], ...], float]


@dataclass(frozen=True)
class Reading:
    """What was found out at one time. A part that could not be read is None, and `faults` says why.

    Args:
        at: Seconds since the Unix epoch (UTC), by this machine's clock.
        status: Processes, workers, breakers.
        modes: The modes of every worker.
        targets: What routes can be served by.
        totals: Counters of the metrics page, by name.
        faults: Name of the part and what went wrong.
    """

    at: float
    status: Status | None
    modes: tuple[ModeStatus, ...] | None
    targets: tuple[TargetInfo, ...] | None
    totals: Mapping[str, Series] | None
    faults: Mapping[str, str]


def read(session: Session, now: float) -> Reading:
    """Ask everything once.

    Args:
        session: Whoever looks.
        now: Seconds since the Unix epoch (UTC).
    """
    faults: dict[str, str] = {}

    def part(name: str, ask: Callable[[], V]) -> V | None:
        try:
            return ask()
        except RoadworthyError as error:
            faults[name] = f"{error.what} {error.why}".strip()
            return None

    return Reading(
        now,
        part("status", session.admin.status),
        part("modes", session.admin.modes),
        part("targets", session.admin.console.targets),
        part("traffic", lambda: totals(session.gateway.metrics())),
        faults,
    )


# -- which models serve


@dataclass(frozen=True)
class TargetRow:
    """One target, and whether it can be asked now.

    Args:
        name: `provider/model`.
        kind: Kind of the provider.
        real: Whether it is anything else than the embedded model.
        askable: Whether it can be asked now; None when unknown.
        state: The same in words.
        key: `configured`, `none`, or None when unknown.
        routes: Routes and modes that use it.
    """

    name: str
    kind: str
    real: bool
    askable: bool | None
    state: str
    key: str | None
    routes: tuple[str, ...]


@dataclass(frozen=True)
class LlmMode:
    """The word for what serves, and why it is that one."""

    word: str
    tone: Tone
    why: str
    rows: tuple[TargetRow, ...] = ()


def llm_mode(targets: Sequence[TargetInfo] | None, status: Status | None) -> LlmMode:
    """PRODUCTION when the profile is production and a real model can be asked now; else DEV/LOCAL; or unknown.

    Args:
        targets: As configured.
        status: Its breakers say what can be asked.
    """
    if targets is None:
        return LlmMode("unknown", "mute", "The admin API did not say what is configured.")
    breakers = None if status is None else {(one.provider, one.model): one for one in summarize(status.breakers)}
    rows = tuple(_target_row(target, breakers) for target in targets)
    real = [row for row in rows if row.real]
    if not real:
        return LlmMode("DEV/LOCAL", "info", "Only the embedded model is configured.", rows)
    askable = [row for row in real if row.askable]
    if breakers is None:
        return LlmMode("unknown", "mute", "The admin API did not say which models can be asked.", rows)
    profile = _profile(status)
    if not askable:
        return LlmMode("DEV/LOCAL", "bad", f"{count(len(real), 'real model')} configured; none can be asked now.", rows)
    many = f"{len(askable)} of {count(len(real), 'real model')} can be asked"
    if profile != "production":
        return LlmMode("DEV/LOCAL", "info", f"{many}, and the profile is {profile or 'unknown'}.", rows)
    return LlmMode("PRODUCTION", "good" if len(askable) == len(real) else "warn", f"{many}.", rows)


def _target_row(target: TargetInfo, breakers: Mapping[tuple[str, str], BreakerSummary] | None) -> TargetRow:
    askable: bool | None = None
    state = "unknown"
    if breakers is not None:
        breaker = breakers.get((target.provider, target.model))
        # A name that ends in a star has a breaker for each model that was asked for.
        askable = breaker is None or breaker.open_workers < breaker.workers
        state = "not asked yet" if breaker is None else _state_words(breaker)
    key = None if target.has_key is None else "configured" if target.has_key else "none"
    real = target.kind != "embedded"
    return TargetRow(
        f"{target.provider}/{target.model}", target.kind, real, askable, state, key if real else "not needed",
        target.routes,
    )  # fmt: skip


def _state_words(breaker: BreakerSummary) -> str:
    if breaker.state == "closed":
        return "can be asked"
    words = {"open": "left alone", "half_open": "being tried"}.get(breaker.state, breaker.state)
    where = (
        "" if breaker.open_workers == breaker.workers else f" by {breaker.open_workers} of {breaker.workers} workers"
    )
    return words + where


def _profile(status: Status | None) -> str | None:
    told = None if status is None else status.raw.get("profile")
    return told if isinstance(told, str) else None


# -- the check of the real chain


@dataclass(frozen=True)
class HealthRow:
    """One answer of /health/llm, and when it was given."""

    at: float
    health: LlmHealth | None
    fault: str = ""

    @property
    def verdict(self) -> tuple[str, Tone]:
        """In one word: a stub is never well, whatever else is said."""
        if self.health is None:
            return "unknown", "mute"
        if self.health.used_stub:
            return "placeholder content", "bad"
        return ("well", "good") if self.health.ok else ("not well", "bad")


def check_health(session: Session, now: Callable[[], float]) -> HealthRow:
    """One real request through the real chain."""
    try:
        with session.gateway_for(60.0) as gateway:
            return HealthRow(now(), gateway.health_llm())
    except RoadworthyError as error:
        return HealthRow(now(), None, f"{error.what} {error.why} {error.mend}".strip())


# -- traffic


class Point(NamedTuple):
    """What happened between two looks.

    Attributes:
        at: When it ended.
        seconds: How long that was.
        requests: Requests that ended.
        failures: Those of them that did not end well.
        p50_s: Median seconds of an answer; None when there was none.
        p95_s: 95th percentile.
    """

    at: float
    seconds: float
    requests: float
    failures: float
    p50_s: float | None
    p95_s: float | None


def totals(page: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """The counters that the console follows, by name and labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {name: {} for name in _KEPT}
    for sample in samples("\n".join(line for line in page.splitlines() if line.startswith(_KEPT))):
        found[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return found


def point(before: Reading, after: Reading) -> Point | None:
    """What happened between two readings; None when one of them does not know."""
    if before.totals is None or after.totals is None or after.at <= before.at:
        return None
    requests = grown(before.totals[_REQUESTS], after.totals[_REQUESTS])
    asked = {key: value for key, value in requests.items() if dict(key).get("endpoint") in _ASKED}
    failed = sum(value for key, value in asked.items() if dict(key).get("code") != "ok")
    buckets: dict[float, float] = {}
    for key, value in grown(before.totals[_SECONDS], after.totals[_SECONDS]).items():
        labels = dict(key)
        if labels.get("endpoint") in _ASKED:
            bound = float(labels.get("le", "inf"))
            buckets[bound] = buckets.get(bound, 0.0) + value
    return Point(
        after.at, after.at - before.at, sum(asked.values()), failed, quantile(buckets, 0.5), quantile(buckets, 0.95)
    )


def grown(before: Series, after: Series) -> dict[tuple[tuple[str, str], ...], float]:
    """How much each counter grew; one that shrank began again with its process, so all of it is new."""
    return {
        key: value - before.get(key, 0.0) if value >= before.get(key, 0.0) else value for key, value in after.items()
    }


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """A quantile of a cumulative histogram, straight between the bounds, as Prometheus does it.

    Args:
        buckets: Upper bound -> how many were at most that.
        share: 0 to 1.

    Returns:
        None when nothing was counted. Beyond the last finite bound, that bound.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank, low, under = share * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if bound == float("inf"):
                return low
            inside = buckets[bound] - under
            return bound if inside <= 0 else low + (bound - low) * (rank - under) / inside
        low, under = bound, buckets[bound]
    return low


@dataclass(frozen=True)
class Since:
    """Counted since the workers started.

    Args:
        requests: Requests of callers; None when unknown.
        failures: Those that did not end well.
        cost_usd: At list prices, failed attempts included.
        unpriced: Attempts whose price is unknown.
    """

    requests: float | None = None
    failures: float | None = None
    cost_usd: float | None = None
    unpriced: float | None = None


def since_start(reading: Reading) -> Since:
    """The counters as they stand."""
    if reading.totals is None:
        return Since()
    asked = {key: value for key, value in reading.totals[_REQUESTS].items() if dict(key).get("endpoint") in _ASKED}
    failed = sum(value for key, value in asked.items() if dict(key).get("code") != "ok")
    cost, unpriced = reading.totals[_COST], sum(reading.totals[_UNPRICED].values())
    return Since(sum(asked.values()), failed, sum(cost.values()) if cost or not unpriced else None, unpriced)


# -- breakers, modes, processes


@dataclass(frozen=True)
class ModeRow:
    """One mode over all workers: the worst state, and why."""

    mode: str
    state: str
    tone: Tone
    why: str
    fallback: str
    p95: tuple[float | None, float | None]
    climb_in_s: float | None


def mode_rows(modes: Iterable[ModeStatus]) -> tuple[ModeRow, ...]:
    """One row per mode, in the order in which workers tell them."""
    order = {"up": 0, "ramping": 1, "probing": 2, "down": 3}
    tones: dict[str, Tone] = {"up": "good", "ramping": "warn", "probing": "warn", "down": "bad"}
    groups: dict[str, list[ModeStatus]] = {}
    for mode in modes:
        groups.setdefault(mode.mode, []).append(mode)
    rows = []
    for name, group in groups.items():
        worst = max(group, key=lambda one: order.get(one.state, 4))
        away = sum(one.state != "up" for one in group)
        part = f" ({away} of {len(group)} workers)" if 0 < away < len(group) else ""
        rows.append(ModeRow(
            name, worst.state + part, tones.get(worst.state, "mute"), worst.why, worst.fallback,
            (worst.p95_s, worst.p95_limit_s), worst.climb_in_s,
        ))  # fmt: skip
    return tuple(rows)


@dataclass(frozen=True)
class ProcessRow:
    """One process as the supervisor tells it."""

    name: str
    state: str
    tone: Tone
    pid: int | None
    up_s: float | None
    restarts: int | None
    last_exit: str


def process_rows(raw: Mapping[str, Any], now: float) -> tuple[ProcessRow, ...] | None:
    """The processes; None when the supervisor's list could not be read."""
    told = raw.get("processes")
    if not isinstance(told, list):
        return None
    tones: dict[str, Tone] = {"running": "good", "waiting": "warn", "looping": "bad", "stopped": "mute"}
    rows = []
    for one in told:
        if isinstance(one, dict):
            started, state = one.get("started_at"), str(one.get("state", "unknown"))
            up_s = now - started if isinstance(started, int | float) and started and state == "running" else None
            rows.append(ProcessRow(
                str(one.get("name", "")), state, tones.get(state, "mute"), one.get("pid"), up_s, one.get("restarts"),
                str(one.get("last_exit") or ""),
            ))  # fmt: skip
    return tuple(rows)
