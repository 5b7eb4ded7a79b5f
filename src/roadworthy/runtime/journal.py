"""The journal: append-only, hash-chained, masked before it is written. One SQLite file, any number of processes.

Each entry's hash is SHA-256 over the previous hash and the entry's canonical bytes, so a changed, inserted, reordered
or removed entry breaks the chain at a known place. A one-row head table holds count and last hash and is updated in
the same transaction, so a cut-off tail shows too. The chain makes tampering evident, not impossible: someone who can
write the file can also recompute the whole chain; keep a head hash elsewhere to detect that.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry, Masker
from roadworthy.runtime.wal import use_wal

GENESIS = bytes(32)
"""The hash before the first entry."""

_FIXED = struct.Struct(">qd").pack
_KIND = re.compile(r"[a-z][a-z0-9_.\-]{0,63}")
# Many rows per statement: SQLite releases the GIL once per statement, and each hand-over between threads costs
# more than the insert. Few sizes, so that prepared statements are found again.
_INSERTS = tuple(
    (rows, "INSERT INTO journal_entry VALUES " + ",".join(["(?,?,?,?,?)"] * rows))  # noqa: S608 (constants only)
    for rows in (128, 32, 4, 1)
)
_DAMAGED = frozenset((sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT))
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal_entry (
  seq INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS journal_head (
  id INTEGER PRIMARY KEY CHECK (id = 1), entries INTEGER NOT NULL, hash BLOB NOT NULL);
INSERT OR IGNORE INTO journal_head VALUES (1, 0, zeroblob(32));
CREATE TABLE IF NOT EXISTS journal_replica (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL);
INSERT OR IGNORE INTO journal_replica VALUES (1, lower(hex(randomblob(8))));
CREATE TRIGGER IF NOT EXISTS journal_entry_no_update BEFORE UPDATE ON journal_entry
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS journal_entry_no_delete BEFORE DELETE ON journal_entry
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS journal_head_grows BEFORE UPDATE ON journal_head WHEN NEW.entries <= OLD.entries
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS journal_head_stays BEFORE DELETE ON journal_head
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""


class Stored(NamedTuple):
    """An entry as it stands in the journal.

    Attributes:
        seq: Place in the chain, from 1 without gaps.
        at: Seconds since the Unix epoch (UTC).
        kind: As appended.
        payload: The masked JSON object as UTF-8 bytes.
        hash: Hash of the chain up to here, 64 hexadecimal digits.
    """

    seq: int
    at: float
    kind: str
    payload: bytes
    hash: str


class Verified(NamedTuple):
    """What `verify` found.

    Attributes:
        entries: Entries that the file holds.
        head: Hash of the last good entry, 64 hexadecimal digits.
        first_bad_seq: First entry that is changed, missing or out of place; None when the chain is whole.
    """

    entries: int
    head: str
    first_bad_seq: int | None


def chained(previous: bytes, seq: int, at: float, kind: str, payload: bytes) -> bytes:
    """Hash of an entry.

    SHA-256 over: the previous hash (32 bytes), `seq` as a signed 64-bit integer and `at` as an IEEE 754 double, both
    big-endian, `kind` in ASCII, a line feed, the payload.
    """
    return hashlib.sha256(previous + _FIXED(seq, at) + kind.encode() + b"\n" + payload).digest()


def verified(rows: Iterable[tuple[int, float, str, str | bytes, bytes]], expected: int, head: bytes) -> Verified:
    """Recompute a chain.

    Args:
        rows: (seq, at, kind, payload, hash) of every entry that is there, in order of `seq`.
        expected: Entries that the head record tells of.
        head: Hash that the head record tells.
    """
    count = 0
    good = GENESIS
    bad: int | None = None
    for seq, at, kind, payload, stored in rows:
        count += 1
        if bad is None:
            found = chained(good, seq, at, kind, _as_bytes(payload))
            if seq != count or found != stored:
                bad = count
            else:
                good = found
    if bad is None and (expected != count or head != good):
        bad = min(count, expected) + 1 if expected != count else count
    return Verified(count, good.hex(), bad)


class SqliteJournal:
    """Implements `core.ports.Journal` on one SQLite file in WAL mode.

    `append` returns when the transaction is committed with `synchronous=NORMAL`: nothing is lost when the process
    is killed; after a power cut or a crash of the operating system the last transactions since the last WAL
    checkpoint may be missing, but what is there is a whole chain (https://www.sqlite.org/pragma.html#pragma_synchronous).
    Safe for threads of one process and for several processes. Open it after a fork, not before.

    Args:
        path: The file; it and its folder are made when missing, readable by the owner only.
        masker: Masks every payload before it is hashed and written.
        busy_timeout_s: How long to wait for another writer.

    Raises:
        StorageError: `journal_corrupt` when the file is damaged or no SQLite file, `store_unavailable` when it
            cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], masker: Masker, *, busy_timeout_s: float = 5.0) -> None:
        self.path = Path(path)
        self._masker = masker
        self._lock = threading.Lock()
        with self._translated():
            make_private(self.path)
            self._connection = _connected(self.path, busy_timeout_s)

    def append(self, entries: Sequence[Entry]) -> None:
        """Write all entries or none, in order, as one transaction.

        Raises:
            StorageError: `store_unavailable` when the disk refuses or another writer holds the file too long,
                `journal_corrupt` when the file is damaged; nothing was written.
            ValueError: A kind is not a dotted lower-case name, or a payload is not UTF-8.
        """
        if not entries:
            return
        payloads = self._masked(entries)
        texts = [payload.decode() for payload in payloads]
        for kind in {entry.kind for entry in entries}:
            if not _KIND.fullmatch(kind):
                raise ValueError("a journal kind is a dotted lower-case name of at most 64 characters")
        with self._lock, self._transaction("BEGIN IMMEDIATE"):
            run = self._connection.execute
            seq, head = run("SELECT entries, hash FROM journal_head").fetchone()
            values: list[object] = []
            add = values.extend
            for entry, payload, text in zip(entries, payloads, texts, strict=True):
                seq += 1
                at = float(entry.at)
                head = chained(head, seq, at, entry.kind, payload)
                add((seq, at, entry.kind, text, head))
            self._insert(values)
            run("UPDATE journal_head SET entries = ?, hash = ?", (seq, head))

    def verify(self) -> Verified:
        """Recompute the whole chain from the stored entries and compare it with the head record.

        Raises:
            StorageError: `journal_corrupt` when the file cannot be read as a database, else `store_unavailable`.
        """
        with self._lock, self._transaction("BEGIN"):
            expected, head = self._connection.execute("SELECT entries, hash FROM journal_head").fetchone()
            rows = self._connection.execute("SELECT seq, at, kind, payload, hash FROM journal_entry ORDER BY seq")
            return verified(rows, expected, head)

    def replica(self) -> str:
        """The name of this journal's chain among those of other machines: random, made with the file, never changed.

        Raises:
            StorageError: As `verify`.
        """
        with self._lock, self._translated():
            return str(self._connection.execute("SELECT name FROM journal_replica").fetchone()[0])

    def head(self) -> tuple[int, bytes]:
        """Number of entries, and the hash of the last one.

        Raises:
            StorageError: As `verify`.
        """
        with self._lock, self._translated():
            entries, digest = self._connection.execute("SELECT entries, hash FROM journal_head").fetchone()
        return int(entries), bytes(digest)

    def read(self, kind_prefix: str = "", after_seq: int = 0, limit: int = 100) -> list[Stored]:
        """Entries in order.

        Args:
            kind_prefix: Only kinds that start with it; empty for all.
            after_seq: Only entries behind this place.
            limit: At most so many.

        Raises:
            StorageError: As `verify`.
        """
        where = "seq > ? AND substr(kind, 1, ?) = ?"
        return self._select(f"WHERE {where} ORDER BY seq LIMIT ?", (after_seq, len(kind_prefix), kind_prefix, limit))

    def tail(self, limit: int = 20, kind_prefix: str = "") -> list[Stored]:
        """The last entries, oldest first.

        Raises:
            StorageError: As `verify`.
        """
        rows = self._select(
            "WHERE substr(kind, 1, ?) = ? ORDER BY seq DESC LIMIT ?", (len(kind_prefix), kind_prefix, limit)
        )
        return rows[::-1]

    def close(self) -> None:
        """Close the file; the journal cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def _masked(self, entries: Sequence[Entry]) -> list[bytes]:
        payloads = [entry.payload for entry in entries]
        joined = b"\n".join(payloads)
        if joined.count(b"\n") != len(payloads) - 1:
            return [self._masker.mask_bytes(payload) for payload in payloads]
        masked = self._masker.mask_bytes(joined)
        if masked is joined:
            return payloads
        lines = masked.split(b"\n")
        return lines if len(lines) == len(payloads) else [self._masker.mask_bytes(payload) for payload in payloads]

    def _insert(self, values: list[object]) -> None:
        done, end = 0, len(values)
        for rows, statement in _INSERTS:
            while end - done >= rows * 5:
                self._connection.execute(statement, values[done : done + rows * 5])
                done += rows * 5

    def _select(self, clause: str, values: tuple[object, ...]) -> list[Stored]:
        statement = f"SELECT seq, at, kind, payload, hash FROM journal_entry {clause}"  # noqa: S608 (constants only)
        with self._lock, self._translated():
            rows = self._connection.execute(statement, values).fetchall()
        return [Stored(seq, at, kind, _as_bytes(payload), digest.hex()) for seq, at, kind, payload, digest in rows]

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._translated():
            self._connection.execute(begin)
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # the low byte is the primary result code
            if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGED:
                raise StorageError(
                    f"The journal {self.path} is damaged.",
                    f"SQLite says: {error}.",
                    code="journal_corrupt",
                    mend="Keep the file for investigation and move it away; a new one is made at the next start.",
                ) from error
            raise StorageError(f"The journal {self.path} cannot be used.", f"SQLite says: {error}.") from error
        except OSError as error:
            raise StorageError(f"The journal {self.path} cannot be opened.", f"{error.strerror}.") from error


def make_private(path: Path) -> None:
    """Make the file of a SQLite database for its owner alone, before SQLite would make it for everyone.

    The write-ahead log takes the same mode. A file that is there is never opened: closing any descriptor of it would
    cancel the locks that SQLite holds for other connections of this process, and the next process to close the database
    would delete their write-ahead log under them. Source: "How To Corrupt An SQLite Database File", section 2.2.

    Args:
        path: The file; its folder is made when missing.

    Raises:
        OSError: The file or its folder cannot be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.is_file() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _connected(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False, cached_statements=32
    )
    try:
        use_wal(connection, busy_timeout_s)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _statements():
            connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _statements() -> Iterator[str]:
    statement = ""
    for line in _SCHEMA.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _as_bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else bytes(payload)
