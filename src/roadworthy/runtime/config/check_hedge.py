"""Rules between the keys of a hedge and the chain it is for. Works on raw values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from roadworthy.core.errors import ConfigError
from roadworthy.core.model_name import undated
from roadworthy.runtime.config.mode import expand
from roadworthy.runtime.config.prices import collected
from roadworthy.runtime.config.report import KeyPath
from roadworthy.runtime.config.tree import Prices, first_route

_DEADLINE_S = 30.0


class Fault(NamedTuple):
    """Something that must be corrected, or only most likely is not meant."""

    path: KeyPath
    text: str
    only_warned: bool = False


class _Chain(NamedTuple):
    """A chain with a hedge. `path` is the hedge's, `deadline_s` what its requests get."""

    path: KeyPath
    hedge: Mapping[str, Any]
    targets: list[str]
    deadline_s: float
    try_timeout_s: float | None


def hedge_faults(gateway: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of hedges. What has a wrong type is told elsewhere and passed over here.

    Args:
        gateway: `gateway` as it stands in the merged layers.
    """
    chains = [*_of_routes(gateway), *_of_modes(gateway)]
    if not chains:
        return
    priced = _priced(gateway)
    yield from dict.fromkeys(fault for chain in chains for fault in _faults(chain, priced))


def _faults(chain: _Chain, priced: Mapping[str, set[str]] | None) -> Iterator[Fault]:
    yield from _timing(chain)
    if len(set(chain.targets)) == 1:
        yield Fault(chain.path, f"the chain has one target ({chain.targets[0]}), so there is no second one to ask")
    for target in dict.fromkeys(chain.targets[1:]):
        provider, _, model = target.partition("/")
        if priced is not None and model != "*" and not {model, undated(model)} & priced.get(provider, {model}):
            told = f"`{target}` has no price, so it is never asked beside another; give it one in gateway.prices"
            yield Fault(chain.path, told, True)


def _timing(chain: _Chain) -> Iterator[Fault]:
    after = _number(chain.hedge, "after_s")
    if after is None:
        if chain.hedge.get("after_s") is None and chain.hedge.get("after_percentile") is None:
            yield Fault(chain.path, "expected after_s, after_percentile or both: nothing says when a try is slow")
        return
    share = chain.deadline_s / len(chain.targets) if chain.targets else chain.deadline_s
    limit = share if chain.try_timeout_s is None else min(chain.try_timeout_s, chain.deadline_s)
    if after >= chain.deadline_s:
        yield Fault(
            (*chain.path, "after_s"), f"can never be reached: the deadline of {chain.deadline_s:g} s comes first"
        )
    elif after >= limit:
        why = "a fair share of the deadline" if chain.try_timeout_s is None else "try_timeout_s"
        told = f"can never be reached: the first try ends after {limit:g} s ({why}), and the next target is asked then"
        yield Fault((*chain.path, "after_s"), told)


def _of_routes(gateway: Mapping[str, Any]) -> Iterator[_Chain]:
    for name, route in _mapping(gateway.get("routes")).items():
        hedge = _mapping(route).get("hedge")
        if isinstance(hedge, Mapping):
            deadline = _number(route, "deadline_s") or _DEADLINE_S
            path = ("gateway", "routes", name, "hedge")
            yield _Chain(path, hedge, _texts(route.get("chain")), deadline, _number(route, "try_timeout_s"))


def _of_modes(gateway: Mapping[str, Any]) -> Iterator[_Chain]:
    routes = _mapping(gateway.get("routes"))
    for name, mode in _mapping(expand(gateway.get("modes"), first_route(gateway))).items():
        deadline = _number(_mapping(mode), "timeout_s") or _DEADLINE_S
        for chain in _mapping(_mapping(mode).get("roles")).values():
            named = _texts(chain)
            alone = _mapping(routes.get(named[0])) if len(named) == 1 else {}
            path: KeyPath = ("gateway", "modes", name, "hedge")
            hedge = _mapping(mode).get("hedge")
            if hedge is None and alone:
                path, hedge = ("gateway", "routes", named[0], "hedge"), alone.get("hedge")
            if isinstance(hedge, Mapping):
                yield _Chain(path, hedge, _targets(named, routes), deadline, _number(alone, "try_timeout_s"))


def _targets(named: list[str], routes: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for one in named:
        found += _texts(_mapping(routes[one]).get("chain")) if one in routes else [one]
    return found


def _priced(gateway: Mapping[str, Any]) -> dict[str, set[str]] | None:
    """Models with a price, by provider; None when that cannot be said because something else is wrong."""
    nodes = _mapping(gateway.get("providers", {"embedded": {"kind": "embedded"}}))
    kinds = {str(name): str(_mapping(node).get("kind", "")) for name, node in nodes.items()}
    try:
        prices = collected(Prices.model_validate(gateway.get("prices", {})), kinds)
    except (ValidationError, ConfigError):
        return None
    return {name: set(models) for name, models in prices.items() if kinds[name] != "embedded"}


def _number(node: Mapping[str, Any], key: str) -> float | None:
    value = node.get(key)
    right = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return value if right else None  # the tree complains about the others


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
