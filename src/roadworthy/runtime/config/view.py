"""The configuration in force as people look at it: plain values, secrets as references, keys found by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from roadworthy.core.errors import UsageError
from roadworthy.runtime.config.check import EMBEDDED_ONLY, REMOTE_ONLY
from roadworthy.runtime.config.load import Loaded
from roadworthy.runtime.config.report import KeyPath, render, suggest

_INDEX = re.compile(r"\[(\d+)\]")


def effective(loaded: Loaded) -> dict[str, Any]:
    """The whole tree as JSON values, every default filled in.

    Secrets stand as references, plain header values as `***`; keys without meaning for a provider's kind are
    left out.
    """
    tree = loaded.config.model_dump(mode="json")
    for provider in tree["gateway"]["providers"].values():
        for key in REMOTE_ONLY if provider["kind"] == "embedded" else EMBEDDED_ONLY:
            del provider[key]
        headers = provider.get("headers", {})
        headers.update({name: "***" for name, value in headers.items() if not value.startswith(("env:", "file:"))})
    return tree


def as_yaml(value: object) -> str:
    """A value as YAML without a line break at its end; text stands bare."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list):
        text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
        return text.rstrip("\n")
    return "null" if value is None else str(value).lower()


def look_up(loaded: Loaded, key: str) -> tuple[KeyPath, Any]:
    """The path and the value in force of a key written as `gateway.routes.chat.chain[0]`.

    Names may hold dots; the longest name that exists is taken.

    Raises:
        UsageError: `invalid_request` when there is no such key; says which one may have been meant.
    """
    node: Any = effective(loaded)
    rest = [part for part in _INDEX.sub(r".\1", key).split(".") if part]
    path: KeyPath = ()
    while rest:
        step = _step(node, rest)
        if step is None:
            raise _unknown(path, node, rest[0])
        name, used = step
        path, node, rest = (*path, name), node[name], rest[used:]
    return path, node


def leaves(value: object, path: KeyPath = ()) -> list[KeyPath]:
    """Paths of every value under a value; lists and empty mappings count as one."""
    if isinstance(value, Mapping) and value:
        return [leaf for name, item in value.items() for leaf in leaves(item, (*path, str(name)))]
    return [path]


def _step(node: object, rest: list[str]) -> tuple[str | int, int] | None:
    if isinstance(node, list):
        return (int(rest[0]), 1) if rest[0].isdigit() and int(rest[0]) < len(node) else None
    if isinstance(node, Mapping):
        for used in range(len(rest), 0, -1):
            if ".".join(rest[:used]) in node:
                return ".".join(rest[:used]), used
    return None


def _unknown(path: KeyPath, node: object, name: str) -> UsageError:
    names = [str(key) for key in node] if isinstance(node, Mapping) else []
    inside = f"`{render(path)}`" if path else "the configuration"
    guess = suggest(name, names).removeprefix("; ")
    return UsageError(
        f"There is no such key in {inside}.",
        guess[:1].upper() + guess[1:],
        "`roadworthy config show` prints all keys.",
    )
