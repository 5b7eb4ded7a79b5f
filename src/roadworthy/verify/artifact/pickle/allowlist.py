"""Names that a pickle may import, read from `allowlist.json`: exact names, and what may be done with each."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib import resources
from typing import NamedTuple


class Use(StrEnum):
    """What may be done with a name."""

    REFERENCE = "reference"
    """It may stand in data (a dtype, an activation function). Nothing may call it."""
    NEW = "new"
    """Instances may be made without running its constructor (`NEWOBJ`) and given a state (`BUILD`)."""
    CALL = "call"
    """It may be called with any data, and instances may be given a state."""
    CHECKED = "checked"
    """It may be called only with arguments that its check accepts, and stands nowhere else in the data."""


class Entry(NamedTuple):
    """What the list says of one name.

    Args:
        use: What may be done with it.
        check: Name of the check of its arguments, for `Use.CHECKED`.
    """

    use: Use
    check: str = ""


_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def entry(module: str, name: str) -> Entry | None:
    """What the list says of a name; None when it is not on it. Never a prefix, never a pattern."""
    return _entries().get((_PYTHON_2.get(module, module), name))


@cache
def _entries() -> dict[tuple[str, str], Entry]:
    import json

    text = resources.files(__package__).joinpath("allowlist.json").read_text("utf-8")
    found: dict[tuple[str, str], Entry] = {}
    for title, group in json.loads(text).items():
        if not group.get("reason"):
            raise ValueError(f"allowlist.json: [{title}] says no reason")
        given = Entry(Use(group["use"]), group.get("check", ""))
        for module, names in group["names"].items():
            for name in names.split():
                if (module, name) in found:
                    raise ValueError(f"allowlist.json: {module}.{name} stands twice")
                found[module, name] = given
    return found
