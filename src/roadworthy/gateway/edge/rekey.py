"""New keys for a running edge: swapped between two requests; what is under way ends with the key it was sent with."""

from __future__ import annotations

from time import monotonic

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.gateway.edge.service import Service
from roadworthy.gateway.providers.registry import build
from roadworthy.gateway.settings import ProviderSettings

WITHDRAWN_S = 90.0
"""A provider without a key is left alone for so long; whoever withdrew it says so again in less."""


class NewKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the supervisor tells an edge over its socket file.

    Attributes:
        generation: Counts the changes since the supervisor's start; an older one than the edge has is not taken.
        providers: Settings of the providers whose key or header lines changed; hold secrets.
        withdrawn: Names of providers whose key may not be used any more, because nobody could confirm it for too long.
    """

    generation: int
    providers: tuple[ProviderSettings, ...] = ()
    withdrawn: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"NewKeys(generation={self.generation}, providers=***, withdrawn={self.withdrawn!r})"


def read(body: bytes) -> NewKeys:
    """Read what came over the socket.

    Raises:
        UsageError: `invalid_request`; what came is not repeated.
    """
    try:
        return msgspec.json.decode(body, type=NewKeys)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UsageError("The request body must be the new settings of providers.") from None


def apply(service: Service, news: NewKeys) -> dict[str, object]:
    """Use the new keys from the next request on.

    Everything is built before anything is swapped, and the swap is one step of the event loop, so no request is sent
    with parts of both. Old keys go on being taken out of providers' words.

    Returns:
        The generation now in force, and the names of the providers whose header lines changed.
    """
    if news.generation < service.secrets_generation:
        return {"generation": service.secrets_generation, "changed": []}
    known = [settings for settings in news.providers if settings.name in service.upstreams]
    built = [(settings, build(settings)) for settings in known]
    service.known_secrets.learn(known)
    for settings, provider in built:
        service.upstreams[settings.name].rekey(provider)
        for link in service.table.links():
            if link.provider_name == settings.name:
                link.breaker.second_chance()  # a refused key was the reason, or a limit of the old one
        service.event("provider.rekeyed", provider=settings.name, generation=news.generation)
    for name in news.withdrawn:
        _withdraw(service, name)
    service.secrets_generation = news.generation
    return {"generation": news.generation, "changed": [settings.name for settings in known]}


def _withdraw(service: Service, name: str) -> None:
    upstream = service.upstreams.get(name)
    if upstream is None:
        return
    if upstream.strip(service.known_secrets.holds):
        service.event("provider.key_withdrawn", level="error", provider=name)
    for link in service.table.links():
        if link.upstream is upstream:
            link.breaker.hold_open(monotonic() + WITHDRAWN_S, "its key was withdrawn")
