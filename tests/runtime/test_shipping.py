"""Records reach PostgreSQL once and in order, whatever happens to it; a changed row shows there too."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.stores import PASSWORD, Postgres, free_port
from roadworthy.core.clock import ManualClock, SystemClock
from roadworthy.core.errors import ConfigError, StorageError
from roadworthy.core.ports import Entry
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import GENESIS, SqliteJournal, Stored
from roadworthy.runtime.journal_postgres import Position, PostgresJournal
from roadworthy.runtime.shipping import BATCH, RETRY_CAP_S, SILENT_S, Shipped, Shipper, read_report, write_report


def entries(first: int, count: int) -> list[Entry]:
    return [Entry("request.finished", 1e9 + n / 7, json.dumps({"n": n}).encode()) for n in range(first, first + count)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    found = SqliteJournal(tmp_path / "state.db", TextMasker())
    yield found
    found.close()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[PostgresJournal]:
    found = PostgresJournal(postgres.dsn)
    yield found
    found.close()


def shipper(journal: SqliteJournal, postgres: Postgres) -> Shipper:
    return Shipper(journal, lambda: PostgresJournal(postgres.dsn), SystemClock())


def ship_all(each: Shipper) -> None:
    while not each.step():
        pass


def chain(database: PostgresJournal, journal: SqliteJournal):
    return next(chain for chain in database.verify() if chain.replica == journal.replica())


def test_a_chain_arrives_as_it_is(postgres: Postgres, journal: SqliteJournal, database: PostgresJournal) -> None:
    journal.append(entries(0, BATCH * 2 + 7))
    journal.append([Entry("key.created", 1.5, '{"name": "열쇠 \\u0000"}'.encode())])
    one = shipper(journal, postgres)
    ship_all(one)
    assert chain(database, journal).found == journal.verify()
    assert one.report.waiting == 0
    assert one.report.shipped == BATCH * 2 + 8
    (row,) = postgres.rows(
        f"SELECT payload::json->>'n' FROM journal_record WHERE replica = '{journal.replica()}' AND seq = 8"
    )
    assert row == ("7",)
    one.close()


def test_two_replicas_in_one_database(postgres: Postgres, tmp_path: Path, database: PostgresJournal) -> None:
    journals = [SqliteJournal(tmp_path / name / "state.db", TextMasker()) for name in "ab"]
    for count, each in enumerate(journals, 3):
        each.append(entries(0, count))
        one = shipper(each, postgres)
        ship_all(one)
        one.close()
    assert [chain(database, each).found.entries for each in journals] == [3, 4]
    assert journals[0].replica() != journals[1].replica()


def test_killed_in_the_middle_nothing_is_lost_and_nothing_twice(postgres: Postgres, journal: SqliteJournal) -> None:
    """Kill the server while batches are on their way, three times."""
    journal.append(entries(0, 4_000))
    one, stop = shipper(journal, postgres), threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            stop.wait(min(one.step(), 0.02))

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for round_ in range(3):
            journal.append(entries(4_000 + 1_000 * round_, 1_000))
            postgres.kill()
            journal.append(entries(10_000 + round_, 1))
            postgres.start()
    finally:
        stop.set()
        thread.join(30)
    ship_all(one)
    one.close()
    after = PostgresJournal(postgres.dsn)
    assert chain(after, journal).found == journal.verify()
    assert journal.head()[0] == 7_003
    after.close()


class LostAnswer:
    """Writes, and then the connection breaks before the answer is here."""

    def __init__(self, inner: PostgresJournal) -> None:
        self._inner = inner
        self.position, self.close = inner.position, inner.close

    def ship(self, replica: str, host: str, behind: Position, rows: list[Stored]) -> Position:
        self._inner.ship(replica, host, behind, rows)
        raise StorageError("The connection broke.", "")


def test_an_answer_that_was_lost_writes_nothing_twice(
    postgres: Postgres, journal: SqliteJournal, database: PostgresJournal
) -> None:
    journal.append(entries(0, 10))
    stores = iter([LostAnswer(PostgresJournal(postgres.dsn)), PostgresJournal(postgres.dsn)])
    one = Shipper(journal, lambda: next(stores), SystemClock())
    assert one.step() > 0
    assert one.report.error == "store_unavailable"
    assert one.step() > 0
    assert one.report.error is None
    assert chain(database, journal).found == journal.verify()
    one.close()


def test_two_shippers_of_one_replica_do_not_collide(
    postgres: Postgres, journal: SqliteJournal, database: PostgresJournal
) -> None:
    """A supervisor that was killed may leave its child alive for a moment."""
    first, second = shipper(journal, postgres), shipper(journal, postgres)
    for n in range(6):
        journal.append(entries(n, 1))
        (first, second)[n % 2].step()
    ship_all(first)
    ship_all(second)
    assert chain(database, journal).found == journal.verify()
    first.close()
    second.close()


def test_a_copied_state_directory_is_refused(
    postgres: Postgres, journal: SqliteJournal, tmp_path: Path, database: PostgresJournal
) -> None:
    journal.append(entries(0, 3))
    (tmp_path / "copy").mkdir()
    journal.close()
    shutil.copy(tmp_path / "state.db", tmp_path / "copy" / "state.db")
    original, copy = (SqliteJournal(folder / "state.db", TextMasker()) for folder in (tmp_path, tmp_path / "copy"))
    original.append(entries(3, 1))
    copy.append(entries(4, 1))
    one, other = shipper(original, postgres), shipper(copy, postgres)
    ship_all(one)
    ship_all(other)
    assert other.report.error == "journal_corrupt"
    assert chain(database, original).found == original.verify()
    one.close()


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE journal_entry SET payload = '{}' WHERE replica = %s AND seq = 4", 4),
        ("DELETE FROM journal_entry WHERE replica = %s AND seq = 2", 2),
        ("DELETE FROM journal_entry WHERE replica = %s AND seq = 6", 6),
    ],
)
def test_tampering_is_refused_and_shows(
    postgres: Postgres, journal: SqliteJournal, database: PostgresJournal, statement: str, first_bad: int
) -> None:
    import psycopg

    journal.append(entries(0, 6))
    one = shipper(journal, postgres)
    ship_all(one)
    one.close()
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.Error, match="append-only"):
            connection.execute(statement, (journal.replica(),))
        connection.execute("ALTER TABLE journal_entry DISABLE TRIGGER journal_entry_stays")
        connection.execute(statement, (journal.replica(),))
        connection.execute("ALTER TABLE journal_entry ENABLE TRIGGER journal_entry_stays")
    assert chain(database, journal).found.first_bad_seq == first_bad


def test_away_backs_off_and_knows_what_waits(journal: SqliteJournal) -> None:
    def away() -> PostgresJournal:
        raise StorageError("The database of the records cannot be reached.", "Nobody listens.")

    journal.append(entries(0, 9))
    known = Shipped(0.0, journal.replica(), 4, 0)
    one = Shipper(journal, away, ManualClock(), known)
    assert [one.step() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, RETRY_CAP_S, RETRY_CAP_S]
    assert one.report == Shipped(
        1_000.0, journal.replica(), 4, 5, "store_unavailable",
        "The database of the records cannot be reached. Nobody listens.",
    )  # fmt: skip
    of_another_chain = Shipper(journal, away, ManualClock(), known=Shipped(0.0, "other", 4, 0))
    of_another_chain.step()
    assert of_another_chain.report.waiting is None


def test_a_report_that_is_old_or_broken_says_that_nobody_ships(tmp_path: Path) -> None:
    assert read_report(tmp_path, 5.0)["error"] == "not_running"
    write_report(tmp_path, Shipped(5.0, "a", 4, 2))
    assert read_report(tmp_path, 5.0) == {"ok": True, "shipped": 4, "waiting": 2, "error": None, "why": None}
    late = read_report(tmp_path, 5.1 + SILENT_S)
    assert (late["ok"], late["waiting"], late["error"]) == (False, None, "not_running")
    (tmp_path / "records.json").write_text("{")
    assert read_report(tmp_path, 5.0)["ok"] is False


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://gateway:{PASSWORD}@[::1/x",
        f"postgresql://gateway:{PASSWORD}@127.0.0.1/x",
        f"{PASSWORD}",
        "postgresql://gateway:12/" + PASSWORD + "@127.0.0.1/x",
        f"host=x pass word={PASSWORD}",
        f"mysql://u:{PASSWORD}@h",
    ],
)
def test_a_bad_connection_string_is_named_and_not_repeated(dsn: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PostgresJournal(dsn)
    told = f"{caught.value!r} {caught.value.what} {caught.value.why} {caught.value.mend} {caught.value.__cause__}"
    assert caught.value.code == "config_invalid"
    assert PASSWORD not in told


def test_no_error_tells_the_password(postgres: Postgres) -> None:
    nobody = f"postgresql://gateway:{PASSWORD.replace('@', '%40').replace('/', '%2F')}@127.0.0.1:{free_port()}/postgres"
    wrong = postgres.dsn.replace("canary", "wrong-canary")
    no_database = postgres.dsn.replace("/postgres", f"/{PASSWORD.replace('@', '%40').replace('/', '%2F')}")
    for dsn in (nobody, wrong, no_database):
        with pytest.raises(StorageError) as caught:
            PostgresJournal(dsn)
        told = f"{caught.value!r} {caught.value.why} {caught.value.mend} {caught.value.__cause__}"
        assert "PostgreSQL says" in told
        assert PASSWORD not in told
        assert "wrong-canary" not in told


def test_an_empty_chain_stands_at_genesis(database: PostgresJournal) -> None:
    assert database.position("nobody") == Position(0, GENESIS)
