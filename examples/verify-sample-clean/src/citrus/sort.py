"""Praise or complaint."""

from __future__ import annotations

import json
import os
from pathlib import Path

COMPLAINTS = ("late", "broken", "never")


def sort(text: str) -> str:
    """`complaint` when the text holds a word of complaint, else `praise`."""
    if any(word in text.casefold() for word in COMPLAINTS):
        return "complaint"
    return "praise"


def weights(path: Path) -> dict[str, object]:
    """The head of a safetensors file: names and shapes, no code."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return dict(json.loads(file.read(length)))


def password() -> str:
    """Of the database; there is no default."""
    return os.environ["CITRUS_DATABASE_PASSWORD"]
