"""Servers that the tests of secrets share, and the parts around them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from rig.moto import ENVIRON, Moto
from rig.openbao import OpenBao, bao_folder


@pytest.fixture(scope="session")
def bao() -> Iterator[OpenBao]:
    """A real OpenBao. Whoever seals it unseals it."""
    folder = bao_folder()
    try:
        with OpenBao(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """A double of AWS with real HTTP."""
    with Moto() as server:
        yield server


@pytest.fixture
def aws_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login in the environment, where the SDK looks for one, and no trace of the machine's own."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        **ENVIRON,
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)
