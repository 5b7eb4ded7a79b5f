"""Journal and key store share one SQLite file in one process, while other processes come and go."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from roadworthy.core.ports import Entry
from roadworthy.gateway.keys import KeyStore
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal

VISITOR = """
import sys
from pathlib import Path
from roadworthy.gateway.keys import KeyStore
store = KeyStore(Path(sys.argv[1]))
store.create("visitor", ["use"])
store.close()
"""
READER = """
import sqlite3, sys
for (kind,) in sqlite3.connect(sys.argv[1]).execute("SELECT kind FROM journal_entry ORDER BY seq"):
    print(kind)
"""


@pytest.mark.parametrize("keys_first", [True, False])
def test_no_entry_is_lost_when_another_process_closes_the_file(tmp_path: Path, keys_first: bool) -> None:
    """A plain open and close of the file would cancel this process's locks; the visitor then deletes the live WAL."""
    path = tmp_path / "state.db"
    keys = KeyStore(path) if keys_first else None
    journal = SqliteJournal(path, TextMasker())
    keys = keys or KeyStore(path)
    with closing(keys), closing(journal):
        journal.append([Entry("test.before", 1.0, b"{}")])
        subprocess.run([sys.executable, "-c", VISITOR, str(path)], check=True)
        journal.append([Entry("test.after", 2.0, b"{}")])
        seen = subprocess.run([sys.executable, "-c", READER, str(path)], check=True, capture_output=True, text=True)
        assert seen.stdout.split() == ["test.before", "test.after"]
        assert [key.name for key in keys.list()] == ["visitor"]
