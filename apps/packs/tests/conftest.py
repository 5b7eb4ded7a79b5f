"""One started application a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packs_app import App


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(tmp_path)
    yield made
    made.engine.dispose()
