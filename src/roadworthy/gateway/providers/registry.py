"""Finds the provider of a kind: our own by name, others by entry point."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import cast

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.providers.anthropic import Anthropic
from roadworthy.gateway.providers.compatible import Compatible
from roadworthy.gateway.providers.contract import Provider
from roadworthy.gateway.providers.deepseek import DeepSeek
from roadworthy.gateway.providers.embedded import Embedded
from roadworthy.gateway.providers.openai import OpenAI
from roadworthy.gateway.providers.perplexity import Perplexity
from roadworthy.gateway.settings import ProviderSettings

ENTRY_POINTS = "roadworthy.providers"
"""Group under which a package offers a kind: its name, and a callable from `ProviderSettings` to a `Provider`."""

_BUILT_IN: dict[str, type[OpenAI | Compatible | Embedded | Perplexity | DeepSeek | Anthropic]] = {
    each.kind: each for each in (OpenAI, Anthropic, Perplexity, DeepSeek, Compatible, Embedded)
}
KINDS = tuple(sorted(_BUILT_IN))
"""The kinds that need no other package."""


def default_base_url(kind: str) -> str:
    """Where the API of a kind lives; empty when only the configuration can know."""
    built_in = _BUILT_IN.get(kind)
    return built_in.default_base_url if built_in is not None else ""


def build(settings: ProviderSettings) -> Provider:
    """The provider that the settings describe. An empty `base_url` means the kind's own address.

    Raises:
        ConfigError: `config_invalid` for an unknown kind, a missing address or a header that HTTP does not allow;
            `secret_missing` when the API needs a key; `extra_missing` when another package's provider does not load.
    """
    built_in = _BUILT_IN.get(settings.kind)
    provider: Provider = built_in(settings) if built_in is not None else _foreign(settings.kind)(settings)
    if not provider.base_url.startswith(("http://", "https://")):
        raise ConfigError(
            f"The provider {settings.name} has no address that starts with http:// or https://.",
            f"Kind {settings.kind} has no address of its own." if not provider.base_url else "",
            "Set base_url, for example http://127.0.0.1:8000/v1.",
            param=f"gateway.providers.{settings.name}.base_url",
        )
    return provider


def _foreign(kind: str) -> Callable[[ProviderSettings], Provider]:
    """A provider of another package; looked up only for kinds that are not ours, because the search reads the disk."""
    offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    point = offered.get(kind)
    if point is None:
        known = sorted({*KINDS, *offered})
        near = difflib.get_close_matches(kind, known, n=1)
        raise ConfigError(
            f"There is no provider of kind {kind!r}.",
            f"Known kinds: {', '.join(known)}.",
            f"Did you mean {near[0]}?" if near else "Choose a known kind, or install the package that offers this one.",
        )
    try:
        return cast(Callable[[ProviderSettings], Provider], point.load())
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The provider kind {kind!r} cannot be loaded.",
            f"Its entry point {point.value} does not import.",
            "Install the package again.",
            code="extra_missing",
        ) from error
