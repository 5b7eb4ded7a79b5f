"""Custom checks: other packages offer them under the entry point group `roadworthy.quality`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from roadworthy.core.errors import ConfigError

ENTRY_POINTS = "roadworthy.quality"
"""Group under which a package offers a check: its name, and a callable from the answer's text to what is wrong with it
as one sentence for the model, or None. It runs on the event loop: it must not wait and must be done in microseconds."""

RAISED = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError, NameError,
    OSError, RuntimeError, StopIteration, SyntaxError, TypeError, ValueError, Warning,
)  # fmt: skip
"""What a check may raise, subclasses included, to have given no verdict. Anything else is a bug that ends the request
at the HTTP handler's door: in both cases the answer is not served."""

Check = Callable[[str], str | None]
MAX_CHARS = 300


class CheckFailed(Exception):
    """A check did not give a verdict. Holds the type of what went wrong, never its text."""


class CustomCheck:
    """One check of another package, fenced in.

    Args:
        name: Its entry point.
        function: What the entry point loads.
    """

    __slots__ = ("_function", "name")

    def __init__(self, name: str, function: Check) -> None:
        self.name = name
        self._function = function

    def __call__(self, text: str) -> str | None:
        """What is wrong with the text, at most 300 characters; None when nothing is.

        Raises:
            CheckFailed: It raised one of `RAISED`, or gave something else than a text or None.
        """
        try:
            told = self._function(text)
        except RAISED as error:
            raise CheckFailed(type(error).__name__) from error
        if told is None:
            return None
        if not isinstance(told, str) or not told.strip():
            raise CheckFailed(f"it returned {type(told).__name__} instead of a sentence or None")
        return told[:MAX_CHARS]


def load_checks(names: Iterable[str]) -> dict[str, CustomCheck]:
    """The named checks, loaded.

    Raises:
        ConfigError: `config_invalid` when no installed package offers one, `extra_missing` when one does not load.
    """
    wanted = sorted(set(names))
    if not wanted:
        return {}
    from importlib.metadata import entry_points  # 30 ms that only gateways with checks of their own pay

    offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    found: dict[str, CustomCheck] = {}
    for name in wanted:
        point = offered.get(name)
        if point is None:
            raise ConfigError(
                f"No installed package offers the quality check {name!r}.",
                f"Offered: {', '.join(sorted(offered)) or 'none'}.",
                f"Install the package, or correct the name; the entry point group is {ENTRY_POINTS}.",
            )
        try:
            function = point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"The quality check {name!r} cannot be loaded.",
                f"Its entry point {point.value} does not import.",
                "Install the package again.",
                code="extra_missing",
            ) from error
        if not callable(function):
            raise ConfigError(
                f"The quality check {name!r} is no function.",
                f"Its entry point is {point.value}.",
                "Correct the package.",
            )
        found[name] = CustomCheck(name, cast(Check, function))
    return found
