"""Layers of the configuration, and who set what: flags > ROADWORTHY_* > profile > file > default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from roadworthy.runtime.config.field import ROOT, Field, bare, expected, leaves
from roadworthy.runtime.config.locate import parse_value
from roadworthy.runtime.config.report import KeyPath, Origin, Problem, render, show, suggest

PREFIX = "ROADWORTHY_"
"""Environment variables with this prefix belong to the product."""

RESERVED = frozenset({"ROADWORTHY_CONFIG", "ROADWORTHY_URL", "ROADWORTHY_API_KEY", "ROADWORTHY_ADMIN_KEY"})
"""Variables that are no configuration keys: the file, and what the client commands use."""

_PLAIN = re.compile(r"[^a-z0-9]+")


class Stack:
    """The layers laid so far, merged, lowest first.

    Attributes:
        data: The merged values.
        origins: Who set each key that a layer set.
    """

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[KeyPath, Origin] = {}

    def lay(self, values: Mapping[str, Any], origin_of: Callable[[KeyPath], Origin]) -> None:
        """Put a layer on top: mappings merge, everything else replaces.

        Args:
            values: The layer's own tree.
            origin_of: Where the layer says a key of it stands.
        """
        self._merge(self.data, values, (), origin_of)

    def origin(self, path: KeyPath) -> Origin:
        """Who set the key: the layer of the key itself, or of the nearest thing around it that a layer set."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return Origin("default", "default")

    def _merge(
        self, onto: dict[str, Any], values: Mapping[str, Any], path: KeyPath, origin_of: Callable[[KeyPath], Origin]
    ) -> None:
        for key, value in values.items():
            here = (*path, key)
            below = onto.get(key)
            if isinstance(value, Mapping) and isinstance(below, dict):
                self._merge(below, value, here, origin_of)
                continue
            self._forget(here)
            self.origins[here] = origin_of(here)
            if isinstance(value, Mapping):
                onto[key] = {}
                self._merge(onto[key], value, here, origin_of)
                continue
            onto[key] = value
            for at in range(len(value) if isinstance(value, list) else 0):
                self.origins[(*here, at)] = origin_of((*here, at))

    def _forget(self, path: KeyPath) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


class Setting(NamedTuple):
    """One configuration key set by an environment variable."""

    path: KeyPath
    value: Any
    variable: str


def read_environment(
    environ: Mapping[str, str], below: Mapping[str, Any]
) -> tuple[list[Setting], list[Problem], list[Problem]]:
    """What the ROADWORTHY_* variables set. Empty variables count as not set.

    Args:
        environ: The environment.
        below: Merged values of the lower layers, whose names of providers and routes variables may meet.

    Returns:
        Settings; errors of variables whose value cannot be read; warnings about variables that name no key.
    """
    settings: list[Setting] = []
    errors: list[Problem] = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in RESERVED or not environ[variable]:
            continue
        found = _match(variable, below)
        if found is None:
            continue
        path, field = found
        try:
            settings.append(Setting(path, _read(environ[variable], field), variable))
        except ValueError:
            text = f"expected {expected(field)}, written as one line of YAML"
            errors.append(Problem(f"environment variable {variable}", render(path), text))
    return settings, errors, unknown_variables(environ, below)


def unknown_variables(environ: Mapping[str, str], below: Mapping[str, Any] | None = None) -> list[Problem]:
    """Warnings about ROADWORTHY_* variables that nothing reads, with the name that may have been meant.

    Args:
        environ: The environment.
        below: Merged values of the lower layers, for the names of providers and routes.
    """
    unknown = [
        name
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in RESERVED and _match(name, below or {}) is None
    ]
    known = {name.lower(): name for name in _names(below or {})} if unknown else {}
    return [
        Problem(
            f"environment variable {show(name)}",
            "",
            "nothing reads this variable" + _suggestion(name, known),
        )
        for name in unknown
    ]


def as_variable(path: KeyPath) -> str:
    """Name of the variable that sets a key: `ROADWORTHY_GATEWAY__PORT`."""
    return PREFIX + "__".join(_normal(str(part)).upper() for part in path)


def _suggestion(name: str, known: Mapping[str, str]) -> str:
    text = suggest(name, known)
    if "did you mean" not in text:
        return ""
    return f"; did you mean `{known[text.split('`')[1]]}`?"


def _names(below: Mapping[str, Any]) -> list[str]:
    names = list(RESERVED)
    for path, _ in leaves():
        options: list[tuple[str, ...]] = [()]
        for part in path:
            options = [(*done, name) for done in options for name in _filled(part, done, below)]
        names += [as_variable(option) for option in options]
    return names


def _filled(part: str, done: tuple[str, ...], below: Mapping[str, Any]) -> list[str]:
    if part != "*":
        return [part]
    return [str(name) for name in _mapping_at(below, done)]


def _mapping_at(data: Mapping[str, Any], path: KeyPath) -> Mapping[str, Any]:
    node: Any = data
    for part in path:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _match(variable: str, below: Mapping[str, Any]) -> tuple[KeyPath, Field] | None:
    path: KeyPath = ()
    field = ROOT
    for segment in variable.removeprefix(PREFIX).lower().split("__"):
        children = field.children()
        if children is not None:
            info = children.get(segment) if (*path, segment) != ("profile",) else None
            own = field.free() if info is None else bare(info.annotation, info)
            if own is None or not segment:
                return None
            names = [name for name in _mapping_at(below, path) if info is None and _normal(str(name)) == segment]
            path, field = (*path, names[0] if names else segment), own
            continue
        entry = field.entry()
        if entry is None or not segment or expected(field) != "a mapping of keys":
            return None
        names = [name for name in _mapping_at(below, path) if _normal(str(name)) == segment]
        new = segment.replace("_", "-") if entry.is_text() else segment
        path, field = (*path, names[0] if names else new), entry
    return path, field


def _normal(name: str) -> str:
    return _PLAIN.sub("_", name.lower())


def _read(text: str, field: Field) -> Any:
    if field.is_text():
        return text
    if expected(field) == "a list of texts" and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",")]
    return parse_value(text)
