"""What `doctor` looks at in the stores that replicas share: it goes there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from roadworthy.cli.finding import Finding, State
from roadworthy.core.errors import RoadworthyError

if TYPE_CHECKING:
    from roadworthy.runtime.config.tree import Config


def store_findings(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The database of the records, the shared state and the database of the jobs answer.

    A store that is not configured is not told of.
    """
    from roadworthy.serve.wiring_store import compile_state, database, job_store

    def look_at_database() -> str | None:
        dsn = database(config, environ)
        return None if dsn is None else _database(dsn)

    def look_at_state() -> str | None:
        state = compile_state(config, environ)
        return None if state is None else _state(state.url)

    def look_at_jobs() -> str | None:
        url = job_store(config, environ)
        return None if url is None else _jobs(url)

    looks = (("records database", look_at_database), ("shared state", look_at_state), ("jobs store", look_at_jobs))
    for name, look in looks:
        try:
            evidence = look()
        except RoadworthyError as error:
            yield Finding(name, "bad", f"{error.what} {error.why}".strip(), error.mend)
        else:
            if evidence is not None:
                yield Finding(name, "ok", evidence)


def source_findings(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every store of secrets that is configured serves; environment and files are looked at with each secret."""
    from roadworthy.serve.secret_desk import SecretDesk

    for seen in SecretDesk(config, environ).check_sources():
        if seen.name in ("vault", "aws"):
            away = seen.code == "secret_source_unavailable"
            state: State = "ok" if seen.ok else "not checked" if away else "bad"
            yield Finding(f"secrets in {seen.name}", state, seen.evidence, seen.mend, unknown=away)


def _database(dsn: str) -> str:
    from roadworthy.runtime.journal_postgres import PostgresJournal

    with contextlib.closing(PostgresJournal(dsn)) as journal:
        counts = journal.counts()
    return f"It answers and holds {sum(counts.values())} records of {len(counts)} replicas."


def _state(url: str) -> str:
    from roadworthy.runtime.valkey_url import host_of, look

    return f"{look(url)} at {host_of(url)} answers."


def _jobs(url: str) -> str:
    from roadworthy.runtime.jobs.store import guarded, open_engine

    engine = open_engine(url)
    try:
        with guarded(), engine.connect():
            return "It answers."
    finally:
        engine.dispose()
