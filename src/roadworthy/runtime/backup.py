"""A copy of a state directory that is made while the service runs, and the way back from it.

Databases are copied through SQLite's own backup, in one step each: a moment of each, never half a transaction. They go
first, the other files after them: contents are written before the rows that name them, so what a row names is there.
What processes tell each other (`run/`) is left out. Every file has its SHA-256 in `backup.json`; a restore takes a copy
as it was made or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from roadworthy import __version__
from roadworthy.core.errors import StorageError, SubjectError

LIST = "backup.json"
FORMAT = 1
_RUN = "run"
_BESIDE = ("-wal", "-shm", "-journal")
_SQLITE = b"SQLite format 3\0"
_BUSY_S = 30.0
_MOST_LIST_BYTES = 64 << 20


class Copied(NamedTuple):
    """What a backup holds.

    Attributes:
        digests: SHA-256 by name, relative to the state directory.
        size: Bytes of all files.
        created: ISO 8601.
    """

    digests: dict[str, str]
    size: int
    created: str


def create(state_dir: Path, folder: Path) -> Copied:
    """Copy a state directory, which may be in use.

    Args:
        state_dir: Of the service.
        folder: Must not be there yet; is there whole or not at all afterwards, readable by its owner alone.

    Raises:
        StorageError: `store_unavailable`: there is no state, the folder is there already or lies inside of the state
            directory, a file cannot be read or written, or went away meanwhile.
        SubjectError: `integrity_mismatch`: a database is damaged.
    """
    if not state_dir.is_dir():
        raise StorageError("There is nothing to back up.", f"There is no state directory {state_dir}.")
    if folder.resolve().is_relative_to(state_dir.resolve()):
        raise StorageError("The backup would lie inside of what it copies.", "", "Name a folder elsewhere.")
    with _whole(folder) as part, _told("The state cannot be copied."):
        names = sorted(_names(state_dir), key=lambda name: not _is_database(state_dir / name))
        for name in names:
            target = part / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_database(state_dir / name):
                _copy_database(state_dir / name, target)
            else:
                _copy(state_dir / name, target)
        found = Copied(
            {name: _digest(part / name) for name in names},
            sum((part / name).stat().st_size for name in names),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        told = {"format": FORMAT, "version": __version__, "created": found.created, "files": found.digests}
        _write(part / LIST, json.dumps(told, indent=1, sort_keys=True).encode())
    return found


def restore(folder: Path, state_dir: Path) -> Copied:
    """Put a backup in the place of a state directory that is not there or empty.

    Args:
        folder: Of the backup.
        state_dir: Is there whole, or holds nothing.

    Raises:
        StorageError: `store_unavailable`: there is a state already, or a file cannot be read or written.
        SubjectError: `subject_unreadable`: it is no backup; `integrity_mismatch`: a file is changed, missing or added.
    """
    found = _listed(folder)
    with _told("The backup cannot be read."):
        there = set(_names(folder)) - {LIST}
    if odd := sorted(there ^ set(found.digests)):
        raise _changed(f"{len(odd)} files are missing or were added, the first is {odd[0]!r}.")
    if state_dir.is_dir() and not any(state_dir.iterdir()):
        state_dir.rmdir()
    with _whole(state_dir) as part, _told("The backup cannot be restored."):
        for name, digest in found.digests.items():
            target = part / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy(folder / name, target)
            if _digest(target) != digest:
                raise _changed(f"The content of {name!r} is not what was written.")
    size = sum((state_dir / name).stat().st_size for name in found.digests)
    return found._replace(size=size)


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` that gets its name at the end; nothing is left of it after an error."""
    if folder.exists() or folder.is_symlink():
        raise StorageError(f"{folder} is there already.", "Nothing is written over.", "Name another folder.")
    with _told(f"{folder} cannot be made."):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        yield part
        with _told(f"{folder} cannot be made."):
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as problem:
        raise StorageError(
            what, f"{Path(str(problem.filename)).name} went away meanwhile.", "Run the command again."
        ) from problem
    except (OSError, sqlite3.Error) as problem:
        why = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise StorageError(what, f"{why}.", "Check the rights and the space on the disk.") from problem


def _names(root: Path) -> Iterator[str]:
    """Files below a folder, but for what belongs to processes and open databases.

    Raises:
        OSError: A folder cannot be listed.
        StorageError: Something is no plain file: a copy would not hold it.
    """

    def stop(problem: OSError) -> None:
        raise problem

    for folder, folders, files in os.walk(root, onerror=stop):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name != _RUN]
        for name in [*files, *(name for name in folders if (here / name).is_symlink())]:
            path = here / name
            if any(name.endswith(end) and (here / name.removesuffix(end)).is_file() for end in _BESIDE):
                continue
            if not stat.S_ISREG(path.lstat().st_mode):
                raise StorageError(f"{path} is no plain file.", "A copy would not hold it.", "Take it away.")
            yield path.relative_to(root).as_posix()


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _copy_database(path: Path, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        # A file of its own: no log beside it that a copy of it alone would miss.
        copy.execute("PRAGMA journal_mode=DELETE")
        (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise SubjectError(f"The database {path.name} is damaged.", f"{said}.", code="integrity_mismatch")
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _copy(path: Path, target: Path) -> None:
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with path.open("rb") as source, os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listed(folder: Path) -> Copied:
    try:
        with (folder / LIST).open("rb") as file:
            told: Any = json.loads(file.read(_MOST_LIST_BYTES))
        good = told["format"] == FORMAT and all(map(_plain, told["files"].items()))
        created = str(told["created"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise SubjectError(f"{folder} is no backup.", f"It holds no {LIST} that can be read.", "Name its folder.")
    return Copied(dict(told["files"]), 0, created)


def _plain(item: tuple[Any, Any]) -> bool:
    name, digest = item
    parts = name.split("/")
    return isinstance(digest, str) and not {"", ".", ".."} & set(parts) and parts[0] != _RUN and "\0" not in name


def _changed(why: str) -> SubjectError:
    return SubjectError(
        "The backup is not what was written.", why, "Take another backup; nothing was restored.",
        code="integrity_mismatch",
    )  # fmt: skip
