"""Servers that the tests of secrets share, and the parts around them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

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
