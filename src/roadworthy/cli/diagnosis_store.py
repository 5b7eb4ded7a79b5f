"""What `doctor` looks at in the stores that replicas share: it goes there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from roadworthy.cli.finding import Finding
from roadworthy.core.errors import RoadworthyError

if TYPE_CHECKING:
    from roadworthy.runtime.config.tree import Config


def store_findings(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The database of the records and the shared state answer. A store that is not configured is not told of."""
    from roadworthy.serve.wiring_store import compile_state, database

    def look_at_database() -> str | None:
        dsn = database(config, environ)
        return None if dsn is None else _database(dsn)

    def look_at_state() -> str | None:
        state = compile_state(config, environ)
        return None if state is None else _state(state.url)

    for name, look in (("records database", look_at_database), ("shared state", look_at_state)):
        try:
            evidence = look()
        except RoadworthyError as error:
            yield Finding(name, "bad", f"{error.what} {error.why}".strip(), error.mend)
        else:
            if evidence is not None:
                yield Finding(name, "ok", evidence)


def _database(dsn: str) -> str:
    from roadworthy.runtime.journal_postgres import PostgresJournal

    with contextlib.closing(PostgresJournal(dsn)) as journal:
        counts = journal.counts()
    return f"It answers and holds {sum(counts.values())} records of {len(counts)} replicas."


def _state(url: str) -> str:
    from roadworthy.runtime.valkey_url import host_of, look

    return f"{look(url)} at {host_of(url)} answers."
