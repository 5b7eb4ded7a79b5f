"""The environment as a source: read once at the start of a process, by nature; it cannot be rotated from outside."""

from __future__ import annotations

import re
from collections.abc import Mapping

from roadworthy.core.secret import Provenance, Secret


class EnvSource:
    """Reads `env:NAME`.

    Args:
        environ: The environment.
    """

    name = "env"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def fetch(self, place: str) -> Secret | None:
        """The variable without white space around it; None when it is not set or empty."""
        value = self._environ.get(place, "").strip()
        return Secret(value, Provenance(self.name)) if value else None

    def place_of(self, name: str) -> str:
        """The name in capitals, with `_` for whatever a variable cannot hold."""
        return re.sub(r"[^A-Z0-9_]", "_", name.upper())

    def check(self) -> str:
        """Always there."""
        return "read at the start of the process"
