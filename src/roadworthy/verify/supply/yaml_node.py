"""YAML with the places of its parts, read so that neither its tags nor its references can do harm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MOST_BYTES = 1 << 20
MOST_NODES = 50_000
"""References can multiply what is there; nobody writes so much by hand."""


class Text(str):
    """A text of the file, with the line on which it begins (from 1)."""

    line: int = 1


class Tree(dict[str, Any]):
    """A mapping of the file, with its line."""

    line: int = 1


def parsed(raw: bytes) -> list[Any]:
    """The documents of a file as `Tree`, lists and `Text`; no other types: `on` and `1` stay text.

    Raises:
        ValueError: It is no YAML, is too large, or its references make too much of it.
    """
    if len(raw) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        nodes = list(yaml.compose_all(raw, loader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark is not None else ""
        raise ValueError(f"it is no YAML{where}") from None
    budget = iter(range(MOST_NODES))
    try:
        return [_value(node, budget, frozenset()) for node in nodes if node is not None]
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def texts(value: Any) -> Iterator[Text]:
    """Every text below a value, not the keys."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def line_of(value: Any) -> int | None:
    """The line of a value, None when it does not know it."""
    return getattr(value, "line", None)


def _value(node: yaml.Node, budget: Iterator[int], above: frozenset[int]) -> Any:
    if next(budget, None) is None or id(node) in above:
        raise ValueError("its references make too much of it")
    above |= {id(node)}
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        text = Text(node.value)
        # A block begins on the line after its mark.
        text.line = line + (node.style in {"|", ">"})
        return text
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, budget, above) for each in node.value]
    tree = Tree()
    tree.line = line
    for key, each in node.value:
        value = _value(each, budget, above)
        if isinstance(key, yaml.ScalarNode) and key.value == "<<":
            for merged in value if isinstance(value, list) else [value]:
                tree.update({name: part for name, part in dict(merged).items() if name not in tree})
        elif isinstance(key, yaml.ScalarNode):
            tree[key.value] = value
    return tree
