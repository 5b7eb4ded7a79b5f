"""Names of models as providers write them."""

from __future__ import annotations

import re

_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


def undated(model: str) -> str:
    """The name without its release: `gpt-4.1-2025-04-14`, `claude-haiku-4-5-20251001` and `…-latest` lose their end."""
    return _DATE.sub("", model)
