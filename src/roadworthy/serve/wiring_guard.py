"""From the configuration to what masks prompts and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from roadworthy.core.errors import ConfigError
from roadworthy.core.ports import Disguise
from roadworthy.gateway import settings
from roadworthy.runtime.config.tree import Config, Route
from roadworthy.runtime.secret import resolve

LEAST_KEY_CHARS = 16


def compile_masking(config: Config, route: Route | None) -> settings.Masking | None:
    """What a route masks; None when it is nothing. A mode masks as the gateway does: its calls may change routes.

    Args:
        config: A checked configuration.
        route: None for a mode.
    """
    own = None if route is None else route.guard
    chosen = config.gateway.guard if own is None else own
    if chosen.prompts == "off" and not chosen.answers:
        return None
    return settings.Masking(chosen.prompts, chosen.answers, tuple(sorted(set(chosen.kinds))))


def masks(edge: settings.EdgeSettings) -> bool:
    """Whether any route or mode does."""
    roles = [role for mode in edge.modes for role in mode.roles]
    return any(route.masking is not None for route in (*edge.routes, *roles))


def token_key(config: Config, environ: Mapping[str, str]) -> str | None:
    """The secret of the tokens; None where none are made.

    Raises:
        ConfigError: `secret_missing`, or `config_invalid` when it is wanted and not configured, or too short.
    """
    guards = [config.gateway.guard, *(route.guard for route in config.gateway.routes.values() if route.guard)]
    if all(guard.prompts != "token" for guard in guards):
        return None
    reference = config.gateway.guard.key
    if reference is None:
        raise ConfigError(
            "gateway.guard.key is missing.",
            "A route replaces personal data by tokens, and tokens are made with a secret.",
            "Set gateway.guard.key to env:NAME or file:PATH, or use prompts: mask.",
            code="config_invalid",
        )
    key = resolve(reference, environ)
    if len(key) < LEAST_KEY_CHARS:
        raise ConfigError(
            "The secret of gateway.guard.key is too short.",
            f"It needs at least {LEAST_KEY_CHARS} characters.",
            "Make one with `openssl rand -hex 32`.",
            code="config_invalid",
        )
    return key


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
