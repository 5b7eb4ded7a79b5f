"""`roadworthy gateway jobs`: look at the durable jobs, stop them, bring dead letters back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from roadworthy.cli import target
from roadworthy.cli.output import Settings, options, when

if TYPE_CHECKING:
    from roadworthy.client.job import JobCalls, JobInfo

STATES = ("queued", "running", "done", "dead", "cancelled")  # as core.job.JOB_STATES


@click.group()
def jobs() -> None:
    """Look at the durable jobs, stop them, bring dead letters back."""


@jobs.command("list")
@options
@target.control_option
@click.option("--state", type=click.Choice(STATES), help="Only these; dead lists the dead letters.")
@click.option("--limit", "-n", type=click.IntRange(1, 100), default=20, show_default=True, help="At most so many.")
def list_jobs(control_url: str | None, state: str | None, limit: int, out: Settings) -> None:
    """List jobs, newest first."""
    with _asking(out, control_url) as calls:
        found = calls.list(state, limit)
    rows = [(job.id, job.kind, job.state, job.attempts, _when(job.created_at), job.error) for job in found]
    out.emit({"jobs": found}, out.table(["id", "kind", "state", "attempts", "created", "error"], rows))
    if not found:
        out.say("No such jobs." if state else "No jobs yet: `roadworthy gateway batch FILE` makes one.")


@jobs.command()
@options
@target.control_option
@click.argument("job_id")
def show(job_id: str, control_url: str | None, out: Settings) -> None:
    """Show one job."""
    with _asking(out, control_url) as calls:
        _tell(calls.get(job_id), out)


@jobs.command()
@options
@target.control_option
@click.argument("job_id")
def cancel(job_id: str, control_url: str | None, out: Settings) -> None:
    """Stop a job; what it has finished is kept."""
    with _asking(out, control_url) as calls:
        _tell(calls.cancel(job_id), out)
    out.say(f"Go on with it: `roadworthy gateway jobs replay {job_id}`; for a batch, run its command again.")


@jobs.command()
@options
@target.control_option
@click.argument("job_id")
def replay(job_id: str, control_url: str | None, out: Settings) -> None:
    """Queue a dead or cancelled job again; finished steps are not repeated."""
    with _asking(out, control_url) as calls:
        _tell(calls.replay(job_id), out)


@contextmanager
def _asking(out: Settings, control_url: str | None) -> Iterator[JobCalls]:
    with target.operator(out, control_url) as operator:
        yield operator.jobs


def _tell(job: JobInfo, out: Settings) -> None:
    rows = [(name, value) for name, value in job._asdict().items() if not name.endswith("_at")]
    rows += [("created", _when(job.created_at)), ("updated", _when(job.updated_at))]
    out.emit({"job": job}, out.table(["what", "value"], rows))


def _when(seconds: float | None) -> str | None:
    return None if seconds is None else when(seconds)
