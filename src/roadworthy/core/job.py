"""Durable jobs as records: what rooms tell each other about one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

JobState = Literal["queued", "running", "done", "dead", "cancelled"]
"""`dead` is a dead letter: it failed, or ended its worker too often; it stays visible and can be replayed."""

JOB_STATES: tuple[JobState, ...] = ("queued", "running", "done", "dead", "cancelled")

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What jobs take and give: JSON values, so that every row in the store can be read by people."""

Payload = Mapping[str, Json]


class Job(NamedTuple):
    """One job.

    Attributes:
        id: Idempotency key given when it was enqueued.
        kind: Name of the handler that does it.
        state: See `JobState`.
        attempts: Times a worker took it up; 0 while it never ran.
        created_at: Seconds since the Unix epoch (UTC).
        updated_at: The same, of the last change of state.
        error: Why it is dead, without any caller's text; empty otherwise.
    """

    id: str
    kind: str
    state: JobState
    attempts: int
    created_at: float
    updated_at: float
    error: str = ""


class JobInterrupted(BaseException):
    """The worker stops: leave the job as it is, another worker goes on with it.

    No `Exception`, so that no handler takes it for a failure of its own work.
    """
