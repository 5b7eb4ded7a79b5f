"""Prompts of a configuration: read, checked against the routes and roles that name them, handed to the edges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from roadworthy.core.errors import ConfigError, RoadworthyError
from roadworthy.gateway.prompts.catalogue import Catalogue
from roadworthy.gateway.prompts.template import Template, parse_reference
from roadworthy.runtime.config.report import ConfigInvalid, KeyPath, Problem, render
from roadworthy.runtime.config.tree import Config
from roadworthy.serve.prompt_file import LOCK, Shelf, load


def shelf(config: Config) -> Shelf:
    """What ships and what is in the configured folder.

    Raises:
        ConfigError: As `prompt_file.load`.
    """
    folder = config.gateway.prompts.folder
    return load(Path(folder) if folder else None)


def compile_prompts(config: Config) -> tuple[Template, ...]:
    """All prompts, for the edges.

    Raises:
        ConfigError: As `prompt_file.load`; a route or role names a prompt that is not there; in profile production a
            version is not locked.
    """
    found = shelf(config)
    problems = list(_faults(config, found))
    if problems:
        raise ConfigInvalid(problems)
    return found.templates


def prompt_problems(config: Config) -> list[Problem]:
    """The same as problems for `config check`."""
    try:
        return list(_faults(config, shelf(config)))
    except ConfigError as error:
        return [_problem(("gateway", "prompts", "folder"), f"{error} {error.mend}".strip())]


def unlocked_prompts(config: Config) -> list[Problem]:
    """Warnings: versions that may still change."""
    try:
        names = shelf(config).unlocked if config.profile != "production" else ()
    except ConfigError:
        return []  # prompt_problems has told it
    return [_problem(("gateway", "prompts", "folder"), f"{name} {_UNLOCKED}") for name in names]


_UNLOCKED = f"is not in {LOCK}, so its text may still change; `roadworthy gateway prompts lock` releases it"


def _faults(config: Config, found: Shelf) -> Iterator[Problem]:
    catalogue = Catalogue(found.templates)
    if config.profile == "production":
        for name in found.unlocked:
            yield _problem(("gateway", "prompts", "folder"), f"{name} {_UNLOCKED}")
    for path, name, role, mode in _named(config):
        reference = parse_reference(name)
        assert reference is not None  # the tree checks its form
        try:
            catalogue.find(reference, role, mode)
        except RoadworthyError as error:
            yield _problem(path, f"{error} {error.mend}".strip())


def _named(config: Config) -> Iterator[tuple[KeyPath, str, str | None, str | None]]:
    for name, route in config.gateway.routes.items():
        if route.prompt is not None:
            yield ("gateway", "routes", name, "prompt"), route.prompt, None, None
    for mode_name, mode in config.gateway.modes.items():
        for role in mode.roles:
            chain = mode.roles[role]
            inherited = config.gateway.routes.get(chain[0]) if len(chain) == 1 else None
            prompt = mode.prompts.get(role) or (inherited.prompt if inherited is not None else None)
            if prompt is not None:
                yield ("gateway", "modes", mode_name, "prompts", role), prompt, role, mode_name


def _problem(path: KeyPath, text: str) -> Problem:
    return Problem("", render(path), text)
