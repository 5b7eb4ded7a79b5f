"""A backup is whole, of one moment per database, and comes back as it was made or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from roadworthy.core.errors import RoadworthyError, StorageError, SubjectError
from roadworthy.runtime.backup import LIST, create, restore


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with a database that is open, files, and what belongs to processes."""
    folder = tmp_path / "state"
    (folder / "files" / "deep").mkdir(parents=True)
    (folder / "run").mkdir()
    (folder / "files" / "a").write_bytes(b"content")
    (folder / "files" / "deep" / "empty").write_bytes(b"")
    (folder / "run" / "up.lock").write_bytes(b"1")
    with closing(sqlite3.connect(folder / "state.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE record (number INTEGER)")
        db.commit()
    return folder


def _numbers(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "state.db")) as db:
        return [number for (number,) in db.execute("SELECT number FROM record ORDER BY number")]


def test_there_and_back_while_it_is_written_to(state: Path, tmp_path: Path) -> None:
    over, ready = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(state / "state.db", isolation_level=None)) as db:
            number = 0
            while not over.is_set():
                db.execute("BEGIN IMMEDIATE")
                db.executemany("INSERT INTO record VALUES (?)", [(number,), (number + 1,)])
                db.execute("COMMIT")
                number += 2
                ready.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert ready.wait(10)
        made = create(state, tmp_path / "b")
    finally:
        over.set()
        thread.join()
    assert set(made.digests) == {"state.db", "files/a", "files/deep/empty"}
    assert oct((tmp_path / "b").stat().st_mode & 0o777) == "0o700"
    back = restore(tmp_path / "b", tmp_path / "new" / "state")
    assert (back.digests, back.size) == (made.digests, made.size)
    found = _numbers(tmp_path / "new" / "state")
    assert found == list(range(len(found)))
    assert len(found) % 2 == 0  # no half transaction
    assert found
    assert (tmp_path / "new" / "state" / "files" / "a").read_bytes() == b"content"
    assert not (tmp_path / "new" / "state" / "run").exists()


def test_what_only_the_log_of_the_database_holds_is_in_it(state: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(state / "state.db")) as db:
        db.execute("INSERT INTO record VALUES (7)")
        db.commit()
        assert (state / "state.db-wal").stat().st_size
        create(state, tmp_path / "b")
    assert not list((tmp_path / "b").glob("*-wal"))
    assert _numbers(tmp_path / "b") == [7]


def _damage(state: Path) -> None:
    with closing(sqlite3.connect(state / "state.db", isolation_level=None)) as db:
        db.execute("BEGIN")
        db.executemany("INSERT INTO record VALUES (?)", [(at,) for at in range(5_000)])
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode=DELETE")
    content = bytearray((state / "state.db").read_bytes())
    content[8_192:12_288] = b"\xff" * 4_096
    (state / "state.db").write_bytes(content)


def _damage_head(state: Path) -> None:
    with closing(sqlite3.connect(state / "state.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    content = bytearray((state / "state.db").read_bytes())
    content[100:4_096] = b"\xff" * 3_996
    (state / "state.db").write_bytes(content)


def _empty(state: Path) -> None:
    """Only what belongs to processes is there, as in the folder of a wrong configuration."""
    shutil.rmtree(state / "files")
    (state / "state.db").unlink()


@pytest.mark.parametrize(
    ("act", "target", "code"),
    [
        (lambda state: None, "state/b", "store_unavailable"),
        (lambda state: (state.parent / "b").mkdir(), "b", "store_unavailable"),
        (lambda state: (state.parent / "b").symlink_to("nowhere"), "b", "store_unavailable"),
        (lambda state: (state / "more").symlink_to("/etc"), "b", "store_unavailable"),
        (lambda state: os.mkfifo(state / "pipe"), "b", "store_unavailable"),
        (lambda state: state.rename(state.parent / "gone"), "b", "store_unavailable"),
        (_damage, "b", "integrity_mismatch"),
        (_damage_head, "b", "integrity_mismatch"),
        (_empty, "b", "store_unavailable"),
        (lambda state: (state.parent / "b").symlink_to("b"), "b/c", "store_unavailable"),
    ],
)
def test_no_half_backup(act: Callable[[Path], None], target: str, code: str, state: Path, tmp_path: Path) -> None:
    act(state)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(RoadworthyError) as failed:
        create(state, tmp_path / target)
    assert failed.value.code == code, failed.value
    assert sorted(os.listdir(tmp_path)) == before


def _listed(folder: Path, **more: str) -> None:
    told = json.loads((folder / LIST).read_text())
    told["files"].update(more)
    (folder / LIST).write_text(json.dumps(told))


def _created(folder: Path, text: str) -> None:
    told = json.loads((folder / LIST).read_text())
    (folder / LIST).write_text(json.dumps({**told, "created": text}))


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda folder: (folder / "files" / "a").write_bytes(b"Content"), "integrity_mismatch"),
        (lambda folder: (folder / "files" / "a").unlink(), "integrity_mismatch"),
        (lambda folder: (folder / "files" / "b").write_bytes(b""), "integrity_mismatch"),
        (lambda folder: _listed(folder, **{"../out": "0" * 64}), "subject_unreadable"),
        (lambda folder: _listed(folder, **{"run/up.lock": "0" * 64}), "subject_unreadable"),
        (lambda folder: (folder / LIST).unlink(), "subject_unreadable"),
        (lambda folder: (folder / LIST).write_text("[]"), "subject_unreadable"),
        (lambda folder: _created(folder, "\x1b[2J"), "subject_unreadable"),
        (lambda folder: (folder / LIST).write_text('{"format": 2, "created": "", "files": {}}'), "subject_unreadable"),
    ],
)
def test_what_was_changed_does_not_come_back(
    act: Callable[[Path], None], code: str, state: Path, tmp_path: Path
) -> None:
    create(state, tmp_path / "b")
    act(tmp_path / "b")
    with pytest.raises(SubjectError) as failed:
        restore(tmp_path / "b", tmp_path / "new")
    assert failed.value.code == code, failed.value
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob(".new*"))


def test_a_state_that_is_there_stays(state: Path, tmp_path: Path) -> None:
    create(state, tmp_path / "b")
    with pytest.raises(StorageError, match="is there already"):
        restore(tmp_path / "b", state)
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "b", tmp_path / "empty")
    assert _numbers(tmp_path / "empty") == []


def test_a_state_that_was_copied_back_by_hand_has_backups_that_come_back(state: Path, tmp_path: Path) -> None:
    create(state, tmp_path / "b")
    shutil.copytree(tmp_path / "b", tmp_path / "by-hand")
    made = create(tmp_path / "by-hand", tmp_path / "c")
    assert LIST not in made.digests
    assert restore(tmp_path / "c", tmp_path / "new").digests == made.digests


def test_a_link_to_an_empty_folder_stays_a_link(state: Path, tmp_path: Path) -> None:
    create(state, tmp_path / "b")
    (tmp_path / "disk").mkdir()
    (tmp_path / "linked").symlink_to("disk")
    restore(tmp_path / "b", tmp_path / "linked")
    assert (tmp_path / "linked").is_symlink()
    assert _numbers(tmp_path / "disk") == []


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EACCES])
def test_a_place_that_cannot_be_replaced_is_told(
    number: int, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the mount point of a volume."""
    create(state, tmp_path / "b")
    (tmp_path / "mounted").mkdir()

    def refuse(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "rmdir", refuse)
    with pytest.raises(StorageError) as failed:
        restore(tmp_path / "b", tmp_path / "mounted")
    assert ("mounted there" in failed.value.mend) is (number == errno.EBUSY)
    assert not list((tmp_path / "mounted").iterdir())
