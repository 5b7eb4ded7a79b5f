"""Durable jobs as one application sees them: its own kinds only."""

from __future__ import annotations

from roadworthy.core.errors import UsageError
from roadworthy.core.job import Job, JobState, Payload
from roadworthy.core.ports import Jobs

MAX_LISTED = 1_000


class ApplicationJobs:
    """Implements `core.ports.Jobs` for kinds that begin with the application's name and a dot.

    Args:
        jobs: Of the process.
        application: Name of the application.
    """

    def __init__(self, jobs: Jobs, application: str) -> None:
        self._jobs = jobs
        self._prefix = f"{application}."

    def enqueue(self, kind: str, job_id: str, payload: Payload) -> Job:
        """See `core.ports.Jobs`.

        Raises:
            UsageError: `invalid_request` also for a kind of others, and for an id that others use.
        """
        if not kind.startswith(self._prefix):
            raise UsageError("The kind of the job is not usable.", f"It must begin with {self._prefix}.")
        job = self._jobs.enqueue(kind, job_id, payload)
        if not self._is_own(job):
            raise UsageError("The id of the job is not usable.", "A job of another kind has it.")
        return job

    def get(self, job_id: str) -> Job | None:
        """See `core.ports.Jobs`; jobs of others are not there."""
        job = self._jobs.get(job_id)
        return job if job is not None and self._is_own(job) else None

    def list(self, state: JobState | None = None, limit: int = 100, kind: str | None = None) -> tuple[Job, ...]:
        """See `core.ports.Jobs`; without a kind the newest of this application among the newest 1,000 of all."""
        if kind is not None and not kind.startswith(self._prefix):
            return ()
        if kind is not None:
            return self._jobs.list(state, limit, kind)
        return tuple(job for job in self._jobs.list(state, MAX_LISTED) if self._is_own(job))[:limit]

    def cancel(self, job_id: str) -> Job:
        """See `core.ports.Jobs`."""
        self._own(job_id)
        return self._jobs.cancel(job_id)

    def replay(self, job_id: str) -> Job:
        """See `core.ports.Jobs`."""
        self._own(job_id)
        return self._jobs.replay(job_id)

    def _is_own(self, job: Job) -> bool:
        return job.kind.startswith(self._prefix)

    def _own(self, job_id: str) -> None:
        if self.get(job_id) is None:
            raise UsageError("There is no such job.", "No job has this id.", code="not_found")
