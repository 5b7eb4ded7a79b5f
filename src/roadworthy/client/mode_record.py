"""A mode as the gateway's workers tell it, as a frozen record. Unknown is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.client.record import pick


@dataclass(frozen=True, slots=True)
class ModeStatus:
    """One mode in one worker.

    Args:
        worker: Number of the worker; None when the server does not say.
        mode: Its name.
        state: `up`, `down`, `probing` or `ramping`.
        able: Whether its models can be asked: `able`, `probed`, `starting`, `resting`.
        cause: Why it is down; None when it is not.
        why: The last change in words; empty when nothing happened yet.
        fallback: Mode that takes its requests when it steps aside, or `last_resort`, or `emergency`.
        p50_s: Median seconds of a call.
        p95_s: 95th percentile, seconds.
        p95_limit_s: Its limit; None without one.
        calls: Calls that the percentiles look back on.
        failures: Failed calls among the last `window`.
        window: How many those are now.
        share: Share of the requests for it that it gets, 0 to 1; 0 while it is probed.
        in_flight: Calls under way.
        climb_in_s: Seconds until it is tried again; None when it is not down, or its cause lasts.
    """

    worker: int | None
    mode: str
    state: str
    able: str = ""
    cause: str | None = None
    why: str = ""
    fallback: str = ""
    p50_s: float | None = None
    p95_s: float | None = None
    p95_limit_s: float | None = None
    calls: int | None = None
    failures: int | None = None
    window: int | None = None
    share: float | None = None
    in_flight: int | None = None
    climb_in_s: float | None = None


def read_mode(source: Mapping[str, Any], worker: int | None = None) -> ModeStatus:
    """One mode; `worker` where the object itself does not name one."""
    number = pick(source, "worker", int)
    return ModeStatus(
        worker if number is None else number,
        pick(source, "mode", str) or "",
        pick(source, "state", str) or "",
        pick(source, "able", str) or "",
        pick(source, "cause", str),
        pick(source, "why", str) or "",
        pick(source, "fallback", str) or "",
        pick(source, "p50_s", int, float),
        pick(source, "p95_s", int, float),
        pick(source, "p95_limit_s", int, float),
        pick(source, "calls", int),
        pick(source, "failures", int),
        pick(source, "window", int),
        pick(source, "share", int, float),
        pick(source, "in_flight", int),
        pick(source, "climb_in_s", int, float),
    )
