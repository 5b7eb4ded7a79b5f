"""The journal keeps what it was given, shows what was tampered with, and survives kill -9 and a full disk."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry, Journal
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


def opened(path: Path) -> SqliteJournal:
    return SqliteJournal(path, TextMasker())


def entries(count: int, kind: str = "request.finished") -> list[Entry]:
    return [Entry(kind, 1_760_000_000.123456 + n, json.dumps({"n": n}).encode()) for n in range(count)]


def tamper(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_is_a_journal(path: Path) -> None:
    journal: Journal = opened(path)
    journal.append(entries(1))


def test_keeps_order_time_kind_and_payload(path: Path) -> None:
    journal = opened(path)
    journal.append(entries(3))
    journal.append([Entry("key.created", 1.5, b'{"id":"k1"}')])
    journal.append([])
    stored = journal.read()
    assert [(row.seq, row.at, row.kind) for row in stored] == [
        (1, 1_760_000_000.123456, "request.finished"),
        (2, 1_760_000_001.123456, "request.finished"),
        (3, 1_760_000_002.123456, "request.finished"),
        (4, 1.5, "key.created"),
    ]
    assert json.loads(stored[2].payload) == {"n": 2}
    assert journal.verify() == (4, stored[3].hash, None)


def test_an_empty_journal_verifies(path: Path) -> None:
    assert opened(path).verify() == (0, "0" * 64, None)


def test_goes_on_after_it_was_closed(path: Path) -> None:
    first = opened(path)
    first.append(entries(700))
    first.close()
    second = opened(path)
    second.append(entries(33))
    assert second.verify()[::2] == (733, None)


def test_read_and_tail_select(path: Path) -> None:
    journal = opened(path)
    journal.append([*entries(5), *entries(2, "breaker.opened"), *entries(3, "key.created")])
    assert [row.seq for row in journal.read("breaker.")] == [6, 7]
    assert [row.seq for row in journal.read(after_seq=3, limit=2)] == [4, 5]
    assert [row.seq for row in journal.tail(2)] == [9, 10]
    assert [row.seq for row in journal.tail(2, "request.")] == [4, 5]
    assert journal.read("request.%") == []


def test_masks_at_the_door(path: Path) -> None:
    journal = opened(path)
    plain = [b'{"detail":"key sk-canary-0123456789 of bob@example.com"}', b'{"detail":"clean"}']
    journal.append([Entry("request.finished", 1.0, payload) for payload in plain])
    journal.append([Entry("request.finished", 1.0, b'{"pretty":\n"bob@example.com"}')])
    assert [row.payload for row in journal.read()] == [
        b'{"detail":"key ***MASKED*** of ***EMAIL_MASKED***"}',
        plain[1],
        b'{"pretty":\n"***EMAIL_MASKED***"}',
    ]
    journal.close()
    for file in path.parent.iterdir():
        assert b"canary" not in file.read_bytes()
        assert b"bob@" not in file.read_bytes()


def test_only_the_owner_can_read_the_file(path: Path) -> None:
    opened(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["", "Request", "a b", "a\nb", "x" * 65, "ключ"])
def test_refuses_a_kind_outside_the_vocabulary(path: Path, kind: str) -> None:
    journal = opened(path)
    with pytest.raises(ValueError, match="dotted lower-case name"):
        journal.append([*entries(2), Entry(kind, 1.0, b"{}")])
    assert journal.verify().entries == 0


def test_refuses_a_payload_that_is_not_utf8(path: Path) -> None:
    journal = opened(path)
    with pytest.raises(UnicodeDecodeError):
        journal.append([Entry("a", 1.0, b'"\xff"')])
    assert journal.verify().entries == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal_entry SET payload = '{}' WHERE seq = 2",
        "DELETE FROM journal_entry WHERE seq = 2",
        "UPDATE journal_head SET entries = 1",
        "DELETE FROM journal_head",
    ],
)
def test_sql_cannot_change_what_was_written(path: Path, statement: str) -> None:
    opened(path).append(entries(3))
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statements", "first_bad"),
    [
        (["UPDATE journal_entry SET payload = '{\"n\":9}' WHERE seq = 2"], 2),
        (["UPDATE journal_entry SET at = at + 1 WHERE seq = 3"], 3),
        (["UPDATE journal_entry SET kind = 'x' WHERE seq = 1"], 1),
        (["UPDATE journal_entry SET hash = zeroblob(32) WHERE seq = 4"], 4),
        (["DELETE FROM journal_entry WHERE seq = 3"], 3),
        (["DELETE FROM journal_entry WHERE seq = 1"], 1),
        (["DELETE FROM journal_entry WHERE seq > 3"], 4),
        (["DELETE FROM journal_entry"], 1),
        (["INSERT INTO journal_entry SELECT 6, at, kind, payload, hash FROM journal_entry WHERE seq = 5"], 6),
        (
            [
                "UPDATE journal_entry SET seq = -1 WHERE seq = 2",
                "UPDATE journal_entry SET seq = 2 WHERE seq = 3",
                "UPDATE journal_entry SET seq = 3 WHERE seq = -1",
            ],
            2,
        ),
        (["UPDATE journal_head SET entries = 4"], 5),
        (["UPDATE journal_head SET hash = zeroblob(32)"], 5),
    ],
)
def test_verify_names_the_first_bad_entry(path: Path, statements: list[str], first_bad: int) -> None:
    journal = opened(path)
    journal.append(entries(5))
    journal.close()
    tamper(path, *statements)
    assert opened(path).verify().first_bad_seq == first_bad


@pytest.mark.parametrize("content", [b"not a database, only text\n" * 200, b"SQLite format 3\x00" + b"\xaa" * 8000])
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        opened(path)
    assert caught.value.code == "journal_corrupt"
    assert "move it away" in caught.value.mend
    assert path.read_bytes() == content


def test_damage_in_the_middle_is_found(path: Path) -> None:
    journal = opened(path)
    journal.append(entries(3000))
    journal.close()
    with path.open("r+b") as file:
        file.seek(4096 * 8)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(StorageError) as caught:
        opened(path).verify()
    assert caught.value.code == "journal_corrupt"


@pytest.mark.parametrize("name", ["file/state.db", "folder"])
def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError) as caught:
        opened(tmp_path / name)
    assert caught.value.code == "store_unavailable"
    assert caught.value.mend


def test_a_writer_that_holds_the_file_too_long(path: Path) -> None:
    journal = SqliteJournal(path, TextMasker(), busy_timeout_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError) as caught:
        journal.append(entries(2))
    assert caught.value.code == "store_unavailable"
    other.execute("ROLLBACK")
    other.close()
    journal.append(entries(2))
    assert journal.verify()[::2] == (2, None)


def test_several_threads_share_one_journal(path: Path) -> None:
    journal = opened(path)
    threads = [threading.Thread(target=lambda: [journal.append(entries(7)) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.verify()[::2] == (560, None)


WRITER = """
import sys
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.guard.text.masker import TextMasker
journal = SqliteJournal(sys.argv[1], TextMasker())
for n in range(int(sys.argv[2])):
    payload = b'{"writer":%d,"n":%d}' % (int(sys.argv[3]), n)
    journal.append([Entry("request.finished", float(n), payload) for _ in range(10)])
    if n == 3:
        print("writing", flush=True)
"""

FULL_DISK = """
import resource, sys
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.guard.text.masker import TextMasker
journal = SqliteJournal(sys.argv[1], TextMasker())
journal.append([Entry("a", 1.0, b"{}")] * 5)
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
try:
    journal.append([Entry("a", 1.0, b'{"x":"' + b"y " * 500 + b'"}')] * 1000)
except StorageError as error:
    print(error.code)
print(journal.verify().entries, journal.verify().first_bad_seq)
resource.setrlimit(resource.RLIMIT_FSIZE, before)
journal.append([Entry("a", 1.0, b"{}")] * 2)
print(journal.verify().entries, journal.verify().first_bad_seq)
"""


def child(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)


def test_two_processes_write_one_chain(path: Path) -> None:
    writers = [child(WRITER, str(path), "40", str(number)) for number in range(2)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert opened(path).verify()[::2] == (800, None)


@pytest.mark.parametrize("round_", range(3))
def test_kill_in_the_middle_leaves_a_whole_chain(path: Path, round_: int) -> None:
    writers = [child(WRITER, str(path), "1000000", str(number)) for number in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
    time.sleep(0.02 * round_)
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    journal = opened(path)
    found = journal.verify()
    assert found.first_bad_seq is None
    assert found.entries >= 80
    assert found.entries % 10 == 0
    journal.append(entries(3))
    assert journal.verify()[::2] == (found.entries + 3, None)


def test_a_full_disk_refuses_and_nothing_is_half_written(path: Path) -> None:
    writer = child(FULL_DISK, str(path))
    assert writer.communicate()[0].split() == ["store_unavailable", "5", "None", "7", "None"]
