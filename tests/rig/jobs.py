"""A store of durable jobs with its control, and worker processes to start and kill."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from roadworthy.runtime.jobs.dbos_jobs import DbosJobs
from roadworthy.runtime.jobs.store import open_engine

WORKER = Path(__file__).with_name("drive_jobs.py")
DEADLINE_S = 120.0


def wait_for(check: Callable[[], Any], what: str = "it never happened", limit_s: float = DEADLINE_S) -> Any:
    """Poll until `check` says yes; returns what it said."""
    deadline = time.monotonic() + limit_s
    while not (found := check()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


class Bench:
    """A store with its control, and workers to start and kill."""

    def __init__(self, store: str, folder: Path) -> None:
        self.store = store
        self.log = folder / "begun"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.jobs = DbosJobs(store if "://" in store else Path(store), max_queued=2_000, lost=lambda: None)
        self.engine = open_engine(store if "://" in store else Path(store))

    def worker(self, ahead_s: float = 0.0, doomed: bool = False) -> subprocess.Popen[bytes]:
        """Start one and wait until it takes jobs; its clock may be ahead, and goes back as much with SIGUSR1.

        One that is doomed takes a poison job, which may end it before it can say anything.
        """
        with self.log.with_name("stderr").open("ab") as stderr:
            process = subprocess.Popen(
                [sys.executable, str(WORKER), self.store, str(self.log), str(ahead_s)],
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self.workers.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == b"ready\n" or (doomed and not said), self.errors()
        return process

    def errors(self) -> str:
        return self.log.with_name("stderr").read_text()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    def begun(self) -> list[tuple[int, str, str, int]]:
        """(milliseconds, job, step, pid) of everything that began."""
        if not self.log.exists():
            return []
        rows = [line.split() for line in self.log.read_text().splitlines()]
        return [(int(at), job, step, int(pid)) for at, job, step, pid in rows]

    def count(self, job: str) -> Counter[str]:
        """How often each step of a job began."""
        return Counter(step for _, one, step, _ in self.begun() if one == job)

    def recorded(self) -> dict[tuple[str, str], int]:
        """(job, step) → when its end was recorded, in milliseconds."""
        table = "operation_outputs" if self.engine.dialect.name == "sqlite" else "dbos.operation_outputs"
        with self.engine.connect() as db:
            rows = db.execute(sa.text(f"SELECT workflow_uuid, function_name, completed_at_epoch_ms FROM {table}")).all()
        assert len({(row[0], row[1]) for row in rows}) == len(rows)
        return {(row[0], row[1]): row[2] for row in rows}

    def run_again_after_finished(self) -> list[tuple[str, str]]:
        """Steps that began after their end had been recorded: there must be none."""
        ends = self.recorded()
        return [
            (job, step)
            for at, job, step, _ in self.begun()
            if (end := ends.get((job, f"step-{step}"))) is not None and at > end
        ]

    @contextmanager
    def store_away(self) -> Iterator[None]:
        """Nobody can write, and on PostgreSQL nobody can connect."""
        if self.engine.dialect.name == "sqlite":
            with closing(sqlite3.connect(self.store, isolation_level=None)) as db:
                db.execute("BEGIN EXCLUSIVE")
                yield
                db.execute("ROLLBACK")
            return
        url = self.engine.url
        engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as db:
                db.execute(sa.text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
                cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
                db.execute(sa.text(cut), {"name": url.database})
                yield
                db.execute(sa.text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true"))
        finally:
            engine.dispose()

    def state(self, job: str) -> str:
        found = self.jobs.get(job)
        assert found is not None
        return found.state

    def close(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                self.kill(process)
            if process.stdout is not None:
                process.stdout.close()
        self.engine.dispose()
        self.jobs.stop(1)
