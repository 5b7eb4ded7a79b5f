"""A running service that a probe is told of, and what stands in for the product's own command."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rig import naive_gateway
from rig.verify_service import CONFIG
from roadworthy.verify.service import second

Started = Callable[..., str]


@pytest.fixture
def running(subject: Path) -> Iterator[Started]:
    """Starts a service that lives and offers what the configuration says; every other promise is the handler's."""
    servers: list[naive_gateway.Wide] = []

    def start(config: str = CONFIG, handler: type[naive_gateway.Naive] = naive_gateway.Naive, flaw: str = "") -> str:
        (subject / "roadworthy.yaml").write_text(config)
        told: dict[str, Any] = {"config": yaml.safe_load(config), "flaw": flaw, "cache": {}, "log_message": _silent}
        server = naive_gateway.Wide(("127.0.0.1", 0), type("Running", (handler,), told))
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _silent(*_: object) -> None:
    """Nothing is printed."""


@pytest.fixture
def naive(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The second edge is the naive gateway with a flaw."""

    def use(flaw: str) -> None:
        monkeypatch.setattr(second, "ROADWORTHY", (sys.executable, naive_gateway.__file__, flaw))

    return use


@pytest.fixture
def flawed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The second edge is the product's own; each of its processes runs a few lines first, which change one function."""

    def use(lines: str) -> None:
        folder = tmp_path / "flaw"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(lines)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(folder), os.environ.get("PYTHONPATH", ""))))

    return use
