"""Contents of files on disk, below the state directory. Calls block; safe for threads."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from roadworthy.core.errors import StorageError, UsageError

_CHUNK = 1 << 20


class FileStore:
    """A folder with one file per id. A name below it exists only when its content is whole and on disk.

    Args:
        folder: Made with mode 0700 when it is missing; leftovers of writers that were killed are removed. Several
            machines may share it.

    Raises:
        StorageError: `store_unavailable` when it cannot be made or read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in folder.glob("*.part"):
                _remove_left(left)
        except OSError as error:
            raise _refused(error) from error

    def path(self, file_id: str) -> Path:
        """Where a file's content is. Ids are ours, never a caller's text."""
        return self._folder / file_id

    def has(self, file_id: str) -> bool:
        """Whether the content is there."""
        return self.path(file_id).is_file()

    def open_part(self) -> PartFile:
        """A file that is being written."""
        return PartFile(self._folder / f"{secrets.token_hex(8)}.part")

    def write(self, file_id: str, lines: Iterable[bytes]) -> int:
        """Write a file in one go; returns its size.

        Raises:
            StorageError: `store_unavailable`; nothing is left.
        """
        part = self.open_part()
        try:
            for line in lines:
                part.write(line)
            part.keep_as(self.path(file_id))
        finally:
            part.drop()
        return part.size

    def read_lines(self, file_id: str) -> Iterator[bytes]:
        """The lines of a file, without line ends; one line at a time is in memory.

        Raises:
            UsageError: `not_found` when its content is gone: waiting brings it back no more.
            StorageError: `store_unavailable` when it cannot be read.
        """
        try:
            with self.path(file_id).open("rb") as file:
                yield from (line.rstrip(b"\r\n") for line in file)
        except FileNotFoundError:
            raise gone() from None
        except OSError as error:
            raise StorageError("A file of the batch cannot be read.", f"{error.strerror}.") from error

    def remove(self, file_id: str) -> None:
        """Remove a content that nobody refers to any more; one that is gone is fine."""
        self.path(file_id).unlink(missing_ok=True)


class PartFile:
    """A content on its way to disk.

    Args:
        path: Of the unfinished file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = 0
        try:
            self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", _CHUNK)
            fcntl.flock(self._file, fcntl.LOCK_EX)  # while it is held, nobody takes the part for a leftover
        except OSError as error:
            raise _refused(error) from error

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            StorageError: `store_unavailable` when the disk refuses.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise _refused(error) from error
        self.size += len(data)

    def keep_as(self, path: Path) -> None:
        """Bring it to disk and give it its name, in one step.

        Raises:
            StorageError: `store_unavailable`.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._path, path)
        except OSError as error:
            raise _refused(error) from error

    def drop(self) -> None:
        """Remove what was not kept."""
        with suppress(OSError):  # a full disk refuses the rest, which is not wanted any more
            self._file.close()
        self._path.unlink(missing_ok=True)


def gone() -> UsageError:
    """The row is there and the content is not."""
    return UsageError("The file's content is gone.", "It is on disk no more.", "Upload it again.", code="not_found")


def _remove_left(part: Path) -> None:
    """Remove a part whose writer is gone: the lock of a living one cannot be taken."""
    with suppress(FileNotFoundError, BlockingIOError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink()


def _refused(error: OSError) -> StorageError:
    return StorageError("The file cannot be stored.", f"{error.strerror}.")
