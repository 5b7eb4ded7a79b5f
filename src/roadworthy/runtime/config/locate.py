"""Reads YAML so that every key still knows its line. Duplicate keys are errors; no tag can run code."""

from __future__ import annotations

import re
from typing import Any

import yaml

from roadworthy.runtime.config.report import ConfigInvalid, KeyPath, Problem, render, show

MAX_BYTES = 1_048_576
"""Largest configuration file."""

MAX_DEPTH = 32
"""Deepest nesting; also what ends an alias that holds itself."""

MAX_NODES = 100_000
"""Most keys and items after aliases are written out."""

# The C loader has another base class for the typeshed, but the same methods.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_QUOTED = re.compile(r"""\s*(['"]).*\1""", re.DOTALL)
_MERGE = "tag:yaml.org,2002:merge"


class Document:
    """The content of one YAML text as plain values, and the line of every key.

    Args:
        text: The YAML text.
        name: Name of the file for messages.

    Attributes:
        data: The content; an empty text is an empty mapping.
        lines: Line of every key and list item, counted from 1.

    Raises:
        ConfigInvalid: The text is no YAML, has a duplicate key, or is not a mapping at the top.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines: dict[KeyPath, int] = {}
        self._problems: list[Problem] = []
        self._nodes = 0
        root = self._compose(text)
        self.data: dict[str, Any] = {}
        if root is not None:
            self._loader = Loader("")
            try:
                value = self._value(root, ())
            finally:
                self._loader.dispose()
            if value is not None and not isinstance(value, dict):
                self._report(root, (), "expected a mapping of keys at the top of the file")
            self.data = value or {}
        if self._problems:
            raise ConfigInvalid(self._problems)

    def _compose(self, text: str) -> yaml.Node | None:
        fault: tuple[str, int | None] | None = None
        root: yaml.Node | None = None
        try:
            if _depth(text) > MAX_DEPTH:
                fault = ("it is too deeply nested", None)
            else:
                root = yaml.compose(text, Loader=Loader)
        except yaml.MarkedYAMLError as error:
            # The problem may quote what stands in the file; that part is cut off.
            told = _QUOTED.sub("", error.problem or "it is not valid YAML")
            fault = (told, error.problem_mark.line + 1 if error.problem_mark else None)
        except (yaml.YAMLError, RecursionError, ValueError):
            fault = ("it is not valid YAML text", None)
        if fault:
            # Raised out here, so that no traceback shows the parser's own message with its excerpt.
            where = f"{self.name}:{fault[1]}" if fault[1] else self.name
            text = f"the file cannot be read as YAML: {fault[0]}"
            raise ConfigInvalid([Problem(where, "", text, self.name, fault[1])])
        return root

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if len(path) > MAX_DEPTH or self._nodes > MAX_NODES:
            raise ConfigInvalid([self._problem(node, (), "too deeply nested, or too many keys after aliases")])
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*path, at)) for at, item in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            self._report(node, path, "this value cannot be read; put it in quotes if it is text")
            return None

    def _item(self, node: yaml.Node, path: KeyPath) -> Any:
        self.lines[path] = node.start_mark.line + 1
        return self._value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        first: dict[str, int] = {}
        for _, value_node in (pair for pair in node.value if pair[0].tag == _MERGE):
            self._merge(value_node, path, merged)
        for key_node, value_node in (pair for pair in node.value if pair[0].tag != _MERGE):
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, path, "a key must be plain text")
                continue
            # A bare `on` or `123` is a fine name; YAML would make another type of it.
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in first:
                text = f"the key `{show(key)}` stands here a second time; the first is in line {first[key]}"
                self._report(key_node, (*path, key), text)
                continue
            first[key] = line
            own[key] = self._value(value_node, (*path, key))
            self.lines[(*path, key)] = line
        return {**merged, **own}

    def _merge(self, node: yaml.Node, path: KeyPath, merged: dict[str, Any]) -> None:
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(source, yaml.MappingNode):
                merged.update({**self._mapping(source, path), **merged})
            else:
                self._report(source, path, "`<<` must name a mapping")

    def _problem(self, node: yaml.Node, path: KeyPath, text: str) -> Problem:
        line = node.start_mark.line + 1
        return Problem(f"{self.name}:{line}", render(path), text, self.name, line)

    def _report(self, node: yaml.Node, path: KeyPath, text: str) -> None:
        self._problems.append(self._problem(node, path, text))


def _depth(text: str) -> int:
    """Deepest nesting, at most one above what is allowed. The C loader itself overflows its stack on deep text."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if deepest > MAX_DEPTH:
            break
    return deepest


def parse_value(text: str) -> Any:
    """A value written in one line of YAML, as environment variables hold it.

    Raises:
        ValueError: It is no YAML; the text is not repeated.
    """
    try:
        return Document(f"value: {text}", "").data["value"]
    except ConfigInvalid as error:
        raise ValueError("not readable as YAML") from error
