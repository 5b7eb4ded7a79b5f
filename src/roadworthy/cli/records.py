"""The records in the database, apart from click."""

from __future__ import annotations

import contextlib
import os

from roadworthy.cli.output import Settings
from roadworthy.cli.target import load_config
from roadworthy.core.errors import StorageError, UsageError


def verify_database(out: Settings) -> None:
    """Recompute the chain of every replica in `journal.database` and show what was found.

    Raises:
        UsageError: None is configured.
        StorageError: `store_unavailable` when it does not answer; `journal_corrupt` when a chain is broken.
    """
    from roadworthy.runtime.journal_postgres import PostgresJournal
    from roadworthy.serve.wiring_store import database

    dsn = database(load_config(out), os.environ)
    if dsn is None:
        raise UsageError(
            "There is no database of the records.", "journal.database is not set.", "Set it, or leave out --database."
        )
    with contextlib.closing(PostgresJournal(dsn)) as journal:
        chains = journal.verify()
    broken = [chain for chain in chains if chain.found.first_bad_seq is not None]
    if broken:
        places = ", ".join(f"entry {chain.found.first_bad_seq} of {chain.replica}" for chain in broken)
        raise StorageError(
            f"{len(broken)} of {len(chains)} chains in the database are broken.",
            f"Changed, missing or out of place: {places}.",
            "Compare with `roadworthy gateway journal verify` on the machine that the chain came from.",
            code="journal_corrupt",
        )
    data = [{"replica": chain.replica, "host": chain.host, **chain.found._asdict()} for chain in chains]
    rows = [(chain.replica, chain.host, chain.found.entries, chain.found.head) for chain in chains]
    out.emit({"whole": True, "chains": data}, out.table(["replica", "host", "entries", "head"], rows))
