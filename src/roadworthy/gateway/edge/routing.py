"""From the model name that a caller asks for to the chain that serves it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.gateway.breaker import Breaker, State
from roadworthy.gateway.edge.link import Upstream, UpstreamLink
from roadworthy.gateway.hedge import Hedging
from roadworthy.gateway.quality.gate import Gate, gates
from roadworthy.gateway.settings import EdgeSettings, Route

MAX_RESOLVED = 500
"""Names behind a `*` pattern that get a breaker of their own; callers choose them, so their number is bounded."""

BreakerChange = Callable[[str, str, State, State, str], None]


class Routed:
    """A route with its links bound to one requested name; `mode` and `role` when it is a role of a mode.

    `hedging` is None where no second target is ever asked beside a slow one.
    """

    __slots__ = ("gate", "hedging", "links", "mode", "name", "role", "route")

    def __init__(
        self,
        name: str,
        route: Route,
        links: tuple[UpstreamLink, ...],
        gate: Gate | None,
        hedging: Hedging | None = None,
    ) -> None:
        self.name = name
        self.route = route
        self.links = links
        self.gate = gate
        self.mode: str | None = None
        self.role = ""
        self.hedging = hedging

    @property
    def owner(self) -> str:
        """Who `GET /v1/models` names: ourselves for a mode and for a name without a slash, else the first provider."""
        return "roadworthy" if self.mode is not None or "/" not in self.name else self.links[0].provider_name


class RouteTable:
    """Every name that is served.

    Args:
        settings: Routes and breaker rules.
        upstreams: By provider name; every provider that a route names must be there.
        on_breaker_change: Told (provider, model, old, new, why).
    """

    def __init__(
        self, settings: EdgeSettings, upstreams: dict[str, Upstream], on_breaker_change: BreakerChange
    ) -> None:
        self._settings = settings
        self._upstreams = upstreams
        self._on_change = on_breaker_change
        self._links: dict[tuple[str, str], UpstreamLink] = {}
        routes = [*settings.routes, *(role for mode in settings.modes for role in mode.roles)]
        self._gates = gates(routes)
        self._hedging = {
            route.name: Hedging(route.hedge) for route in routes if route.hedge is not None and len(route.chain) > 1
        }
        self._exact: dict[str, Routed] = {}
        self._patterns: list[tuple[str, Route]] = []
        self._resolved: dict[str, Routed] = {}
        for mode in settings.modes:
            for route in mode.roles:
                role = route.name.partition("/")[2]
                routed = self._exact[route.name] = self._bind(route.name, route, route.name)
                routed.mode, routed.role = mode.name, role
        for route in settings.routes:
            if route.name.endswith("*"):
                self._patterns.append((route.name[:-1], route))
            else:
                self._exact[route.name] = self._bind(route.name, route, route.name)
        self._patterns.sort(key=lambda pattern: -len(pattern[0]))
        for route in routes:
            self._pin(route)

    @property
    def default(self) -> Routed | None:
        """Where requests of our own go (health, live check): the default route, else the first exact one."""
        if self._settings.default_route is not None:
            return self._exact.get(self._settings.default_route)
        routes = (routed for routed in self._exact.values() if routed.mode is None)
        return next(routes, next(iter(self._exact.values()), None))

    def names(self) -> list[tuple[str, str]]:
        """(name, owner) of every name that `GET /v1/models` lists; patterns are not names."""
        return [
            (name, routed.owner if routed.name == name else routed.links[0].provider_name)
            for name, routed in self._exact.items()
        ]

    def find(self, name: str) -> Routed:
        """The chain for a requested name: an exact route, a pinned `provider/model`, or the longest pattern.

        Raises:
            UsageError: `unknown_model`, with the nearest names that exist.
        """
        routed = self._exact.get(name) or self._resolved.get(name)
        if routed is not None:
            return routed
        if name.isprintable():  # the name becomes part of header lines
            for prefix, route in self._patterns:
                if name.startswith(prefix):
                    return self._resolve(name, route)
        near = difflib.get_close_matches(name[:100], self._exact, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            "No route serves the model that the request names.",
            "No route, pinned provider/model or pattern matches it.",
            f"{hint}GET /v1/models lists what is served.",
            code="unknown_model",
            param="model",
        )

    def links(self) -> Iterable[UpstreamLink]:
        """Every target that exists now."""
        return self._links.values()

    def _resolve(self, name: str, route: Route) -> Routed:
        if len(self._resolved) < MAX_RESOLVED and len(name) <= 200:
            routed = self._resolved[name] = self._bind(route.name, route, name)
            return routed
        links = tuple(
            UpstreamLink(link.upstream, name, link.breaker) if target.model == "*" else link
            for target, link in zip(route.chain, self._bind(route.name, route, "*").links, strict=True)
        )
        return Routed(route.name, route, links, self._gates.get(route.name), self._hedging.get(route.name))

    def _bind(self, label: str, route: Route, requested: str) -> Routed:
        links = (self._link(t.provider, requested if t.model == "*" else t.model) for t in route.chain)
        return Routed(label, route, tuple(links), self._gates.get(route.name), self._hedging.get(route.name))

    def _pin(self, route: Route) -> None:
        if route.prompt is not None:  # a prompt belongs to the route's name; who names a model gets the model
            route = msgspec.structs.replace(route, prompt=None)
        for target in route.chain:
            name = f"{target.provider}/{target.model}"
            if target.model != "*" and name not in self._exact:
                link = self._link(target.provider, target.model)
                self._exact[name] = Routed(name, route, (link,), self._gates.get(route.name))

    def _link(self, provider: str, model: str) -> UpstreamLink:
        link = self._links.get((provider, model))
        if link is None:

            def changed(old: State, new: State, why: str) -> None:
                self._on_change(provider, model, old, new, why)

            breaker = Breaker(self._settings.breaker, changed)
            link = self._links[provider, model] = UpstreamLink(self._upstreams[provider], model, breaker)
        return link
