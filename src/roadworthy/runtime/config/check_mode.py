"""Rules between the keys of modes: names, models, and limits that contradict each other. Works on raw values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from roadworthy.runtime.config.mode import STANDARD, expand
from roadworthy.runtime.config.report import KeyPath, show, suggest
from roadworthy.runtime.secret import looks_secret

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
DEFAULTS = {"timeout_s": 30.0, "climb_after_s": 30.0, "max_climb_after_s": 600.0}


class Fault(NamedTuple):
    """Something that must be corrected, or only most likely is not meant."""

    path: KeyPath
    text: str
    only_warned: bool = False


class ModeTarget(NamedTuple):
    """A target in a role's chain, for the checks that routes' targets get too."""

    path: KeyPath
    target: str


class ModeCheck:
    """Looks for faults in `gateway.modes`.

    Args:
        gateway: The raw section `gateway`.
        route: Name of the default route, None without any.

    Attributes:
        faults: What was found.
        targets: Every `provider/model` of a role.
    """

    def __init__(self, gateway: Mapping[str, Any], route: str | None) -> None:
        self.faults: list[Fault] = []
        self.targets: list[ModeTarget] = []
        self._routes = _mapping(gateway.get("routes", {"chat": {}}))
        self._providers = _mapping(gateway.get("providers"))
        given = gateway.get("modes")
        self._modes: dict[str, Mapping[str, Any]] = {}
        modes = _mapping(expand(given, route))
        if isinstance(given, list):
            for at, name in enumerate(given):
                if isinstance(name, str) and name not in STANDARD:
                    told = "a list names modes that ship; one of your own is a mapping with roles"
                    self._fault(("gateway", "modes", at), told + suggest(name, STANDARD))
            modes = {name: mode for name, mode in modes.items() if name in STANDARD}
        self._modes = {str(name): mode for name, mode in modes.items() if isinstance(mode, Mapping)}
        for name, mode in self._modes.items():
            self._mode(name, mode)
        self._order()

    def _fault(self, path: KeyPath, text: str) -> None:
        self.faults.append(Fault(path, text))

    def _warn(self, path: KeyPath, text: str) -> None:
        self.faults.append(Fault(path, text, True))

    def _mode(self, name: str, mode: Mapping[str, Any]) -> None:
        path = ("gateway", "modes", name)
        if looks_secret(name):
            self._fault(path, "this name looks like a key; if it is one, treat it as exposed and make a new one")
        elif not _NAME.fullmatch(name) or name == "emergency":
            self._fault(path, "a mode's name is made of letters, digits and . _ - (at most 64), and is not emergency")
        elif name in self._routes:
            self._fault(path, "a route has this name already; a caller could not say which one he means")
        elif name in self._providers:
            self._fault(path, "a provider has this name already; name/role and provider/model could not be told apart")
        self._roles(path, mode.get("roles"))
        for role in _mapping(mode.get("prompts")):
            if role not in (known := _mapping(mode.get("roles"))):
                self._fault((*path, "prompts", role), "the mode has no such role" + suggest(role, map(str, known)))
        roles = max(1, len(_mapping(mode.get("roles"))))
        for text, key in _contradictions(mode, roles):
            self._fault((*path, *key), text)

    def _roles(self, path: KeyPath, roles: object) -> None:
        if roles is None:
            self._fault(path, f"roles is missing; only {', '.join(STANDARD)} have roles of their own")
        elif roles == {}:
            self._fault((*path, "roles"), "expected at least one role with its chain")
        for role, chain in _mapping(roles).items():
            here = (*path, "roles", role)
            if not _NAME.fullmatch(str(role)):
                self._fault(here, "a role's name is made of letters, digits and . _ - (at most 64)")
            if chain is None or chain == []:
                self._fault(here, "the role has no model; expected provider/model or the name of a route")
            for at, target in enumerate(chain if isinstance(chain, list) else []):
                if isinstance(target, str):
                    self._target((*here, at), target)

    def _target(self, path: KeyPath, target: str) -> None:
        if target in self._routes:
            chain = _mapping(self._routes[target]).get("chain")
            inside = [str(one) for one in chain] if isinstance(chain, list) else []
            if target.endswith("*") or any(one.endswith("/*") for one in inside):
                self._fault(path, "a role needs models with names; this route takes the model from the request")
        elif target.endswith("/*"):
            self._fault(path, "a role needs a model with a name, not *")
        elif "/" in target:
            self.targets.append(ModeTarget(path, target))
        else:
            known = [name for name in self._routes if not str(name).endswith("*")]
            self._fault(path, "neither provider/model nor the name of a route" + suggest(target, known))

    def _order(self) -> None:
        before: tuple[str, Mapping[str, Any]] | None = None
        for name, mode in self._modes.items():
            path = ("gateway", "modes", name)
            if before is not None:
                better, above = before
                told = f"; modes are listed from best to cheapest, and `{show(better)}` stands before it"
                tokens = (_number(mode, "parameters", "max_new_tokens"), _number(above, "parameters", "max_new_tokens"))
                times = (_timeout(mode), _timeout(above))
                if None not in tokens and tokens[0] > tokens[1]:  # type: ignore[operator]
                    self._warn(path, "allows more tokens than the better mode" + told)
                elif times[0] > times[1]:
                    self._warn(path, "allows more time than the better mode" + told)
                elif mode == above:
                    self._warn(path, f"is the same as `{show(better)}`: stepping down changes nothing")
            before = (name, mode)


def _contradictions(mode: Mapping[str, Any], roles: int) -> Iterator[tuple[str, KeyPath]]:
    low, high = _number(mode, "objective", "min_s"), _number(mode, "objective", "max_s")
    p95, timeout = _number(mode, "downshift", "p95_s"), _timeout(mode)
    together = f"{roles} role{'s' * (roles != 1)}"
    if low is not None and high is not None and low > high:
        yield "objective.min_s must not be larger than objective.max_s", ("objective", "min_s")
    if low is not None and low > timeout * roles:
        yield (
            f"can never be met: {together} end after timeout_s each, before objective.min_s is over", ("timeout_s",)
        )  # fmt: skip
    if p95 is not None and p95 >= timeout:
        yield "can never be reached: a call ends at timeout_s, before this limit", ("downshift", "p95_s")
    elif p95 is not None and low is not None and p95 * roles < low:
        yield (
            f"can never be met: {together} of this length stay below objective.min_s, so the mode would step aside "
            "while it keeps its promise; raise this limit, or lower the objective", ("downshift", "p95_s"),
        )  # fmt: skip
    recovery = _mapping(mode.get("recovery"))
    wait = _number(recovery, "climb_after_s") or DEFAULTS["climb_after_s"]
    longest = _number(recovery, "max_climb_after_s") or DEFAULTS["max_climb_after_s"]
    if longest < wait:
        key = "climb_after_s" if "climb_after_s" in recovery else "max_climb_after_s"
        yield "climb_after_s must not be larger than max_climb_after_s", ("recovery", key)
    shares = recovery.get("shares")
    numbers = [one for one in shares if isinstance(one, int | float)] if isinstance(shares, list) else []
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        yield "the shares must grow from one to the next", ("recovery", "shares")


def _timeout(mode: Mapping[str, Any]) -> float:
    return _number(mode, "timeout_s") or DEFAULTS["timeout_s"]


def _number(node: Mapping[str, Any], *keys: str) -> float | None:
    value: Any = node
    for key in keys:
        value = _mapping(value).get(key)
    right = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return value if right else None  # the tree complains about the others


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
