"""Texts of callers as data in a message to a model: a block that its own text cannot end."""

from __future__ import annotations

import re
from collections.abc import Mapping


def fenced(name: str, rows: Mapping[str, str | None]) -> str:
    """One line `row: text` for each text that is there, between `<name>` and `</name>`.

    A model may follow what stands inside all the same; whoever must be sure judges the answer.

    Args:
        name: Of the block, letters only; what looks like its tags is taken out of the texts.
        rows: Texts by name; each becomes one line.
    """
    tag = re.compile(rf"<\s*/?\s*{name}\b[^<>]*>?", re.IGNORECASE)
    lines = [f"{row}: {_without(tag, ' '.join(text.split()))}" for row, text in rows.items() if text]
    return "\n".join([f"<{name}>", *lines, f"</{name}>"])


def _without(tag: re.Pattern[str], text: str) -> str:
    while (cut := tag.sub(" ", text)) != text:  # one may come to be where another was taken out
        text = cut
    return text
