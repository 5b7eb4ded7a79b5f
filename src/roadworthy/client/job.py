"""Durable jobs as an operator sees them, through the admin API or the worker's own socket."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from roadworthy.client.record import objects, pick
from roadworthy.client.transport import Api
from roadworthy.core.errors import GatewayError


class JobInfo(NamedTuple):
    """A durable job as the gateway tells it; see `core.job.Job`."""

    id: str
    kind: str
    state: str
    attempts: int | None
    created_at: float | None
    updated_at: float | None
    error: str


class JobCalls:
    """The calls about durable jobs that `AdminClient` and `LocalClient` share.

    Args:
        opened: Opens whoever is to be asked, for one call.
        root: Path of the jobs there.
    """

    def __init__(self, opened: Callable[[], AbstractContextManager[Api]], root: str) -> None:
        self._opened = opened
        self._root = root

    def list(self, state: str | None, limit: int) -> tuple[JobInfo, ...]:
        """Jobs, newest first."""
        query = {"limit": str(limit)} | ({} if state is None else {"state": state})
        with self._opened() as api:
            _, told = api.call("GET", self._root, query=query)
        return tuple(map(read_job, objects(told, "jobs")))

    def get(self, job_id: str) -> JobInfo:
        """One job."""
        return self._one("GET", job_id, "")

    def cancel(self, job_id: str) -> JobInfo:
        """Stop a job."""
        return self._one("POST", job_id, "/cancel")

    def replay(self, job_id: str) -> JobInfo:
        """Queue a dead or cancelled job again."""
        return self._one("POST", job_id, "/replay")

    def _one(self, method: str, job_id: str, what: str) -> JobInfo:
        with self._opened() as api:
            _, told = api.call(method, f"{self._root}/{quote(job_id, safe='')}{what}")
        return read_job(pick(told, "job", dict))


@contextmanager
def worker_api(state_dir: Path, timeout_s: float) -> Iterator[Api]:
    """The worker's own socket, which only the owner of the state directory can open.

    Raises:
        GatewayError: `worker_unavailable` when nobody listens on it.
    """
    path = state_dir / "run" / "worker.sock"
    # A dead worker leaves its socket file behind, and the HTTP library leaks a descriptor when it cannot connect.
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(timeout_s)
        try:
            probe.connect(str(path))
        except OSError as error:
            raise GatewayError(
                f"No worker runs with the state directory {state_dir}.",
                f"{error.strerror or 'It does not answer'}.",
                "Start the gateway with `roadworthy up`; jobs.enabled must not be false.",
                code="worker_unavailable",
            ) from error
    with Api("http://127.0.0.1", timeout_s=timeout_s, socket=path) as api:
        yield api


def read_job(told: Any) -> JobInfo:
    """A job object; what is missing is unknown."""
    return JobInfo(
        pick(told, "id", str) or "",
        pick(told, "kind", str) or "",
        pick(told, "state", str) or "unknown",
        pick(told, "attempts", int),
        pick(told, "created_at", int, float),
        pick(told, "updated_at", int, float),
        pick(told, "error", str) or "",
    )
