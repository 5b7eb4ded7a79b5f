"""From files and environment to one checked tree, and the memory of who set what."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.check import Check
from roadworthy.runtime.config.field import expected, find, siblings
from roadworthy.runtime.config.layer import Stack, read_environment
from roadworthy.runtime.config.locate import MAX_BYTES, Document
from roadworthy.runtime.config.report import (
    ConfigInvalid,
    KeyPath,
    Origin,
    Problem,
    problem_at,
    suggest,
)
from roadworthy.runtime.config.tree import PROFILES, Config
from roadworthy.runtime.secret import looks_secret

DEFAULT_FILE = "roadworthy.yaml"
"""Looked for in the working directory when no file is named."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that passed every check.

    Attributes:
        config: The tree with every default filled in.
        path: The file it came from, None when there is none.
        warnings: What is allowed but most likely not meant, unknown ROADWORTHY_* variables among it.
        stack: The merged layers.
    """

    config: Config
    path: Path | None
    warnings: tuple[Problem, ...]
    stack: Stack

    def where(self, path: KeyPath) -> Origin:
        """Which layer set the key; an item of a list belongs to the layer of the list."""
        while path and isinstance(path[-1], int):
            path = path[:-1]
        return self.stack.origins.get(path, Origin("default", "default"))


def find_file(named: Path | str | None, environ: Mapping[str, str]) -> Path | None:
    """The file in force: named, else ROADWORTHY_CONFIG, else ./roadworthy.yaml, else None.

    Raises:
        ConfigError: `config_invalid` when a named file is not there.
    """
    variable = environ.get("ROADWORTHY_CONFIG")
    chosen = named or variable
    if not chosen:
        return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None
    path = Path(chosen)
    if not path.is_file():
        source = "--config" if named else "ROADWORTHY_CONFIG"
        raise ConfigError(
            f"There is no configuration file at {_name(path)}.",
            f"It was named by {source}.",
            "Correct the path, or run `roadworthy init` to write a file.",
        )
    return path


def find_profile(environ: Mapping[str, str]) -> str:
    """The profile that APP_ENV names; `development` when it is empty or not set.

    Raises:
        ConfigError: `config_invalid` for an unknown profile; the value is not repeated.
    """
    name = environ.get("APP_ENV") or PROFILES[0]
    if name not in PROFILES:
        close = difflib.get_close_matches(name.lower(), PROFILES, n=1)
        meant = f" Did you mean {close[0]}?" if close else ""
        raise ConfigError(
            "The environment variable APP_ENV names no profile.",
            f"Profiles are {', '.join(PROFILES)}.{meant}",
            "Set APP_ENV to one of them, or leave it out for development.",
        )
    return name


def overlaid_profiles(file: Path | None) -> list[str]:
    """Names of the known profiles that have a section in the file.

    Raises:
        ConfigInvalid: The file is no YAML mapping.
        ConfigError: `config_invalid` when it cannot be read.
    """
    overlays = Document(_read(file), _name(file)).data.get("profiles") if file else None
    return [name for name in PROFILES if isinstance(overlays, dict) and overlays.get(name)]


def load(
    path: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    profile: str | None = None,
) -> Loaded:
    """Read, merge and check the configuration: flags > ROADWORTHY_* > profile > file > default.

    Args:
        path: The file; None for the usual search.
        environ: The environment; the process's own when None.
        flags: Values of command-line flags by dotted key, for example `{"gateway.port": 9000}`.
        profile: The profile; APP_ENV chooses when None.

    Raises:
        ConfigInvalid: `config_invalid` or `secret_ref_invalid`, with every problem found at once.
        ConfigError: `config_invalid` when the file or the profile is not there.
    """
    environ = os.environ if environ is None else environ
    profile = profile or find_profile(environ)
    file = find_file(path, environ)
    stack = Stack()
    stack.lay(_profile_defaults(profile), lambda _: Origin("default", f"default of profile {profile}"))
    errors = _lay_file(stack, file, profile) if file else []
    settings, unreadable, warnings = read_environment(environ, stack.data)
    for setting in settings:
        stack.lay(_nested(setting.path, setting.value), _from_variable(setting.variable))
    for key, value in (flags or {}).items():
        stack.lay(_nested(tuple(key.split(".")), value), _from_flag(key))
    config, found = _validate(stack, profile)
    check = Check(stack)
    errors += unreadable + found + check.errors
    if config is None or errors:
        raise ConfigInvalid(_in_order(errors))
    return Loaded(config, file, tuple(check.warnings + warnings), stack)


def _profile_defaults(profile: str) -> dict[str, Any]:
    return {"gateway": {"require_key": profile != "development"}}


def _lay_file(stack: Stack, file: Path, profile: str) -> list[Problem]:
    document = Document(_read(file), _name(file))
    name, lines = document.name, document.lines

    def stands(layer: str, before: KeyPath, text: str) -> Any:
        def origin(path: KeyPath) -> Origin:
            full = (*before, *path)
            line = next((lines[full[:end]] for end in range(len(full), 0, -1) if full[:end] in lines), None)
            place = f"{name}:{line}" if line else name
            return Origin(layer, text.format(place), name, line)

        return origin

    data = dict(document.data)
    overlays = data.pop("profiles", None)
    errors = _check_overlays(overlays, stands("file", (), "{}"))
    if "profile" in data:
        del data["profile"]
        errors.append(
            problem_at(
                stands("file", (), "{}")(("profile",)),
                ("profile",),
                "the profile is chosen by the environment variable APP_ENV, not in the file",
            )
        )
    stack.lay(data, stands("file", (), "{}"))
    overlay = overlays.get(profile) if isinstance(overlays, dict) else None
    if isinstance(overlay, dict):
        stack.lay(overlay, stands("profile", ("profiles", profile), f"profile {profile} of {{}}"))
    return errors


def _check_overlays(overlays: object, origin: Any) -> list[Problem]:
    if overlays is None:
        return []
    if not isinstance(overlays, dict):
        return [problem_at(origin(("profiles",)), ("profiles",), "expected a mapping of keys")]
    problems = []
    for name, overlay in overlays.items():
        path = ("profiles", name)
        if name not in PROFILES:
            problems.append(problem_at(origin(path), path, "unknown profile" + suggest(name, PROFILES)))
        elif overlay is not None and not isinstance(overlay, dict):
            problems.append(problem_at(origin(path), path, "expected a mapping of keys"))
        elif overlay and {"profile", "profiles"} & set(overlay):
            problems.append(problem_at(origin(path), path, "a profile cannot choose or hold profiles"))
    return problems


def _read(file: Path) -> str:
    reason, raw = "", b""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = f"{error.strerror or 'input/output error'}."
    if len(raw) > MAX_BYTES:
        reason = f"It is larger than {MAX_BYTES} bytes."
    text = raw.decode("utf-8", "replace")
    if not reason and "\ufffd" in text:
        reason = f"Line {text[: text.index(chr(0xFFFD))].count(chr(10)) + 1} is not UTF-8 text."
    if reason:
        raise ConfigError(
            f"The configuration file {_name(file)} cannot be read.", reason, "Make it a readable UTF-8 text file."
        )
    return text


def _name(file: Path) -> str:
    if looks_secret(file.name):
        return "***"
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _nested(path: Sequence[str | int], value: object) -> dict[str, Any]:
    tree: Any = value
    for part in reversed(path):
        tree = {str(part): tree}
    return dict(tree)


def _from_variable(variable: str) -> Any:
    return lambda _: Origin("environment", f"environment variable {variable}")


def _from_flag(key: str) -> Any:
    return lambda _: Origin("flag", f"flag --{key.split('.')[-1].replace('_', '-')}")


def _validate(stack: Stack, profile: str) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate({**stack.data, "profile": profile}), []
    except ValidationError as error:
        found = [_problem(stack, dict(fault)) for fault in error.errors(include_url=False)]
    # Both branches of a union complain about the same key; one line says it.
    return None, list(dict.fromkeys(found))


def _problem(stack: Stack, fault: Mapping[str, Any]) -> Problem:
    kind, given = fault["type"], fault.get("input")
    path = _in_data(stack.data, fault["loc"], kind == "missing")
    origin = stack.origin(path[:-1] if kind == "missing" else path)
    field = find(path)
    if kind == "secret_ref_invalid":
        return problem_at(origin, path, fault["ctx"]["what"].rstrip("."), kind)
    if kind == "extra_forbidden" or field is None:
        return problem_at(origin, path, "unknown key" + suggest(path[-1] if path else "", siblings(path)))
    if kind == "missing":
        return problem_at(origin, path, f"is missing; expected {expected(field)}")
    empty = "nothing stands here; " if given is None else ""
    meant = suggest(given, re.split(r", |one of ", expected(field))) if kind == "literal_error" else ""
    return problem_at(origin, path, f"{empty}expected {expected(field)}" + (meant if "did you mean" in meant else ""))


def _in_data(data: Any, loc: Sequence[str | int], missing: bool) -> KeyPath:
    path: KeyPath = ()
    for part in loc:
        inside = part in data if isinstance(data, Mapping) else isinstance(data, list) and isinstance(part, int)
        if not inside:
            # What pydantic appends to a location that is in the data is the branch of a union.
            return (*path, part) if missing else path
        path, data = (*path, part), data[part]
    return path


def _in_order(errors: Sequence[Problem]) -> list[Problem]:
    unique = list(dict.fromkeys(errors))
    return sorted(unique, key=lambda problem: (problem.file is None, problem.line or 0))
