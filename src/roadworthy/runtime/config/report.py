"""What is wrong with a configuration, told with place, key and what was expected, never with a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.secret import looks_secret

KeyPath = tuple[str | int, ...]
"""Way from the root of the tree to a key: names, and numbers inside lists."""

MAX_SHOWN = 50
"""Most problems that one error lists; a file with more has one cause."""

_SHOWABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/*-]{0,63}\*?|\*")


class Origin(NamedTuple):
    """Which layer set a key.

    Attributes:
        layer: `flag`, `environment`, `profile`, `file` or `default`.
        text: The place for people, for example `roadworthy.yaml:12`.
        file: Name of the file, None outside files.
        line: Line in the file, counted from 1, None outside files.
    """

    layer: str
    text: str
    file: str | None = None
    line: int | None = None


class Problem(NamedTuple):
    """One thing that is wrong, or worth a warning. Holds no value of the configuration.

    Attributes:
        where: Place for people: `roadworthy.yaml:12`, or the variable or flag at fault.
        key: Key path such as `gateway.routes.chat.chain[0]`; empty when it is about a whole file.
        text: What is wrong and what was expected.
        file: Name of the file, None when the fault is not in one.
        line: Line in the file, counted from 1.
        code: Error code: `config_invalid` or `secret_ref_invalid`.
    """

    where: str
    key: str
    text: str
    file: str | None = None
    line: int | None = None
    code: str = "config_invalid"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.text) if part)


class ConfigInvalid(ConfigError):
    """All that is wrong with the configuration at once.

    Args:
        problems: At least one; the first becomes `what` and gives the error its code, `why` lists the others.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        first, others = problems[0], problems[1 : MAX_SHOWN + 1]
        why = f"{len(problems) - 1} more: " + "; ".join(str(problem) for problem in others) if others else ""
        super().__init__(str(first), why, code=first.code, param=first.key or None)
        self.problems = tuple(problems)

    def as_dict(self) -> dict[str, object]:
        """The `error` object, with `problems`: where, key, text, file, line and code of each."""
        return {**super().as_dict(), "problems": [problem._asdict() for problem in self.problems]}


def problem_at(origin: Origin, path: KeyPath, text: str, code: str = "config_invalid") -> Problem:
    """A problem of one key at the place that set it."""
    return Problem(origin.text, render(path), text, origin.file, origin.line, code)


def render(path: KeyPath) -> str:
    """A key path as people write it, `gateway.routes.chat.chain[0]`; names that could be secrets become `***`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{show(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def show(name: str) -> str:
    """The name of a key, or `***` when it looks like a secret that was put in the wrong place."""
    return name if _SHOWABLE.fullmatch(name) and not looks_secret(name) else "***"


def suggest(given: object, known: Iterable[str]) -> str:
    """`; did you mean …?` with the closest known name, or the known names when none is close.

    Args:
        given: What was written; it is compared, never repeated.
        known: Names that would have been right.
    """
    names = [name for name in known if show(name) == name]
    if not names:
        return ""
    close = difflib.get_close_matches(str(given).lower()[:100], names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known: {', '.join(sorted(names)[:40])}"
