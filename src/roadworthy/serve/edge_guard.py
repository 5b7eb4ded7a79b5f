"""Gives the edge what masks prompts and answers, when a route asks for it."""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.core.errors import ConfigError
from roadworthy.core.ports import Disguise
from roadworthy.gateway import settings


def masks(edge: settings.EdgeSettings) -> bool:
    """Whether any route or mode does."""
    roles = [role for mode in edge.modes for role in mode.roles]
    return any(route.masking is not None for route in (*edge.routes, *roles))


def disguises(edge: settings.EdgeSettings) -> Callable[[str, settings.Masking], Disguise]:
    """What gives each request of a key its disguise.

    Raises:
        ConfigError: `config_invalid`: a kind is not known.
    """
    from roadworthy.guard.text.disguise import Disguises

    made = Disguises((edge.token_key or "").encode())

    def open_for(key_id: str, masking: settings.Masking) -> Disguise:
        return made.open(key_id, masking.prompts, masking.answers, masking.kinds)

    for route in (*edge.routes, *(role for mode in edge.modes for role in mode.roles)):
        if route.masking is not None:
            _check(route.masking)
            open_for("", route.masking)
    return open_for


def _check(masking: settings.Masking) -> None:
    from roadworthy.guard.text.kind import Kind

    unknown = sorted(set(masking.kinds) - {kind.value for kind in Kind})
    if unknown:
        raise ConfigError(
            f"{unknown[0]} is no kind that the guard knows.",
            "gateway.guard.kinds, or the guard of a route, names it.",
            f"Use some of {', '.join(sorted(kind.value for kind in Kind))}.",
            code="config_invalid",
        )
