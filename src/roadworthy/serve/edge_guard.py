"""Gives the edge what masks prompts and answers, when a route asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.core.ports import Disguise
from roadworthy.gateway import settings

if TYPE_CHECKING:
    from roadworthy.guard.text.masker import TextMasker


def masks(edge: settings.EdgeSettings) -> bool:
    """Whether any route or mode does."""
    roles = [role for mode in edge.modes for role in mode.roles]
    return any(route.masking is not None for route in (*edge.routes, *roles))


class Wired(NamedTuple):
    """What gives each request of a key its disguise.

    Attributes:
        open: From the key's id and what a route masks.
        prepare: Compiles what answers need, in up to a second; nothing where no answer is masked.
    """

    open: Callable[[str, settings.Masking], Disguise]
    prepare: Callable[[], None]


def disguises(edge: settings.EdgeSettings, masker: TextMasker | None = None) -> Wired:
    """Wire masking.

    Args:
        edge: Compiled configuration.
        masker: Finds; it knows the secrets that were fetched. One of its own when None.

    Raises:
        ConfigError: `config_invalid`: a kind is not known.
    """
    from roadworthy.guard.text.disguise import Disguises

    made = Disguises((edge.token_key or "").encode(), masker)

    def open_for(key_id: str, masking: settings.Masking) -> Disguise:
        return made.open(key_id, masking.prompts, masking.answers, masking.kinds)

    for route in (*edge.routes, *(role for mode in edge.modes for role in mode.roles)):
        if route.masking is not None:
            _check(route.masking)
            open_for("", route.masking)
    return Wired(open_for, made.prepare)


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
