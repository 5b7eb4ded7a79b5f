"""The product's command, whose backups are not what they should be.

    python faulty_backup.py FAULT backup create FOLDER …

`cut` shortens a file after the list was made; `keys` and `rewritten` change a database and the list with it, as a
backup of the wrong thing would; `none` does nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

COMMAND = [sys.executable, "-P", "-m", "roadworthy"]
CHANGES = {
    "keys": "DELETE FROM keys",
    "rewritten": "UPDATE journal_entry SET payload = '{}' WHERE kind = 'edge.started'",
}


def spoil(fault: str, folder: Path) -> None:
    """Do to a backup what the fault says."""
    state = folder / "state.db"
    if fault == "cut":
        state.write_bytes(state.read_bytes()[:-100])
    if fault in CHANGES:
        with closing(sqlite3.connect(state)) as db:
            for trigger in [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
                db.execute(f"DROP TRIGGER {trigger}")
            assert db.execute(CHANGES[fault]).rowcount
            db.commit()
        told = json.loads((folder / "backup.json").read_text())
        told["files"]["state.db"] = hashlib.sha256(state.read_bytes()).hexdigest()
        (folder / "backup.json").write_text(json.dumps(told))


def main() -> None:
    """Do what the command line says."""
    fault, *words = sys.argv[1:]
    if words[:2] != ["backup", "create"]:
        os.execv(sys.executable, [*COMMAND, *words])
    ran = subprocess.run([*COMMAND, *words], check=False)
    if ran.returncode == 0:
        spoil(fault, Path(words[2]))
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
