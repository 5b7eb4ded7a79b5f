"""What stands on the abstract stack of a pickle.

A literal is the offset of its opcode, a plain `int`: nothing of it is kept, and it is read again when it is asked for.
Everything else is one of these classes, and most are shared: a list of a million lists is one object. So memory is
bounded by the number of entries, whatever they stand for.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from roadworthy.verify.artifact.pickle.allowlist import Entry, Use

MOST_ITEMS = 16
"""Items of a tuple that are kept: enough for shapes, dtypes and persistent ids. Nobody asks for tuples inside of it."""
MOST_PAIRS = 64
"""Pairs of a state that are kept: a wrapper of joblib has eight."""


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


class Pairs:
    """The state of an object that needs to be known: a dict in the order of setting.

    Attributes:
        pairs: The first ones, at most `MOST_PAIRS`.
        more: There were more.
    """

    __slots__ = ("more", "pairs")

    def __init__(self) -> None:
        self.pairs: list[tuple[Value, Value]] = []
        self.more = False

    def extend(self, items: list[Value]) -> None:
        """Take a key, a value, a key, a value."""
        room = MOST_PAIRS - len(self.pairs)
        self.more = self.more or len(items) > 2 * room
        self.pairs.extend(zip(items[: 2 * room : 2], items[1 : 2 * room : 2], strict=False))


Items: TypeAlias = tuple[Any, ...]
"""A tuple whose items are known; a tuple inside of it is `TUPLE`."""
Value: TypeAlias = int | Opaque | Name | Made | tuple[Any, ...] | Pairs

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
EMPTY_TUPLE: Items = ()


def bundle(items: list[Value]) -> Value:
    """A tuple of these: with its contents when it is short."""
    if len(items) > MOST_ITEMS:
        return TUPLE
    if len(items) == 2:
        first, second = items
        return (TUPLE if type(first) is tuple else first, TUPLE if type(second) is tuple else second)
    if tuple in map(type, items):
        return tuple([TUPLE if type(item) is tuple else item for item in items])
    return tuple(items)
