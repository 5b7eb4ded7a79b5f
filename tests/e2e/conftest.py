"""One real gateway with the real model for all tests here, and one that needs keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import doubles
from rig import Gateway, free_ports

KEY = "double-key-4c1d"
CONFIG = """
version: 1
gateway:
  retry: {{base_s: 0.01, cap_s: 0.02}}
  providers:
    embedded: {{kind: embedded}}
    double: {{kind: openai, base_url: "{double}", api_key: "env:DOUBLE_KEY"}}
    gone: {{kind: compatible, base_url: "http://127.0.0.1:{ports[0]}/v1"}}
    gone-too: {{kind: compatible, base_url: "http://127.0.0.1:{ports[1]}/v1"}}
  routes:
    chat: {{chain: [embedded/smollm2-135m-instruct]}}
    rescued: {{chain: [gone/m, embedded/smollm2-135m-instruct]}}
    dead: {{chain: [gone/m, gone-too/m]}}
    paid: {{chain: [double/gpt-4.1-mini]}}
"""


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """`roadworthy up` with the embedded model, a double of a paid API, and two providers that are down."""
    with doubles.openai(api_key=KEY) as double:
        config = CONFIG.format(double=double.base_url, ports=free_ports(2))
        with Gateway(tmp_path_factory.mktemp("live"), config, environ={"DOUBLE_KEY": KEY}) as gateway:
            yield gateway


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that needs keys, in front of a double of a paid API."""
    with doubles.openai(api_key=KEY) as double:
        config: dict[str, Any] = {"double": double.base_url}
        text = (
            "version: 1\ngateway:\n  require_key: true\n  providers:\n"
            '    double: {{kind: openai, base_url: "{double}", api_key: "env:DOUBLE_KEY"}}\n'
            "  routes: {{paid: {{chain: [double/gpt-4.1-mini]}}}}\n"
        ).format(**config)
        with Gateway(tmp_path_factory.mktemp("guarded"), text, environ={"DOUBLE_KEY": KEY}) as gateway:
            yield gateway
