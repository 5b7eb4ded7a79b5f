"""The line to the server that replicas share, as those who use it see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Line(Protocol):
    """What is needed of `runtime.valkey_link.ValkeyLink`."""

    @property
    def up(self) -> bool:
        """Whether the line stands."""
        ...

    @property
    def why(self) -> str:
        """Why it does not."""
        ...

    @property
    def host(self) -> str:
        """Where the server is."""
        ...

    def send(self, *command: bytes | str | int, told: Callable[[object], None] | None = None) -> None:
        """Send a command without waiting."""
        ...
