"""A queue of jobs in memory for what places and follows them: nothing runs until the test says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from roadworthy.core.errors import UsageError
from roadworthy.core.job import Job, JobInterrupted, JobState, Json, Payload
from roadworthy.core.ports import JobHandler


class QuietRun:
    """Implements `core.ports.JobRun` for a job that is done at once; `stop` interrupts it."""

    def __init__(self, job_id: str) -> None:
        self.id = job_id
        self.stop = False
        self.progress = 0

    def step(self, name: str, work: Callable[[], Json], tries: int = 1) -> Json:
        return work()

    def progressed(self) -> None:
        self.progress += 1

    def check(self) -> None:
        if self.stop:
            raise JobInterrupted


class MemoryJobs:
    """Implements `core.ports.Jobs`; `work` does what waits."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.payloads: dict[str, Payload] = {}
        self.full: Exception | None = None

    def enqueue(self, kind: str, job_id: str, payload: Payload) -> Job:
        if self.full is not None:
            raise self.full
        self.payloads.setdefault(job_id, payload)
        return self.jobs.setdefault(job_id, Job(job_id, kind, "queued", 0, time.time(), time.time()))

    def get(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    def list(self, state: JobState | None = None, limit: int = 100, kind: str | None = None) -> tuple[Job, ...]:
        return tuple(self.jobs.values())[:limit]

    def cancel(self, job_id: str) -> Job:
        if self.jobs[job_id].state in {"queued", "running"}:
            self.mark(job_id, "cancelled")
        return self.jobs[job_id]

    def replay(self, job_id: str) -> Job:
        raise UsageError("Nobody asks for this here.")

    def mark(self, job_id: str, state: JobState, error: str = "") -> None:
        """Put a job into a state."""
        self.jobs[job_id] = self.jobs[job_id]._replace(state=state, error=error)

    def work(self, handlers: Mapping[str, JobHandler]) -> list[Any]:
        """Do every job that waits; returns their results."""
        results = []
        for job in [one for one in self.jobs.values() if one.state == "queued"]:
            self.mark(job.id, "running")
            results.append(handlers[job.kind](QuietRun(job.id), self.payloads[job.id]))
            self.mark(job.id, "done")
        return results
