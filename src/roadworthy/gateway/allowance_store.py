"""What is left of every key's limits, in a SQLite file that the workers of one machine share.

Asked a few times a second by each busy worker, never for each request. The file is not the journal's, so that neither
waits for the other's writes. Rates follow the generic cell rate algorithm, which keeps one number for each: the time at
which the bucket is full again (ITU-T I.371, annex A; J. Turner's leaky bucket as a meter).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Lease, Return, Share
from roadworthy.runtime.journal import make_private
from roadworthy.runtime.wal import use_wal

FILE = "budget.db"
BUSY_S = 2.0
DAY_S = 86_400
_MINUTE_NS = 60_000_000_000
_PER_MINUTE = frozenset(("requests_per_minute", "tokens_per_minute"))
_KEPT_DAYS = 35
_SCHEMA = """
CREATE TABLE IF NOT EXISTS allowance_day (
  key_id TEXT NOT NULL, day TEXT NOT NULL, resource TEXT NOT NULL, spent INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (key_id, day, resource)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS allowance_lease (
  key_id TEXT NOT NULL, day TEXT NOT NULL, resource TEXT NOT NULL, holder INTEGER NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (key_id, day, resource, holder)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS allowance_rate (
  key_id TEXT NOT NULL, resource TEXT NOT NULL, full_at_ns INTEGER NOT NULL,
  PRIMARY KEY (key_id, resource)) STRICT, WITHOUT ROWID;
"""
_USED = (
    "SELECT"
    " coalesce((SELECT spent + lost FROM allowance_day WHERE key_id = :key AND day = :day AND resource = :what), 0) +"
    " coalesce((SELECT sum(amount) FROM allowance_lease WHERE key_id = :key AND day = :day AND resource = :what), 0)"
)
_LEASED = (
    "INSERT INTO allowance_lease VALUES (:key, :day, :what, :holder, max(0, :amount)) "
    "ON CONFLICT DO UPDATE SET amount = max(0, amount + :amount)"
)
_SPEND = (
    "INSERT INTO allowance_day (key_id, day, resource, spent, lost) VALUES (:key, :day, :what, :spent, :lost) "
    "ON CONFLICT DO UPDATE SET spent = spent + :spent, lost = lost + :lost"
)
_RATE = "INSERT INTO allowance_rate VALUES (:key, :what, :full) ON CONFLICT DO UPDATE SET full_at_ns = :full"


class Used(NamedTuple):
    """What a key used on one day of UTC.

    Attributes:
        key_id: Whose.
        day: As `2026-11-21`.
        resource: `usd` (billionths of a dollar) or `tokens`.
        spent: Told by the workers.
        lost: Held by workers that died; counts as spent.
        leased: Held by workers now: reserved for running requests, or for the next ones.
    """

    key_id: str
    day: str
    resource: str
    spent: int
    lost: int
    leased: int


def day_of(at: float) -> str:
    """The day of UTC as `2026-11-21`."""
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def until_midnight_s(at: float) -> float:
    """Seconds until the next day of UTC begins."""
    return DAY_S - at % DAY_S


class SqliteAllowances:
    """Implements `core.ports.AllowanceStore`. The file is made when it is first needed. Safe for threads and processes.

    Commits with `synchronous=NORMAL` in WAL mode: a killed process loses nothing, a power cut at most what was told in
    the moments before.

    Args:
        path: The file, `<state_dir>/budget.db`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def lease(self, holder: int, key_id: str, day: str, at: float, shares: Sequence[Share]) -> Lease:
        """See `AllowanceStore.lease`."""
        granted: list[int] = []
        left: list[int] = []
        with self._write() as db:
            for place, share in enumerate(shares):
                free, retry_in_s = self._free(db, key_id, day, at, share)
                if free < share.least:
                    rest = [self._free(db, key_id, day, at, each)[0] for each in shares]
                    return Lease((0,) * len(shares), tuple(max(0, each) for each in rest), place, retry_in_s)
                granted.append(min(share.wish, free))
                left.append(free - granted[-1])
            for share, amount in zip(shares, granted, strict=True):
                self._take(db, holder, key_id, day, at, share, amount)
        return Lease(tuple(granted), tuple(left))

    def settle(self, holder: int, at: float, returns: Sequence[Return]) -> None:
        """See `AllowanceStore.settle`."""
        with self._write() as db:
            for each in returns:
                names = {"key": each.key_id, "what": each.resource, "day": each.day, "holder": holder}
                if each.resource in _PER_MINUTE:
                    if each.limit:
                        full = self._full_at(db, each.key_id, each.resource, at)
                        back = each.unused * _MINUTE_NS // each.limit
                        base = full if back > 0 else max(full, int(at * 1e9))
                        db.execute(_RATE, {**names, "full": base - back})
                    continue
                if each.resource == "concurrent":
                    names["day"] = ""
                db.execute(_LEASED, {**names, "amount": -(each.spent + each.unused)})
                if each.spent:
                    db.execute(_SPEND, {**names, "spent": each.spent, "lost": 0})
            db.execute("DELETE FROM allowance_lease WHERE amount = 0")

    def adopt(self, holder: int, holders: int) -> None:
        """See `AllowanceStore.adopt`; also forgets days that are long gone."""
        with self._write() as db:
            dead = "holder = ? OR holder >= ?"
            rows = db.execute(
                f"SELECT key_id, day, resource, amount FROM allowance_lease WHERE ({dead}) AND day != ''",  # noqa: S608 (constants only)
                (holder, holders),
            ).fetchall()
            for key_id, day, resource, amount in rows:
                db.execute(_SPEND, {"key": key_id, "day": day, "what": resource, "spent": 0, "lost": amount})
            db.execute(f"DELETE FROM allowance_lease WHERE {dead}", (holder, holders))  # noqa: S608 (constants only)
            db.execute("DELETE FROM allowance_day WHERE day < ?", (day_of(time.time() - _KEPT_DAYS * DAY_S),))

    def used(self, day: str) -> list[Used]:
        """What every key used on a day, in the order of the keys' ids.

        Raises:
            StorageError: `store_unavailable`.
        """
        sql = (
            "SELECT key_id, day, resource, sum(spent), sum(lost), sum(leased) FROM ("
            " SELECT key_id, day, resource, spent, lost, 0 AS leased FROM allowance_day UNION ALL"
            " SELECT key_id, day, resource, 0, 0, amount FROM allowance_lease) "
            "WHERE day = ? GROUP BY 1, 2, 3 ORDER BY 1, 3"
        )
        with self._guard() as db:
            return [Used(*row) for row in db.execute(sql, (day,))]

    def close(self) -> None:
        """Close the file; it is opened again when it is needed again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _free(self, db: sqlite3.Connection, key_id: str, day: str, at: float, share: Share) -> tuple[int, float]:
        """What may be leased now, and in how many seconds `share.least` may be, if nobody else takes it."""
        if share.resource in _PER_MINUTE:
            now = int(at * 1e9)
            full = self._full_at(db, key_id, share.resource, at)
            free = (_MINUTE_NS - max(0, full - now)) * share.limit // _MINUTE_NS
            due = full - _MINUTE_NS - (-share.least * _MINUTE_NS // share.limit)
            return free, max(0, due - now) / 1e9
        day, retry_in_s = ("", 0.0) if share.resource == "concurrent" else (day, until_midnight_s(at))
        (used,) = db.execute(_USED, {"key": key_id, "day": day, "what": share.resource}).fetchone()
        return share.limit - int(used), retry_in_s

    def _take(
        self, db: sqlite3.Connection, holder: int, key_id: str, day: str, at: float, share: Share, amount: int
    ) -> None:
        names = {"key": key_id, "what": share.resource}
        if share.resource in _PER_MINUTE:
            full = max(int(at * 1e9), self._full_at(db, key_id, share.resource, at))
            db.execute(_RATE, {**names, "full": full - (-amount * _MINUTE_NS // share.limit)})
            return
        day = "" if share.resource == "concurrent" else day
        db.execute(_LEASED, {**names, "day": day, "holder": holder, "amount": amount})

    def _full_at(self, db: sqlite3.Connection, key_id: str, resource: str, at: float) -> int:
        """When the bucket is full again; a clock that was set back must not close it for longer than a minute."""
        row = db.execute(
            "SELECT full_at_ns FROM allowance_rate WHERE key_id = ? AND resource = ?", (key_id, resource)
        ).fetchone()
        if row is None:
            return 0
        latest = int(at * 1e9) + _MINUTE_NS
        if int(row[0]) > latest:
            db.execute(_RATE, {"key": key_id, "what": resource, "full": latest})
        return min(int(row[0]), latest)

    @contextmanager
    def _guard(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _open(self._path)
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise StorageError(
                    "The budgets cannot be read or written.",
                    f"{self._path.name}: {error}.",
                    "Check free space and rights of the state directory.",
                ) from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._guard() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def _open(path: Path) -> sqlite3.Connection:
    make_private(path)
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        use_wal(connection, BUSY_S)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
