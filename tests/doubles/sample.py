"""Made-to-measure content: tokens of a text, an instance of a JSON schema."""

from __future__ import annotations

import re
from typing import Any


def tokens(text: str) -> list[str]:
    """The text in pieces of about a word each; joined they are the text again."""
    return re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text) or ([text] if text else [])


def instance(schema: dict[str, Any]) -> Any:
    """A small value that satisfies a schema of the plain kinds (object, array, enum, const and scalars)."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {name: instance(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items", {"type": "string"}))]
    return {"string": "text", "integer": 7, "number": 1.5, "boolean": True, "null": None}[kind]
