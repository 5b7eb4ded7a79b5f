"""Patterns of `re` that are compiled when they are first used: lines need few of them, and every start pays for all."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def compiled_later(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, later.

    Args:
        pattern: In the syntax of `re`. A mistake in it is told at the first use: tests use every rule.
        flags: As for `re.compile`.
    """
    return cast("re.Pattern[AnyStr]", _Later(pattern, flags))


class _Later:
    """Stands for a pattern until it is needed; its methods then become the pattern's own."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._given = pattern, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(*self._given)
        for method in ("match", "search", "fullmatch", "finditer", "findall", "sub", "split", "pattern", "flags"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)
