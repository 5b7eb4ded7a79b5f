"""A source whose every move the test decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from roadworthy.core.clock import ManualClock
from roadworthy.core.errors import SecretError
from roadworthy.core.ports import Entry
from roadworthy.core.secret import Provenance, Secret
from roadworthy.guard.secrets.audit import ResolutionAudit
from roadworthy.guard.secrets.cache import Lifetimes
from roadworthy.guard.secrets.chain import SecretChain


class FakeSource:
    """Attributes `values` and `fault` (an error code) may be changed at any time."""

    def __init__(self, name: str, **values: str) -> None:
        self.name = name
        self.values = values
        self.fault = ""
        self.asked = 0
        self.version = 1

    def fetch(self, place: str) -> Secret | None:
        self.asked += 1
        if self.fault:
            raise SecretError(f"{self.name} does not serve.", code=self.fault)
        value = self.values.get(place)
        return None if value is None else Secret(value, Provenance(self.name, str(self.version), 0.0, 5.0))

    def place_of(self, name: str) -> str:
        return name

    def check(self) -> str:
        return "there"


class Rig:
    """A chain on a clock of its own, with what it wrote and offered."""

    def __init__(self, *sources: Any, strict: bool = True, lifetimes: Lifetimes | None = None) -> None:
        self.clock = ManualClock()
        self.entries: list[Entry] = []
        self.offered: list[tuple[str, str]] = []
        self.chain = SecretChain(
            sources, self.clock, ResolutionAudit(self.entries.append, self.clock), strict=strict,
            lifetimes=lifetimes or Lifetimes(60.0, 600.0, 10.0), on_value=lambda *told: self.offered.append(told),
        )  # fmt: skip

    def told(self) -> Sequence[tuple[str, dict[str, Any]]]:
        return [(entry.kind, json.loads(entry.payload)) for entry in self.entries]

    def code(self, reference: str) -> str:
        """Code of the error that a resolution ends with; empty when it gives a value."""
        try:
            self.chain.resolve(reference)
        except SecretError as error:
            return error.code
        return ""
