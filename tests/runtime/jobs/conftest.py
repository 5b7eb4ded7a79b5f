"""Stores for the conformance suite of the Jobs port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.jobs import Bench
from rig.postgres import fresh_database, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL server, started for this session."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh store of each kind; the default suite has only the most telling test on PostgreSQL."""
    if request.param == "sqlite":
        yield str(tmp_path / "jobs.db")
        return
    with fresh_database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture
def bench(store: str, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(store, tmp_path)
    yield made
    made.close()
