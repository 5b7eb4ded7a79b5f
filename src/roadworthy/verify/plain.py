"""JSON that somebody else wrote: read into a type, or refused in one way."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def read(content: bytes, kind: type[T]) -> T:
    """The value of JSON bytes as a type.

    Raises:
        ValueError: It is no JSON in UTF-8, is nested too deeply, or is not of the type.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from None


def read_object(content: bytes) -> dict[str, Any]:
    """The same for an object of any content in which no name stands twice: readers differ in which one they take.

    Raises:
        ValueError: As `read`, or a name stands twice in an object.
    """
    found = read(content, dict[str, Any])
    try:
        json.loads(content, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    return found


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("A name stands twice in an object.")
