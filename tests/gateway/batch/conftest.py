"""Rows in SQLite and contents on disk, with jobs that are only written down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from roadworthy.core.errors import GatewayError
from roadworthy.core.job import Job, JobInterrupted
from roadworthy.gateway.batch.files import FileStore
from roadworthy.gateway.batch.service import BatchService
from roadworthy.gateway.batch.store import BatchStore
from roadworthy.runtime.jobs.store import open_engine


class PaperJobs:
    """Jobs that nobody does."""

    def __init__(self) -> None:
        self.queued: dict[str, Job] = {}
        self.full = False

    def enqueue(self, kind, job_id, payload):
        if self.full:
            raise GatewayError("full", code="queue_full", retry_after_s=5)
        self.queued.setdefault(job_id, Job(job_id, kind, "queued", 0, time.time(), time.time()))
        return self.queued[job_id]

    def get(self, job_id):
        return self.queued.get(job_id)

    def list(self, state=None, limit=100, kind=None):
        return tuple(self.queued.values())

    def cancel(self, job_id):
        return self.queued[job_id]

    def replay(self, job_id):
        self.queued[job_id] = self.queued[job_id]._replace(state="queued", error="")
        return self.queued[job_id]

    def die(self, job_id: str, error: str) -> None:
        self.queued[job_id] = self.queued[job_id]._replace(state="dead", error=error)


class PaperRun:
    """A job in the middle of being done, without a store of its own."""

    def __init__(self) -> None:
        self.id = "run"
        self.interrupted = False
        self.progress = 0
        self.recorded: dict[str, object] = {}

    def step(self, name, work, tries=1):
        if name not in self.recorded:
            self.recorded[name] = work()
        return self.recorded[name]

    def progressed(self):
        self.progress += 1

    def check(self):
        if self.interrupted:
            raise JobInterrupted


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = open_engine(tmp_path / "jobs.db")
    yield made
    made.dispose()


@pytest.fixture
def jobs() -> PaperJobs:
    return PaperJobs()


@pytest.fixture
def run() -> PaperRun:
    return PaperRun()


@pytest.fixture
def service(engine: sa.Engine, tmp_path: Path, jobs: PaperJobs) -> BatchService:
    return BatchService(BatchStore(engine), FileStore(tmp_path / "files"), jobs, 1_000_000)
