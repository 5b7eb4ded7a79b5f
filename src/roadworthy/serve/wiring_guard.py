"""From the configuration to what is masked in prompts and answers."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.core.errors import ConfigError
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
