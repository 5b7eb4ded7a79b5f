"""One gateway whose processes are killed: two edges, the real model, the admin API, and a double that echoes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from doubles import Fault
from rig import Echo, Gateway

KEY = "double-key-77b2"
CONFIG = """
version: 1
gateway:
  providers:
    embedded: {{kind: embedded}}
    echo: {{kind: openai, base_url: "{echo}", api_key: "env:DOUBLE_KEY"}}
  routes:
    chat: {{chain: [embedded/smollm2-135m-instruct]}}
    echo: {{chain: [echo/gpt-4.1-mini]}}
"""


@pytest.fixture(scope="session")
def echo() -> Iterator[Echo]:
    """A paid API that takes 50 ms for an answer."""
    with Echo(Fault("delay", seconds=0.05), api_key=KEY) as double:
        yield double


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory, echo: Echo) -> Iterator[Gateway]:
    """Killed in parts by every test; each leaves it well again."""
    config = CONFIG.format(echo=echo.base_url)
    with Gateway(tmp_path_factory.mktemp("victim"), config, environ={"DOUBLE_KEY": KEY}) as gateway:
        yield gateway


@pytest.fixture
def expendable(tmp_path_factory: pytest.TempPathFactory, echo: Echo) -> Iterator[Gateway]:
    """A gateway without a model, for one test that ends it."""
    config = (
        "version: 1\ngateway:\n  providers:\n"
        f'    echo: {{kind: openai, base_url: "{echo.base_url}", api_key: "env:DOUBLE_KEY"}}\n'
        "  routes: {echo: {chain: [echo/gpt-4.1-mini]}}\n"
    )
    with Gateway(tmp_path_factory.mktemp("expendable"), config, environ={"DOUBLE_KEY": KEY}) as gateway:
        yield gateway
