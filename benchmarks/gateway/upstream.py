"""Starts the mock provider (upstream.c) and tells it what to do."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from machine import LOAD_CORE, Pinned, wait_for_port


class Upstream:
    """One mock provider at 127.0.0.1:`port`; `name` is in every answer and token it gives."""

    def __init__(self, home: Path, port: int, name: str = "primary") -> None:
        self.port = port
        self.program = Pinned([str(home / "upstream"), str(port), name], LOAD_CORE, home / f"upstream-{port}.log")
        if not wait_for_port(port, 5):
            words = self.program.last_words()
            self.program.__exit__()
            raise RuntimeError(f"The mock provider did not start at port {port}: {words}")

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__()

    def follow(self, plan: str) -> None:
        """Make every later request follow a plan of upstream.c, whatever its model; `none` ends it."""
        self._control(f"/plan/{plan}")

    def chats(self) -> int:
        """How many chat requests have come in since the start."""
        return int(self._control("/count")["chats"])

    def _control(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
