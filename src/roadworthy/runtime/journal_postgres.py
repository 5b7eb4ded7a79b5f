"""The journals of all replicas in one PostgreSQL database: each replica's chain as it is on its own disk.

Rows arrive in order, each batch in one transaction that also moves the replica's head; what is already there is known
from the head, so that a batch whose answer was lost is not written twice. The payload is kept as bytes, because the
hash covers bytes; the view `journal_record` shows it as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from roadworthy.core.errors import ConfigError, StorageError
from roadworthy.runtime.journal import GENESIS, Stored, Verified, verified

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 30_000
_DEFAULTS: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_S, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 15_000, "application_name": "roadworthy",
}  # fmt: skip
_LOCK = 0x726F_6164  # "road": two replicas that make the tables at once would fail on each other
_SCHEMA = (
    f"SELECT pg_advisory_xact_lock({_LOCK})",
    """CREATE TABLE IF NOT EXISTS journal_entry (
      replica text NOT NULL, seq bigint NOT NULL, at double precision NOT NULL, kind text NOT NULL,
      payload bytea NOT NULL, hash bytea NOT NULL, PRIMARY KEY (replica, seq))""",
    """CREATE TABLE IF NOT EXISTS journal_head (
      replica text PRIMARY KEY, host text NOT NULL, entries bigint NOT NULL, hash bytea NOT NULL,
      moved_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE OR REPLACE VIEW journal_record AS SELECT replica, seq, to_timestamp(at) AS at, kind,
      convert_from(payload, 'UTF8') AS payload FROM journal_entry""",
    """CREATE OR REPLACE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$""",
    """CREATE OR REPLACE TRIGGER journal_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entry
      EXECUTE FUNCTION journal_refuse()""",
)


class Position(NamedTuple):
    """How far a replica's chain has come in the database.

    Attributes:
        entries: Rows that are there; the last one's `seq`.
        hash: Hash of the last one, `journal.GENESIS` without any.
    """

    entries: int
    hash: bytes


class Chain(NamedTuple):
    """One replica's chain in the database, checked.

    Attributes:
        replica: Name of the chain; see `SqliteJournal.replica`.
        host: Machine that it came from last.
        found: What recomputing it found.
    """

    replica: str
    host: str
    found: Verified


class PostgresJournal:
    """One connection to the database. Not safe for threads. Connects, and makes the tables when they are missing.

    Args:
        dsn: A libpq connection string or URL; holds a password, so it is in no error and no `repr`.

    Raises:
        ConfigError: `config_invalid` when the DSN is none; `extra_missing` without psycopg.
        StorageError: `store_unavailable` when the database does not let us in.
    """

    def __init__(self, dsn: str) -> None:
        given = parameters(dsn)
        self._secrets = [str(given[name]) for name in ("password", "sslpassword") if given.get(name)]
        import psycopg

        self._failure = psycopg.Error
        with self._translated("reached"):
            self._connection = psycopg.connect("", **{**_DEFAULTS, **given}, autocommit=True)
        with self._translated("prepared"):
            try:
                self._connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}".encode())
                self._make_tables()
            except BaseException:
                self._connection.close()
                raise

    def position(self, replica: str) -> Position:
        """How far a chain has come.

        Raises:
            StorageError: `store_unavailable`.
        """
        with self._translated("read"):
            row = self._connection.execute(
                "SELECT entries, hash FROM journal_head WHERE replica = %s", (replica,)
            ).fetchone()
        return Position(0, GENESIS) if row is None else Position(row[0], bytes(row[1]))

    def ship(self, replica: str, host: str, behind: Position, rows: Sequence[Stored]) -> Position:
        """Append rows to a chain: all or none.

        Args:
            replica: Name of the chain.
            host: This machine, for people.
            behind: Where the chain must stand now; otherwise nothing is written.
            rows: The next ones, without gaps.

        Returns:
            Where the chain stands then. It is not `rows[-1]` when the chain did not stand at `behind`.

        Raises:
            StorageError: `store_unavailable`. The rows may be there all the same, when only the answer was lost: ask
                for the position before the next try.
        """
        last = rows[-1]
        reached = Position(last.seq, bytes.fromhex(last.hash))
        with self._translated("written"), self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO journal_head (replica, host, entries, hash) VALUES (%s, %s, 0, %s) ON CONFLICT DO NOTHING",
                (replica, host, GENESIS),
            )
            cursor.execute("SELECT entries, hash FROM journal_head WHERE replica = %s FOR UPDATE", (replica,))
            found = cursor.fetchone()
            assert found is not None
            standing = Position(found[0], bytes(found[1]))
            if standing != behind:
                return standing
            with cursor.copy("COPY journal_entry (replica, seq, at, kind, payload, hash) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((replica, row.seq, row.at, row.kind, row.payload, bytes.fromhex(row.hash)))
            cursor.execute(
                "UPDATE journal_head SET entries = %s, hash = %s, host = %s, moved_at = now() WHERE replica = %s",
                (*reached, host, replica),
            )
        return reached

    def verify(self) -> list[Chain]:
        """Recompute the chain of every replica, one after the other, in the order of their names.

        Raises:
            StorageError: `store_unavailable`.
        """
        with self._translated("read"):
            heads = self._connection.execute(
                "SELECT replica, host, entries, hash FROM journal_head ORDER BY replica"
            ).fetchall()
            return [
                Chain(replica, host, verified(self._rows(replica, entries), entries, bytes(digest)))
                for replica, host, entries, digest in heads
            ]

    def counts(self) -> dict[str, int]:
        """Entries of each replica.

        Raises:
            StorageError: `store_unavailable`.
        """
        with self._translated("read"):
            rows = self._connection.execute("SELECT replica, entries FROM journal_head ORDER BY replica").fetchall()
        return dict(rows)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _make_tables(self) -> None:
        # What a role may read it need not be allowed to make: an operator may have made the tables for it.
        row = self._connection.execute("SELECT to_regclass('journal_head'), to_regclass('journal_record')").fetchone()
        if row is not None and all(row):
            return
        with self._connection.transaction():
            for statement in _SCHEMA:
                self._connection.execute(statement.encode())

    def _rows(self, replica: str, entries: int) -> Iterator[tuple[int, float, str, bytes, bytes]]:
        # Up to the head as it was read: a replica that goes on shipping is no broken chain.
        with self._connection.transaction(), self._connection.cursor("chain") as cursor:
            cursor.itersize = 2_000
            cursor.execute(
                "SELECT seq, at, kind, payload, hash FROM journal_entry WHERE replica = %s AND seq <= %s ORDER BY seq",
                (replica, entries),
            )
            for seq, at, kind, payload, digest in cursor:
                yield seq, at, kind, bytes(payload), bytes(digest)

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except self._failure as error:
            raise StorageError(
                f"The database of the records cannot be {verb}.",
                f"PostgreSQL says: {self._told(error)}.",
                "Check that it runs, and journal.database; until then the records wait on this machine's disk.",
            ) from None  # the driver's own error may hold the connection string

    def _told(self, error: psycopg.Error) -> str:
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "[SECRET]")
        return text[:300].rstrip(".")


def parameters(dsn: str) -> dict[str, Any]:
    """The parts of a connection string.

    Raises:
        ConfigError: `config_invalid` when it is none, `extra_missing` without psycopg; never repeats it.
    """
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise ConfigError(
            "Records in PostgreSQL need a package that is not installed.",
            f"{error.name or 'psycopg'} is missing.",
            "Run `pip install 'roadworthy[replicas]'`.",
            code="extra_missing",
            param="journal.database",
        ) from error
    try:
        if _ambiguous(dsn):
            raise ProgrammingError
        return dict(conninfo_to_dict(dsn))
    except ProgrammingError:
        raise ConfigError(
            "The connection string of the records' database cannot be read.",
            "PostgreSQL's library does not take it.",
            "Write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE; percent-encode special characters.",
            param="journal.database",
        ) from None


def _ambiguous(dsn: str) -> bool:
    """Whether a URL's password may have been cut in two, so that a part of it would be taken, and told, as a host."""
    _, slashes, rest = dsn.partition("://")
    return bool(slashes) and ("@" in rest.partition("/")[2] or rest.count("@") > 1)
