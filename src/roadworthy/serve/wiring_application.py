"""Applications of a configuration: which are installed, which are switched on, and their settings."""

from __future__ import annotations

from typing import Any

from roadworthy.core.application import GROUP
from roadworthy.runtime.config.report import ConfigInvalid, Problem, render, suggest
from roadworthy.runtime.config.tree import Config
from roadworthy.runtime.entry_point import offered


def compile_applications(config: Config) -> dict[str, dict[str, Any]]:
    """Settings of every installed application that is not switched off, by name.

    Raises:
        ConfigError: `config_invalid`: the configuration names one that is not installed.
    """
    problems = application_problems(config)
    if problems:
        raise ConfigInvalid(problems)
    given = config.applications
    return {name: given[name].settings() if name in given else {} for name in offered(GROUP) if _is_on(config, name)}


def application_problems(config: Config) -> list[Problem]:
    """Names in the configuration that no installed package offers."""
    if not config.applications:
        return []
    installed = list(offered(GROUP))
    return [
        Problem("", render(("applications", name)), "no such application is installed" + suggest(name, installed))
        for name in config.applications
        if name not in installed
    ]


def _is_on(config: Config, name: str) -> bool:
    return name not in config.applications or config.applications[name].enabled
