"""What stands on the abstract stack of a pickle.

A literal is the offset of its opcode, a plain `int`: nothing of it is kept, and it is read again when it is asked for.
Everything else is one of these classes, and most are shared: a list of a million lists is one object. So memory is
bounded by the number of entries, whatever they stand for.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from roadworthy.verify.artifact.pickle.allowlist import Entry, Use

MOST_ITEMS = 16
"""Contents of a tuple that are kept, all levels counted: enough for shapes, dtypes and persistent ids."""


class Opaque:
    """Something whose contents are not kept.

    Args:
        name: What it is, for messages.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Name:
    """A global: something imported by name.

    Args:
        module: As the pickle says it.
        name: As the pickle says it, dots included.
        entry: What the allowlist says of it, None when it is not there.

    Attributes:
        called_freely: A call of it gives `made`, whatever the arguments, and nothing more is to be said.
        made_freely: The same for an instance without its constructor.
        raw: Data follow the state of its instances (arrays of joblib).
    """

    __slots__ = ("called_freely", "entry", "made", "made_freely", "module", "name", "raw")

    def __init__(self, module: str, name: str, entry: Entry | None) -> None:
        self.module = module
        self.name = name
        self.entry = entry
        use = None if entry is None else entry.use
        self.called_freely = entry is None or (use not in (Use.REFERENCE, Use.NEW) and not entry.check)
        self.made_freely = entry is None or (use not in (Use.REFERENCE, Use.CHECKED) and entry.check != "raw-array")
        self.raw = entry is not None and entry.check == "raw-array"
        self.made = Made(self)

    @property
    def path(self) -> str:
        """`module.name`."""
        return f"{self.module}.{self.name}"


class Made:
    """What a call or an instantiation gave back.

    Args:
        origin: What was called.
        arguments: With what, where somebody needs to know it (dtypes).

    Attributes:
        state: What it was given afterwards, where its arguments are known.
        plain: A state that is a plain dict says nothing more about it.
    """

    __slots__ = ("arguments", "origin", "plain", "state")

    def __init__(self, origin: Name, arguments: Items | None = None) -> None:
        self.origin = origin
        self.arguments = arguments
        self.state: Items | None = None
        self.plain = arguments is None and origin.made_freely


class Items(msgspec.Struct, eq=False):
    """A tuple whose items are known. Nothing changes it, so one object stands for many tuples.

    Attributes:
        items: The items.
        weight: Items of all levels, itself included.
        wrapped: The tuple of this one alone, once `alone` was asked for it.
    """

    items: tuple[Any, ...]
    weight: int = 1
    wrapped: Any = None


class Pairs:
    """The state of an object that needs to be known: a dict in the order of setting."""

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        self.pairs: list[tuple[Value, Value]] = []


Value: TypeAlias = int | Opaque | Name | Made | Items | Pairs

LIST = Opaque("a list")
SET = Opaque("a set")
TUPLE = Opaque("a long tuple")
PLAIN_DICT = Opaque("a dict")
"""A dict none of whose keys begins with two underscores."""
DUNDER_DICT = Opaque("a dict with keys of the language")
ALIASED_DICT = Opaque("a dict from the memo")
"""A dict that is also known under another name, which may change it."""
PERSISTENT = Opaque("a persistent object")
UNKNOWN = Opaque("the result of a call")
EMPTY_TUPLE = Items(())


def alone(item: Value) -> Items:
    """A tuple of one; the same as `bundle([item])`."""
    if type(item) is not Items:
        return Items((item,), 2)
    known: Items | None = item.wrapped
    if known is None:
        known = item.wrapped = Items((item,), item.weight + 1) if item.weight <= MOST_ITEMS // 2 else _LONG_ALONE
    return known


_LONG_ALONE = Items((TUPLE,), 2)


def two(first: Value, second: Value) -> Items:
    """A tuple of two; the same as `bundle([first, second])`."""
    weight = 3
    if type(first) is Items:
        if first.weight > MOST_ITEMS // 2:
            first = TUPLE
        else:
            weight += first.weight - 1
    if type(second) is Items:
        if second.weight > MOST_ITEMS // 2:
            second = TUPLE
        else:
            weight += second.weight - 1
    return Items((first, second), weight)


def bundle(items: list[Value]) -> Value:
    """A tuple of these: with its contents when it is small."""
    if len(items) > MOST_ITEMS:
        return TUPLE
    if Items not in map(type, items):
        return Items(tuple(items), 1 + len(items))
    weight = 1
    for index, item in enumerate(items):
        if isinstance(item, Items):
            if item.weight > MOST_ITEMS // 2:
                items[index] = TUPLE
            else:
                weight += item.weight
                continue
        weight += 1
    return Items(tuple(items), weight)
