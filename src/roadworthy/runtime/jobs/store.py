"""The store of durable jobs: one SQLite file, or a PostgreSQL database. One engine, one set of pragmas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from roadworthy.core.errors import StorageError
from roadworthy.runtime.jobs.url import check_store_url, no_store_url
from roadworthy.runtime.journal import make_private
from roadworthy.runtime.wal import use_wal

BUSY_MS = 10_000
CONNECT_S = 3
POOL = 12
"""Connections: DBOS holds half of them back from its own polls, so that enqueuing never starves."""


def open_engine(store: str | Path) -> sa.Engine:
    """The engine of a store.

    Args:
        store: Path of an SQLite file, made with mode 0600 when missing, or the URL of a PostgreSQL database.

    Raises:
        ConfigError: `config_invalid` when the URL is none of PostgreSQL; its text is not repeated.
        StorageError: `store_unavailable` when the file cannot be made.
    """
    if isinstance(store, Path):
        return _sqlite(store)
    check_store_url(store)
    try:
        url = sa.make_url(store)
    except (sa.exc.ArgumentError, ValueError):
        raise no_store_url() from None
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=4,
        pool_pre_ping=True,
        pool_timeout=5,
        connect_args={"connect_timeout": CONNECT_S, "application_name": "roadworthy-jobs"},
        hide_parameters=True,
    )


def _sqlite(path: Path) -> sa.Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private(path)
    except OSError as error:
        raise StorageError(f"The job store {path.name} cannot be used.", f"{error.strerror}.") from error
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        pool_size=POOL,
        max_overflow=4,
        hide_parameters=True,
    )

    def prepare(connection: Any, _: object) -> None:
        # Writers take their turn at the start of a transaction, not in its middle, where waiting would be a deadlock.
        connection.isolation_level = "IMMEDIATE"
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        use_wal(connection, BUSY_MS / 1e3)
        # A finished step must survive a power cut too: what it paid for is not paid twice.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    sa.event.listen(engine, "connect", prepare)
    return engine


@contextmanager
def guarded() -> Iterator[None]:
    """What the database refuses becomes our error.

    Raises:
        StorageError: `store_unavailable`.
    """
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        raise StorageError(
            "The store of durable jobs does not answer.",
            f"{type(cause or error).__name__}.",
            "Check the database that jobs.store names, or the state directory's free space and rights.",
        ) from error
