"""Ships the journal of this machine to PostgreSQL: the local file is the outbox, this empties it in order.

Nothing waits for it. What is accepted stands on the local disk first; when the database is away it stays there, and is
shipped from where the database's own head stands once it is back. Source of the pattern: C. Richardson, "Microservices
Patterns", 2018, ch. 3 (transactional outbox); here the journal itself is the outbox, because it is append-only and
numbered, so there is no second table to write and nothing to delete.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from roadworthy.core.clock import Clock
from roadworthy.core.errors import StorageError
from roadworthy.runtime.journal import SqliteJournal, Stored
from roadworthy.runtime.journal_postgres import Position

STATUS_FILE = "records.json"
BATCH = 500
IDLE_S = 0.2
RETRY_BASE_S = 0.5
RETRY_CAP_S = 5.0
SILENT_S = 30.0
"""A report that is older says nothing about now."""


class Store(Protocol):
    """The database, as `PostgresJournal` offers it."""

    def position(self, replica: str) -> Position:
        """See `PostgresJournal.position`."""
        ...

    def ship(self, replica: str, host: str, behind: Position, rows: list[Stored]) -> Position:
        """See `PostgresJournal.ship`."""
        ...

    def close(self) -> None:
        """See `PostgresJournal.close`."""
        ...


class Shipped(msgspec.Struct, frozen=True):
    """How far the records have come.

    Attributes:
        at: Seconds since the Unix epoch (UTC) when this was so.
        replica: Name of this machine's chain in the database.
        shipped: Entries that the database holds, as far as is known; None when it is not.
        waiting: Entries that it does not hold yet; None when that is not known.
        error: Code of what is in the way, None when nothing is.
        why: The same in words; never holds a secret.
    """

    at: float
    replica: str
    shipped: int | None
    waiting: int | None
    error: str | None = None
    why: str = ""


class Shipper:
    """Call `step` again and again. Not safe for threads.

    Args:
        journal: This machine's journal.
        connect: Opens the database; raises `StorageError` when it is away.
        clock: Times of the reports.
        known: What was reported before this process, for what is told while the database has not answered yet.
    """

    def __init__(
        self, journal: SqliteJournal, connect: Callable[[], Store], clock: Clock, known: Shipped | None = None
    ) -> None:
        self._journal = journal
        self._connect = connect
        self._clock = clock
        self._replica = journal.replica()
        self._host = socket.gethostname()
        self._store: Store | None = None
        self._position: Position | None = None
        self._before = known.shipped if known is not None and known.replica == self._replica else None
        self._failures = 0
        self._error: StorageError | None = None

    @property
    def report(self) -> Shipped:
        """How far it has come, as of now.

        Raises:
            StorageError: The local journal cannot be read.
        """
        error, shipped = self._error, self._position.entries if self._position else self._before
        waiting = None if shipped is None else max(0, self._journal.head()[0] - shipped)
        return Shipped(
            self._clock.wall(),
            self._replica,
            shipped,
            waiting,
            error.code if error else None,
            f"{error.what} {error.why}" if error else "",
        )

    def step(self) -> float:
        """Ship one batch, if there is one.

        Returns:
            Seconds after which to call again: 0 when more is waiting, more and more while the database is away.
        """
        try:
            wait = self._ship()
        except StorageError as error:
            self.close()
            wait = min(RETRY_CAP_S, RETRY_BASE_S * 2 ** min(self._failures, 10))
            self._failures += 1
            self._error = error
        else:
            self._failures, self._error = 0, None
        return wait

    def close(self) -> None:
        """Close the connection; the next step opens a new one."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _ship(self) -> float:
        if self._store is None:
            self._store = self._connect()
            self._position = self._agreed(self._store.position(self._replica))
        assert self._position is not None
        rows = self._journal.read("", self._position.entries, BATCH)
        if not rows:
            return IDLE_S
        reached = self._store.ship(self._replica, self._host, self._position, rows)
        if reached.entries != rows[-1].seq:  # somebody else shipped for this replica: go on from there
            reached = self._agreed(reached)
        self._position = reached
        return 0.0 if len(rows) == BATCH else IDLE_S

    def _agreed(self, there: Position) -> Position:
        """The database's position, when the local chain holds it too.

        Raises:
            StorageError: `journal_corrupt` when the chains differ; nothing may be appended then.
        """
        if there.entries:
            here = self._journal.read("", there.entries - 1, 1)
            if not here or here[0].seq != there.entries or here[0].hash != there.hash.hex():
                raise StorageError(
                    "The records in the database are not those of this machine's journal.",
                    f"Entry {there.entries} of replica {self._replica} is another one here: the state directory was "
                    "copied from another machine, set back to an older state, or changed.",
                    "Keep both; move this machine's state.db away, so that a new chain begins.",
                    code="journal_corrupt",
                )
        return there


def write_report(folder: Path, report: Shipped) -> None:
    """Replace the report in one step.

    Args:
        folder: The run directory.

    Raises:
        OSError: The disk refuses; the old report is whole.
    """
    part = folder / f"{STATUS_FILE}.{os.getpid()}"
    part.write_bytes(msgspec.json.encode(report))
    os.replace(part, folder / STATUS_FILE)


def last_report(folder: Path) -> Shipped | None:
    """The report as it stands there, None when there is none or it is not whole."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((folder / STATUS_FILE).read_bytes(), type=Shipped)
    return None


def read_report(folder: Path, now: float) -> dict[str, object]:
    """What the shipper reported last, for health and status pages.

    Args:
        folder: The run directory.
        now: Seconds since the Unix epoch (UTC).

    Returns:
        `ok`, `shipped`, `waiting`, `error` (a code, `not_running` when nothing was reported for `SILENT_S`), `why`.
    """
    report = last_report(folder)
    if report is None or now - report.at > SILENT_S:
        shipped = report.shipped if report else None
        return {
            "ok": False,
            "shipped": shipped,
            "waiting": None,
            "error": "not_running",
            "why": "The process that ships the records does not report.",
        }
    return {
        "ok": report.error is None,
        "shipped": report.shipped,
        "waiting": report.waiting,
        "error": report.error,
        "why": report.why or None,
    }
