"""A chain's target with everything needed to ask it: wire format, connection pool, breaker, prebuilt request heads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from roadworthy.gateway.breaker import Breaker
from roadworthy.gateway.cost import FREE, price_of
from roadworthy.gateway.edge.answer import ReadyMade
from roadworthy.gateway.edge.upstream import Endpoint
from roadworthy.gateway.hedge import Pace
from roadworthy.gateway.providers.contract import Provider
from roadworthy.gateway.settings import Price


class Upstream:
    """One configured provider: its wire format and its connections.

    Attributes:
        ready: False while the provider is known to be starting; only the embedded model is ever not ready.
    """

    __slots__ = (
        "accepts_any_parameter",
        "chat_head",
        "embedded",
        "embeddings_head",
        "endpoint",
        "name",
        "prices",
        "provider",
        "ready",
    )

    def __init__(
        self, provider: Provider, endpoint: Endpoint, kind: str, prices: Mapping[str, Price] | None = None
    ) -> None:
        self.prices = prices or {}
        self.name = provider.name
        self.provider = provider
        self.endpoint = endpoint
        self.embedded = kind == "embedded"
        self.accepts_any_parameter = kind == "compatible"
        self.ready = not self.embedded
        self._write_heads()

    def rekey(self, provider: Provider) -> None:
        """Send other header lines from the next request on; connections stay."""
        self.provider = provider
        self.endpoint.carry(provider.headers)
        self._write_heads()

    def strip(self, secret: Callable[[str], bool]) -> bool:
        """Leave out the header lines that hold a secret; False when none did."""
        kept = tuple(line for line in self.endpoint.lines if not secret(line[1]))
        changed = kept != self.endpoint.lines
        self.endpoint.carry(kept)
        self._write_heads()
        return changed

    def _write_heads(self) -> None:
        provider, endpoint = self.provider, self.endpoint
        self.chat_head = endpoint.head(provider.chat_path)
        self.embeddings_head = endpoint.head(provider.embeddings_path) if provider.embeddings_path else None


class UpstreamLink:
    """One target: a provider and a model, with its breaker. Shared by every route that names it.

    Attributes:
        paces: How fast it answers, by endpoint and whether as a stream; only routes with hedges look and tell.
    """

    __slots__ = ("breaker", "label", "model", "paces", "price", "provider_name", "ready_made", "upstream")

    def __init__(self, upstream: Upstream, model: str, breaker: Breaker) -> None:
        self.upstream = upstream
        self.provider_name = upstream.name
        self.model = model
        self.breaker = breaker
        self.label = f"{upstream.name}/{model}"
        self.price = FREE if upstream.embedded else price_of(upstream.prices, model)
        self.ready_made = ReadyMade(upstream.name, model)
        self.paces: defaultdict[tuple[str, bool], Pace] = defaultdict(Pace)

    @property
    def ready(self) -> bool:
        """False while the provider is known to be starting."""
        return self.upstream.ready
