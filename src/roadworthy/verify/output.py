"""The folder of the output. It may lie in the subject, so nothing in it is trusted, and no link in it is followed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roadworthy.core.errors import ConfigError, StorageError, UsageError
from roadworthy.runtime.atomic_file import replacing

FOLDERS = ("evidence", "history")


@contextmanager
def taken(out: Path, root: Path) -> Iterator[None]:
    """Have the folder for oneself.

    Args:
        out: Made when it is not there.
        root: The subject; the folder is not the subject nor above it.

    Raises:
        UsageError: The folder would be the subject, or a part of it is a symbolic link.
        ConfigError: `already_running`: another run writes there.
        StorageError: `store_unavailable`: the disk refuses.
    """
    if out == root or root.is_relative_to(out):
        raise UsageError("The output cannot be the subject itself.", "", "Name another folder with --out.")
    links = [path for path in (*_below(root, out), *(out / name for name in FOLDERS)) if path.is_symlink()]
    if links:
        raise UsageError(
            f"{links[0].name} in the output's path is a symbolic link.",
            "It lies in the subject and would lead out of it.",
            "Remove it, or name another folder with --out.",
        )
    try:
        for name in FOLDERS:
            (out / name).mkdir(parents=True, exist_ok=True)
        handle = os.open(out / "history" / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = f"{error.strerror or 'Input/output error'}."
        raise StorageError("The output cannot be written.", why) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(
            "Another run writes to the same folder.", "", "Wait for it, or use --out.", code="already_running"
        ) from None
    finally:
        os.close(handle)


def _below(root: Path, out: Path) -> list[Path]:
    """The folders between the subject and the output, where the subject could have placed a link."""
    if not out.is_relative_to(root):
        return []
    return [folder for folder in (out, *out.parents) if folder.is_relative_to(root) and folder != root]


def put(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file, whole or not at all; a link of its name is replaced, not followed.

    Raises:
        OSError: The disk refuses.
    """
    if path.is_symlink():
        path.unlink()
    with replacing(path, mode=mode) as file:
        file.write(content)
