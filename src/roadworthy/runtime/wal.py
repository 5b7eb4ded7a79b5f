"""SQLite's write-ahead log, switched on by whoever opens a file first. Source: sqlite.org/wal.html."""

from __future__ import annotations

import sqlite3
import time


def use_wal(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    """Switch to WAL; SQLite itself does not wait when two processes switch at once.

    Args:
        connection: To a file.
        busy_timeout_s: Seconds to wait for the others.

    Raises:
        sqlite3.OperationalError: They did not let go in time, or the file cannot be written.
    """
    deadline = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
