"""Finds the provider of a kind: our own by name, others by entry point."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module
from typing import Protocol, cast

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.providers.contract import Provider
from roadworthy.gateway.settings import ProviderSettings

ENTRY_POINTS = "roadworthy.providers"
"""Group under which a package offers a kind: its name, and a callable from `ProviderSettings` to a `Provider`."""

_BUILT_IN = {
    "anthropic": "anthropic:Anthropic",
    "compatible": "compatible:Compatible",
    "deepseek": "deepseek:DeepSeek",
    "embedded": "embedded:Embedded",
    "openai": "openai:OpenAI",
    "perplexity": "perplexity:Perplexity",
}
KINDS = tuple(sorted(_BUILT_IN))
"""The kinds that need no other package."""


def default_base_url(kind: str) -> str:
    """Where the API of a kind lives; empty when only the configuration can know."""
    return _built_in(kind).default_base_url if kind in _BUILT_IN else ""


def build(settings: ProviderSettings) -> Provider:
    """The provider that the settings describe. An empty `base_url` means the kind's own address.

    Raises:
        ConfigError: `config_invalid` for an unknown kind, a missing address or a header that HTTP does not allow;
            `secret_missing` when the API needs a key; `extra_missing` when another package's provider does not load.
    """
    kind = settings.kind
    provider = _built_in(kind)(settings) if kind in _BUILT_IN else _foreign(settings)(settings)
    if not provider.base_url.startswith(("http://", "https://")):
        raise ConfigError(
            f"The provider {settings.name} has no address that starts with http:// or https://.",
            f"Kind {settings.kind} has no address of its own." if not provider.base_url else "",
            "Set base_url, for example http://127.0.0.1:8000/v1.",
            param=f"gateway.providers.{settings.name}.base_url",
        )
    return provider


class _BuiltIn(Protocol):
    default_base_url: str

    def __call__(self, settings: ProviderSettings) -> Provider: ...


def _built_in(kind: str) -> _BuiltIn:
    """Imported on use: an edge needs only the kinds that it is configured for, and starts on every crash."""
    module, _, name = _BUILT_IN[kind].partition(":")
    return cast(_BuiltIn, getattr(import_module(f"roadworthy.gateway.providers.{module}"), name))


def _foreign(settings: ProviderSettings) -> Callable[[ProviderSettings], Provider]:
    """A provider of another package; looked up only for kinds that are not ours, because the search reads the disk."""
    from importlib.metadata import entry_points  # 30 ms that only foreign kinds pay

    kind = settings.kind
    offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    point = offered.get(kind)
    if point is None:
        known = sorted({*KINDS, *offered})
        near = difflib.get_close_matches(kind, known, n=1)
        raise ConfigError(
            f"The provider {settings.name} is of a kind that does not exist.",  # a value is never repeated
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
