"""JSON that somebody else wrote: read into a type, or refused in one way."""

from __future__ import annotations

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
    """The same for an object of any content."""
    return read(content, dict[str, Any])
