"""JSON inside an answer's text: whether it is there, and the one repair that needs no model."""

from __future__ import annotations

from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
NOTHING: Any = object()
"""What `parsed` gives for a text that is no JSON; None is a JSON value."""


def parsed(text: str) -> Any:
    """The value of a text that is one JSON value (RFC 8259), else `NOTHING`."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return NOTHING


def unfenced(text: str) -> str | None:
    """The JSON that the text wraps in one code fence or in a sentence before the fence; None when there is no such.

    Exactly one fenced block is taken, and only when it is JSON: with two of them the model alone knows which one it
    meant.
    """
    parts = text.split("```")
    if len(parts) != 3:
        return None
    label, newline, body = parts[1].partition("\n")
    inner = (body if newline and label.strip().lower() in ("", "json", "json5", "jsonc") else parts[1]).strip()
    if not newline and inner[:4].lower() == "json":
        inner = inner[4:].strip()
    return inner if inner[:1] in ("{", "[") and parsed(inner) is not NOTHING else None


def spoken(value: Any) -> str:
    """Every string in a JSON value, keys left out, one a line: what it says to people."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict):
            waiting.extend(reversed(one.values()))
        elif isinstance(one, list):
            waiting.extend(reversed(one))
    return "\n".join(found)
