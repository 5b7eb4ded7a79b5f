"""Reads a file that may be anything: a pipe does not block, a device is refused, and no more than a limit is read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read(path: Path, most: int) -> bytes:
    """The bytes of a plain file, at most `most` + 1 of them, so that a caller can tell what is too large.

    Args:
        path: A link is followed.
        most: Bytes.

    Raises:
        OSError: It cannot be read, or is no plain file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "It is no plain file")
        return file.read(most + 1)
