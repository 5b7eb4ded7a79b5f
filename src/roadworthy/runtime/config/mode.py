"""Modes in the configuration tree, and the three that ship: creative, balanced, fast (spec rows G6 and G7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from roadworthy.runtime.config.hedge import Hedge
from roadworthy.runtime.config.node import Node
from roadworthy.runtime.config.prompt import PROMPT_PATTERN


class Parameters(Node):
    """What a mode fills into a request where the caller left it out."""

    max_new_tokens: int | None = Field(
        default=None, ge=1, le=1_048_576, description="Tokens of an answer; bounds what the caller asks for, too."
    )
    temperature: float | None = Field(default=None, ge=0, le=2, description="Sampling temperature, 0 to 2.")
    top_p: float | None = Field(default=None, ge=0, le=1, description="Nucleus sampling, 0 to 1.")


class Objective(Node):
    """How long all roles of a mode together should take."""

    min_s: float = Field(ge=0, le=86_400, description="Less is not expected, in seconds.")
    max_s: float = Field(gt=0, le=86_400, description="More breaks the promise, in seconds.")


class Downshift(Node):
    """When a mode steps aside for the next one."""

    p95_s: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="95th percentile of one call (of a stream: up to its first useful token), in seconds; null is off.",
    )
    slow_requests: int = Field(default=3, ge=1, le=500, description="Calls over p95_s that it takes at least.")
    latency_window_s: float = Field(
        default=60.0, gt=0, le=3600, description="Span that the percentile looks back on, in seconds."
    )
    error_rate: float | None = Field(
        default=0.30, gt=0, lt=1, description="Share of failed calls above which it steps aside; null is off."
    )
    window: int = Field(default=10, ge=1, le=1000, description="Calls that the error rate looks back on.")
    memory_fraction: float | None = Field(
        default=0.85,
        gt=0,
        le=1,
        description="Share of the container's or machine's memory in use above which it steps aside; null is off.",
    )
    memory_bytes: int | None = Field(
        default=12_000_000_000,
        ge=1,
        description="Resident bytes of a worker and the embedded model above which it steps aside; null is off.",
    )
    in_flight: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Calls at once per worker; those above it go to the next mode. No limit when left out.",
    )


class Recovery(Node):
    """How a mode comes back: a wait, probes one at a time, then growing shares of the requests."""

    climb_after_s: float = Field(
        default=30.0, gt=0, le=3600, description="Time without a cause before it is tried again, in seconds."
    )
    max_climb_after_s: float = Field(
        default=600.0, gt=0, le=86_400, description="Bound of that time, which each relapse doubles, in seconds."
    )
    dwell_s: float = Field(default=10.0, gt=0, le=3600, description="Time that each share is held, in seconds.")
    probes: int = Field(default=3, ge=1, le=100, description="Good answers, one at a time, before the first share.")
    shares: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default_factory=lambda: [0.1, 0.25, 0.5],
        description="Shares of requests that it gets one by one, ascending, then all; 0.1, 0.25, 0.5 when left out.",
    )


class Mode(Node):
    """A promise of quality that callers ask for as `model`."""

    roles: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Chain of each role, in order: provider/model, or the name of a route for its chain. The first "
        "role answers to the mode's name, the others to mode/role.",
    )
    prompts: dict[str, Annotated[str, Field(pattern=PROMPT_PATTERN)]] = Field(
        default_factory=dict,
        description="Prompt of each role, NAME or NAME@VERSION: its system message comes before the caller's.",
    )
    parameters: Parameters = Field(default_factory=Parameters, description="Filled in where the caller is silent.")
    timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="Bound on one call up to its first useful token, in seconds."
    )
    hedge: Hedge | None = Field(
        default=None,
        description="Whether and when a second target of a role's chain is asked beside a slow one; as the role's "
        "route says when left out.",
    )
    objective: Objective | None = Field(default=None, description="Time that all roles together should take.")
    downshift: Downshift = Field(default_factory=Downshift, description="When it steps aside.")
    recovery: Recovery = Field(default_factory=Recovery, description="How it comes back.")


def _standard(
    roles: str,
    tokens: int,
    temperature: float,
    top_p: float,
    timeout_s: float,
    objective: tuple[float, float],
    p95_s: float | None,
) -> dict[str, Any]:
    return {
        "roles": dict.fromkeys(roles.split()),
        "parameters": {"max_new_tokens": tokens, "temperature": temperature, "top_p": top_p},
        "timeout_s": timeout_s,
        "objective": dict(zip(("min_s", "max_s"), objective, strict=True)),
        "downshift": {"p95_s": p95_s},
    }  # fmt: skip


STANDARD: dict[str, dict[str, Any]] = {
    "creative": _standard("interpreter validator hints", 1024, 0.8, 0.95, 20.0, (10.0, 20.0), 6.0),
    "balanced": _standard("interpreter validator", 512, 0.7, 0.9, 12.0, (5.0, 10.0), 4.3),
    "fast": _standard("interpreter", 256, 0.3, 0.8, 8.0, (2.0, 5.0), None),
}
"""The modes that ship, best first. Their roles are served by the default route until the file says otherwise."""


def expand(given: object, route: str | None) -> object:
    """Modes as given, with what ships filled in below it; what is no mode at all is left for the tree to refuse.

    Args:
        given: The value of `gateway.modes`: a mapping, in which an empty mode stands for the one that ships, or a list
            of names that ship.
        route: The default route, which serves roles that name no model; None when there is none.
    """
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        given = dict.fromkeys(given)
    if not isinstance(given, Mapping):
        return given
    return {name: _filled(str(name), mode, route) for name, mode in given.items()}


def _filled(name: str, mode: object, route: str | None) -> object:
    standard = STANDARD.get(name)
    if standard is not None and (mode is None or isinstance(mode, Mapping)):
        own = mode or {}
        roles = {role: [route] if route else [] for role in standard["roles"]}
        mode = {**_laid(standard, own), "roles": own.get("roles", roles)}
        others = isinstance(mode["roles"], Mapping) and len(mode["roles"]) != len(roles)
        if others and "objective" not in own:
            del mode["objective"]  # the promise that ships is one about all of its roles
    if not isinstance(mode, Mapping) or not isinstance(mode.get("roles"), Mapping):
        return {} if mode is None else mode
    chains = {role: _listed(chain) for role, chain in mode["roles"].items()}
    return {**mode, "roles": chains}


def _listed(chain: object) -> object:
    return [chain] if isinstance(chain, str) else [] if chain is None else chain


def _laid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[key] = _laid(under, value) if both else value  # type: ignore[arg-type]
    return merged
