"""Whether the console is to run, and what it may show of the configuration."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from roadworthy.core.application import PAGES_GROUP
from roadworthy.core.errors import ConfigError
from roadworthy.gateway.settings import EdgeSettings
from roadworthy.runtime.config.application import Application
from roadworthy.runtime.config.tree import Console
from roadworthy.runtime.entry_point import offered

PACKAGE = "streamlit"


def wanted(console: Console) -> bool:
    """Whether to start the console.

    Args:
        console: Its part of the configuration.

    Raises:
        ConfigError: `extra_missing`: the configuration asks for it and it is not installed.
    """
    if console.enabled is False:
        return False
    installed = importlib.util.find_spec(PACKAGE) is not None
    if console.enabled is True and not installed:
        raise ConfigError(
            "The console is not installed.",
            f"There is no Python package {PACKAGE}, and console.enabled is true.",
            "Run `pip install 'roadworthy[console]'`, or set console.enabled to auto.",
            code="extra_missing",
        )
    return installed


def first_page(applications: Mapping[str, Application]) -> str | None:
    """Address of the page to begin with: that of the first installed application that has one and is not switched off.

    Args:
        applications: As configured.
    """
    names = sorted(offered(PAGES_GROUP))
    return next((name for name in names if name not in applications or applications[name].enabled), None)


def targets_of(edge: EdgeSettings) -> list[dict[str, object]]:
    """What routes can be served by, each once, in the order of the chains; no secret among it.

    Args:
        edge: Compiled settings.
    """
    providers = {provider.name: provider for provider in edge.providers}
    routes: dict[tuple[str, str], list[str]] = {}
    for route in edge.routes:
        for target in route.chain:
            names = routes.setdefault((target.provider, target.model), [])
            if route.name not in names:
                names.append(route.name)
    return [
        {
            "provider": provider, "model": model, "kind": providers[provider].kind,
            "has_key": providers[provider].api_key is not None, "routes": names,
        }
        for (provider, model), names in routes.items()
    ]  # fmt: skip
