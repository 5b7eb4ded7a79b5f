"""What holding a value against a schema may cost, told before it is done.

A validator visits a subschema again for every way that leads to it. References make that exponential with 1 KiB of
schema: each of thirty definitions that names the next one twice is 2^30 visits. So ways are counted, not walked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

MAX_VISITS = 100_000
"""Visits of subschemas by one value, where references lead to some of them more than once."""
MAX_WAYS = 2_000
"""Visits of subschemas at one place of a value."""
MAX_PATTERNS = 100

_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_HERE_ONES = ("not", "if", "then", "else")
_HERE_NAMED = ("dependentSchemas", "dependencies")
_MEMBERS = ("unevaluatedProperties", "propertyNames")
_ELEMENTS = ("items", "contains", "additionalItems", "unevaluatedItems", "prefixItems")

Node = dict[str, Any]


class TooCostly(ValueError):
    """A schema whose cost cannot be bounded. The text says why and repeats nothing of the schema."""


class Cost:
    """The references of one schema, followed.

    Args:
        schema: The decoded schema.

    Raises:
        TooCostly: One place of a value could be visited more than 2,000 times, or the schema has more than 100
            patterns, a reference that is no JSON pointer within it, or an identifier below its root besides references.
    """

    __slots__ = ("_root", "_watched", "_ways")

    def __init__(self, schema: Any) -> None:
        self._root: Node = _named(schema)
        self._ways: dict[int, Counter[int] | None] = {}
        self._watched: dict[int, Node] = {}
        nodes = list(_nodes(schema))
        patterns = sum(isinstance(n.get("pattern"), str) + len(_named(n.get("patternProperties"))) for n in nodes)
        if patterns > MAX_PATTERNS:
            raise TooCostly(f"it has more than {MAX_PATTERNS} patterns")
        if not any(
            isinstance(node.get(key), str) for node in nodes for key in ("$ref", "$dynamicRef", "$recursiveRef")
        ):
            return  # visited once each
        for node in nodes:
            self._check(node)
        for node in nodes:
            self._here(node)
        if self._unrolled(self._root, {}) > MAX_WAYS:
            self._watched = {id(node): node for node in nodes}

    def too_much(self, value: Any) -> bool:
        """Whether holding `value` against the schema could take more visits than allowed."""
        if not self._watched:
            return False
        waiting: list[tuple[Any, Counter[int]]] = [(value, self._here(self._root))]
        visits = 0
        while waiting:
            one, ways = waiting.pop()
            visits += sum(ways.values())
            if visits > MAX_VISITS:
                return True
            if isinstance(one, dict):
                waiting.extend((each, self._below(ways, name)) for name, each in one.items())
            elif isinstance(one, list) and one:
                below = self._below(ways, None)
                waiting.extend((each, below) for each in one)
        return False

    def _check(self, node: Node) -> None:
        if any(isinstance(node.get(key), str) for key in ("$dynamicRef", "$recursiveRef")):
            raise TooCostly("a reference in it is no $ref")
        names = ("$id", "id") if "draft-04" in str(self._root.get("$schema")) else ("$id",)
        if node is not self._root and any(isinstance(node.get(key), str) for key in names):
            raise TooCostly("it has an identifier below its root besides references")

    def _here(self, node: Node) -> Counter[int]:
        """How often each subschema is visited at the place where `node` is visited once."""
        known = self._ways.get(id(node), Counter())
        if known is None:
            raise TooCostly("a $ref in it leads back to itself at the same place")
        if known:
            return known
        self._ways[id(node)] = None
        ways = Counter({id(node): 1})
        for other in self._in_place(node):
            ways.update(self._here(other))
            if sum(ways.values()) > MAX_WAYS:
                raise TooCostly(f"one place of a value could be checked more than {MAX_WAYS} times")
        self._ways[id(node)] = ways
        return ways

    def _in_place(self, node: Node) -> Iterator[Node]:
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield _named(self._target(reference))
        for key in _HERE_LISTS:
            yield from _schemas(node.get(key))
        for key in _HERE_ONES:
            yield from _schemas(node.get(key))
        for key in _HERE_NAMED:
            yield from _schemas(list(_named(node.get(key)).values()))

    def _target(self, reference: str) -> Any:
        if reference != "#" and not reference.startswith("#/"):
            raise TooCostly("a $ref in it is no JSON pointer within the schema, and nothing is fetched")
        found: Any = self._root
        for part in reference.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list):
                found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
            else:
                found = _named(found).get(name)
        return found

    def _below(self, ways: Counter[int], name: str | None) -> Counter[int]:
        found: Counter[int] = Counter()
        for node, times in ways.items():
            below = self._watched.get(node)
            for other in _children(below, name) if below else ():
                for each, more in self._here(other).items():
                    found[each] += times * more
        return found

    def _unrolled(self, node: Node, known: dict[int, float]) -> float:
        """Size of the schema with every reference replaced by what it names; infinite where that never ends."""
        at = id(node)
        if at not in known:
            known[at] = float("inf")
            others = [*self._in_place(node), *_every_child(node)]
            known[at] = 1 + sum(self._unrolled(other, known) for other in others)
        return known[at]


def _children(node: Node, name: str | None) -> Iterator[Node]:
    """Subschemas for the member `name` of an object, or for elements of an array (None)."""
    if name is None:
        for key in _ELEMENTS:
            yield from _schemas(node.get(key))
        return
    members = _named(node.get("properties"))
    yield from _schemas(members.get(name) if name in members else node.get("additionalProperties"))
    yield from _schemas(list(_named(node.get("patternProperties")).values()))
    for key in _MEMBERS:
        yield from _schemas(node.get(key))


def _every_child(node: Node) -> Iterator[Node]:
    for key in (*_ELEMENTS, *_MEMBERS, "additionalProperties"):
        yield from _schemas(node.get(key))
    for key in ("properties", "patternProperties"):
        yield from _schemas(list(_named(node.get(key)).values()))


def _schemas(value: Any) -> Iterator[Node]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def _nodes(schema: Any) -> Iterator[Node]:
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _named(value: object) -> Node:
    return value if isinstance(value, dict) else {}
