"""The journal and the keys of a state directory. A command that only reads makes no file."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.cli.output import when
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry

if TYPE_CHECKING:
    from roadworthy.gateway.keys import Key, KeyStore
    from roadworthy.runtime.journal import SqliteJournal, Stored, Verified

STATE_FILE = "state.db"


@contextlib.contextmanager
def open_journal(state_dir: Path) -> Iterator[SqliteJournal]:
    """The journal, closed at the end.

    Raises:
        StorageError: `store_unavailable` when there is none yet, `journal_corrupt` when it is no database.
    """
    path = state_dir / STATE_FILE
    if not os.path.isfile(path):
        raise StorageError(
            "There is no journal.",
            f"The state directory {state_dir} holds no {STATE_FILE}.",
            "Start a gateway with `roadworthy up`, or name its configuration with --config.",
        )
    with contextlib.closing(_journal(path)) as journal:
        yield journal


@contextlib.contextmanager
def open_keys(state_dir: Path) -> Iterator[KeyStore]:
    """The key store and behind it the journal; both are made when missing, and closed at the end.

    Raises:
        StorageError: `store_unavailable`, `journal_corrupt`.
    """
    from roadworthy.gateway.keys import KeyStore

    path = state_dir / STATE_FILE
    with contextlib.closing(_journal(path)) as journal, contextlib.closing(KeyStore(path, journal)) as store:
        yield store


def read_keys(state_dir: Path) -> tuple[Key, ...]:
    """All keys; none when there is no store yet.

    Raises:
        StorageError: `store_unavailable`.
    """
    from roadworthy.gateway.keys import KeyStore

    if not os.path.isfile(state_dir / STATE_FILE):
        return ()
    with contextlib.closing(KeyStore(state_dir / STATE_FILE)) as store:
        return store.list()


def remember_reset(state_dir: Path, provider: str | None, model: str | None, count: int) -> None:
    """Write to the journal that breakers were closed by hand; the admin API does the same for its callers.

    Raises:
        StorageError: `store_unavailable`, `journal_corrupt`.
    """
    told = {"provider": provider, "model": model, "reset": count, "by": "command line"}
    with open_journal(state_dir) as journal:
        journal.append([Entry("breaker.reset", time.time(), json.dumps(told).encode())])


def remember_cleared(state_dir: Path, count: int) -> None:
    """Write to the journal that the cache was cleared by hand; the admin API does the same for its callers.

    Raises:
        StorageError: `store_unavailable`, `journal_corrupt`.
    """
    with open_journal(state_dir) as journal:
        told = json.dumps({"cleared": count, "by": "command line"})
        journal.append([Entry("cache.cleared", time.time(), told.encode())])


def read_payload(entry: Stored) -> Any:
    """The payload as JSON; as text when it is none, because a damaged journal must still be readable."""
    try:
        return json.loads(entry.payload)
    except ValueError:
        return entry.payload.decode("utf-8", "replace")


def entry_line(entry: Stored) -> str:
    """One entry in one line."""
    return f"{entry.seq}  {when(entry.at)}  {entry.kind}  {entry.payload.decode('utf-8', 'replace')}"


def broken(found: Verified) -> StorageError:
    """The error for a chain that does not hold."""
    return StorageError(
        "The journal's hash chain is broken.",
        f"Entry {found.first_bad_seq} is changed, missing or out of place; {found.entries} entries are there.",
        code="journal_corrupt",
    )


def _journal(path: Path) -> SqliteJournal:
    from roadworthy.guard.text.masker import TextMasker
    from roadworthy.runtime.journal import SqliteJournal

    return SqliteJournal(path, TextMasker())
