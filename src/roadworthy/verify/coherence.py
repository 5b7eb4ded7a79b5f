"""Whether the limits of a configuration agree with each other, and with what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from roadworthy.runtime.config.tree import Config
from roadworthy.verify.outcome import Record

LEAST_SAMPLES = 100
"""Fewer answers say nothing about a 95th or 99th percentile."""


class Latency(Record, frozen=True):
    """What was measured of one route or mode.

    Attributes:
        p95_s: Seconds up to the first useful token.
        p99_s: The same.
        n: Answers.
    """

    p95_s: float
    p99_s: float
    n: int


class Measured(Record, frozen=True):
    """The whole file.

    Attributes:
        routes: By name.
        modes: By name.
    """

    routes: dict[str, Latency] = {}  # noqa: RUF012  msgspec copies it
    modes: dict[str, Latency] = {}  # noqa: RUF012


class Contradiction(NamedTuple):
    """Two limits, or a limit and a measurement, that cannot both hold.

    Attributes:
        rule: `attempts`, `connect`, `timeout` or `alert`.
        key: Of the configuration.
        text: One sentence.
    """

    rule: str
    key: str
    text: str


def between_limits(config: Config) -> Iterator[Contradiction]:
    """Attempts that do not fit into a deadline, connections that may take longer than an attempt."""
    gateway = config.gateway
    for name, route in gateway.routes.items():
        key, targets = f"gateway.routes.{name}", len(route.chain)
        tries = route.try_timeout_s
        if tries is not None and tries * targets > route.deadline_s:
            text = f"{targets} tries of {tries:g} s do not fit into the deadline of {route.deadline_s:g} s."
            yield Contradiction("attempts", f"{key}.try_timeout_s", text)
        bound = tries if tries is not None else route.deadline_s / max(1, targets)
        for provider in dict.fromkeys(target.split("/")[0] for target in route.chain):
            known = gateway.providers.get(provider)
            if known is not None and known.kind != "embedded" and known.connect_timeout_s > bound:
                text = f"Connecting to {provider} may take {known.connect_timeout_s:g} s, a try {bound:g} s."
                yield Contradiction("connect", f"gateway.providers.{provider}.connect_timeout_s", text)


def limits(config: Config) -> list[str]:
    """The keys whose value only makes sense beside a measurement."""
    found = [f"gateway.routes.{name}.deadline_s" for name in config.gateway.routes]
    for name, mode in config.gateway.modes.items():
        found.append(f"gateway.modes.{name}.timeout_s")
        if mode.downshift.p95_s is not None:
            found.append(f"gateway.modes.{name}.downshift.p95_s")
    return found


def with_measurements(config: Config, measured: Measured) -> tuple[list[Contradiction], list[str]]:
    """Limits that contradict what was measured, and the keys that were compared."""
    found: list[Contradiction] = []
    compared: list[str] = []
    for name, latency in _enough(measured.routes):
        if name in config.gateway.routes:
            key = f"gateway.routes.{name}.deadline_s"
            compared.append(key)
            found += _timeout(key, config.gateway.routes[name].deadline_s, latency)
    for name, latency in _enough(measured.modes):
        if name not in config.gateway.modes:
            continue
        mode = config.gateway.modes[name]
        key = f"gateway.modes.{name}.timeout_s"
        compared.append(key)
        found += _timeout(key, mode.timeout_s, latency)
        if mode.downshift.p95_s is not None:
            key = f"gateway.modes.{name}.downshift.p95_s"
            compared.append(key)
            if mode.downshift.p95_s <= latency.p95_s:
                text = f"It steps down at {mode.downshift.p95_s:g} s; measured is a p95 of {latency.p95_s:g} s."
                found.append(Contradiction("alert", key, text))
    return found, compared


def _enough(rows: Mapping[str, Latency]) -> Iterator[tuple[str, Latency]]:
    return ((name, each) for name, each in rows.items() if each.n >= LEAST_SAMPLES)


def _timeout(key: str, limit: float, latency: Latency) -> Iterator[Contradiction]:
    if limit <= latency.p99_s:
        yield Contradiction("timeout", key, f"It ends at {limit:g} s; measured is a p99 of {latency.p99_s:g} s.")
