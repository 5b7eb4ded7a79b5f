"""Checks a configuration as a whole: every profile of the file, and the secrets of the profile in force."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import find_file, find_profile, load, overlaid_profiles
from roadworthy.runtime.config.report import ConfigInvalid, Problem
from roadworthy.runtime.config.tree import Config
from roadworthy.serve.wiring import secret_references
from roadworthy.serve.wiring_application import application_problems
from roadworthy.serve.wiring_prompt import prompt_problems, unlocked_prompts
from roadworthy.serve.wiring_secret import resolve, with_secrets
from roadworthy.serve.wiring_store import store_faults


class Checked(NamedTuple):
    """A configuration without errors.

    Attributes:
        file: The file, None for the built-in defaults.
        profile: The profile in force.
        profiles_checked: All profiles that the configuration was read with.
        warnings: What is allowed but most likely not meant, missing secrets among it.
    """

    file: str | None
    profile: str
    profiles_checked: list[str]
    warnings: list[Problem]


def check(path: Path | None, environ: Mapping[str, str] | None = None) -> Checked:
    """Read the configuration once with each profile.

    Args:
        path: The file; None for the usual search.
        environ: The environment; the process's own when None.

    Raises:
        ConfigInvalid: Every problem of every profile.
        ConfigError: The file or the profile is not there.
    """
    environ = os.environ if environ is None else environ
    active = find_profile(environ)
    file = find_file(path, environ)
    profiles = [active, *(name for name in overlaid_profiles(file) if name != active)]
    warnings: dict[Problem, None] = {}
    problems: dict[Problem, None] = {}
    for profile in profiles:
        try:
            loaded = load(file, environ=environ, profile=profile)
        except ConfigInvalid as error:
            problems.update(_told(error.problems, problems, profile, active))
            continue
        wrong = [*prompt_problems(loaded.config), *application_problems(loaded.config)]
        problems.update(_told(wrong, problems, profile, active))
        found = [*loaded.warnings, *unlocked_prompts(loaded.config)]
        found += _missing_secrets(loaded.config, environ) if profile == active else []
        warnings.update(_told(found, warnings, profile, active))
    if problems:
        raise ConfigInvalid(list(problems))
    return Checked(str(file) if file else None, active, profiles, list(warnings))


def _told(found: Iterable[Problem], known: Mapping[Problem, None], profile: str, active: str) -> dict[Problem, None]:
    """What is new; a problem that only another profile has says so."""
    new = [problem for problem in found if problem not in known]
    prefix = "" if profile == active else f"with APP_ENV={profile}: "
    return {problem._replace(text=prefix + problem.text): None for problem in new}


def _missing_secrets(config: Config, environ: Mapping[str, str]) -> list[Problem]:
    missing: list[Problem] = []
    environ = with_secrets(config, environ)
    for name, ref in secret_references(config):
        try:
            resolve(ref, environ)
        except ConfigError as error:
            key = f"gateway.providers.{name}"
            missing.append(Problem("", key, f"{error.what} {error.why}", code=error.code))
    missing += [Problem("", key, f"{e.what} {e.why}", code=e.code) for key, e in store_faults(config, environ)]
    return missing
