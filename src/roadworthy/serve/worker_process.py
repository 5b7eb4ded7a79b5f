"""The worker: durable jobs, files and batches that feed them, and applications, on the unix socket `run/worker.sock`.

    python -m roadworthy.serve.worker_process --settings-fd N

It begins with 50 MB. DBOS and SQLAlchemy are loaded at the first request for a file or batch or, where one is
installed, an application; or at the start when there is a store with jobs from before.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from roadworthy.core.errors import RoadworthyError, UnexpectedError, UsageError
from roadworthy.gateway.edge.answer import error_object
from roadworthy.gateway.edge.server import private_socket
from roadworthy.serve.masked_lines import MaskedLines
from roadworthy.serve.worker_header import served_by

if TYPE_CHECKING:
    from roadworthy.core.ports import Jobs
    from roadworthy.gateway.batch.service import BatchService
    from roadworthy.runtime.jobs.dbos_jobs import DbosJobs
    from roadworthy.serve.application_host import Hosted

SOCKET = "worker.sock"
GIVEN_UP = 75
"""Exit code of a worker that the others gave up; the supervisor starts a new one."""
_GRACE_S = 3

log = logging.getLogger("roadworthy.worker")


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the worker needs to know.

    Attributes:
        state_dir: Absolute path of the state directory.
        store: URL of a PostgreSQL database; None for the file jobs.db in the state directory.
        max_queued: Jobs that may wait.
        max_attempts: Times a job without progress is taken up.
        concurrency: Jobs at the same time.
        batch_parallel: Lines of one batch at the same time.
        max_file_bytes: Largest upload.
        max_stored_bytes: All files together.
        stop_grace_s: Seconds that running jobs get to pause.
        profile: development, staging or production.
        applications: Settings of the installed applications that are switched on, by name.
    """

    state_dir: str
    store: str | None = None
    max_queued: int = 1_000
    max_attempts: int = 5
    concurrency: int = 2
    batch_parallel: int = 8
    max_file_bytes: int = 100 * 1024 * 1024
    max_stored_bytes: int = 10 * 1024**3
    stop_grace_s: float = 20.0
    profile: str = "development"
    applications: Mapping[str, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"WorkerSettings(state_dir={self.state_dir!r}, store=***)"


class Worker:
    """The parts, made at their first use.

    Args:
        settings: See `WorkerSettings`.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._state = Path(settings.state_dir)
        self._made: tuple[BatchService, DbosJobs] | None = None
        self._hosted: tuple[Hosted, ...] = ()
        self._making = asyncio.Lock()

    @property
    def has_work(self) -> bool:
        """Whether there may be jobs from before."""
        return self._settings.store is not None or (self._state / "jobs.db").exists()

    async def parts(self) -> tuple[BatchService, Jobs]:
        """Service and jobs; the first call starts them.

        Raises:
            StorageError: `store_unavailable`.
            ConfigError: `config_invalid`.
        """
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
        return self._made

    async def applications(self) -> tuple[Hosted, ...]:
        """The applications; the first call starts everything, unless there is none.

        Raises:
            StorageError: `store_unavailable`.
            ConfigError: `config_invalid`.
        """
        if self._settings.applications:
            await self.parts()
        return self._hosted

    def _make(self) -> tuple[BatchService, DbosJobs]:
        from roadworthy.gateway.batch.files import FileStore
        from roadworthy.gateway.batch.service import KIND, BatchService
        from roadworthy.gateway.batch.store import BatchStore
        from roadworthy.gateway.batch.work import BatchWork
        from roadworthy.runtime.jobs.dbos_jobs import DbosJobs
        from roadworthy.runtime.jobs.store import guarded
        from roadworthy.serve.line_sender import LineSender

        settings = self._settings
        jobs = DbosJobs(
            settings.store or self._state / "jobs.db",
            max_queued=settings.max_queued,
            max_attempts=settings.max_attempts,
            concurrency=settings.concurrency,
            lost=lambda: os._exit(GIVEN_UP),
        )
        with guarded():
            store = BatchStore(jobs.engine)
        files = FileStore(self._state / "files")
        work = BatchWork(store, files, lambda: LineSender(self._state / "run"), settings.batch_parallel)
        hosted = self._start_applications(jobs) if settings.applications else ()
        jobs.start({KIND: work, **{kind: handler for one in hosted for kind, handler in one.handlers.items()}})
        self._hosted = hosted
        return BatchService(store, files, jobs, settings.max_stored_bytes), jobs

    def _start_applications(self, jobs: DbosJobs) -> tuple[Hosted, ...]:
        from roadworthy.core.application import GROUP, Platform
        from roadworthy.runtime.entry_point import offered
        from roadworthy.runtime.jobs.application_record import ApplicationRecords, create_record_table
        from roadworthy.serve.application_chat import EdgeChat
        from roadworthy.serve.application_host import start_all
        from roadworthy.serve.application_jobs import ApplicationJobs

        settings = self._settings
        create_record_table(jobs.engine)
        chat = EdgeChat(self._state / "run")

        def platform_of(name: str) -> Platform:
            records = ApplicationRecords(jobs.engine, name)
            return Platform(chat, ApplicationJobs(jobs, name), records, settings.applications[name], settings.profile)

        return start_all(settings.applications, offered(GROUP), platform_of)

    async def resume(self) -> None:
        """Go on with jobs from before, as soon as the store answers."""
        while self.has_work and self._made is None:
            try:
                await self.parts()
            except RoadworthyError as error:
                log.error("jobs cannot go on yet: %s: %s", error.code, error)
                await asyncio.sleep(2.0)

    async def stop(self) -> None:
        """Pause what runs and leave."""
        if self._made is not None:
            await asyncio.to_thread(self._made[1].stop, self._settings.stop_grace_s)


def create_app(worker: Worker, max_file_bytes: int) -> Starlette:
    """The worker's routes as an ASGI application."""
    from roadworthy.serve.application_routes import ApplicationRoutes
    from roadworthy.serve.batch_routes import BatchRoutes  # now that the socket listens: SQLAlchemy takes its time

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        resuming = asyncio.create_task(worker.resume())
        yield
        resuming.cancel()
        await worker.stop()

    return Starlette(
        routes=[*BatchRoutes(worker.parts, max_file_bytes).routes(), *ApplicationRoutes(worker.applications).routes()],
        lifespan=lifespan,
        exception_handlers={RoadworthyError: _known, HTTPException: _http, Exception: _bug},
    )


def _error(request: Request, error: RoadworthyError) -> Response:
    number = request.headers.get("x-request-id", "")
    headers = {"x-request-id": number, **served_by(request)}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after_s + 0.499)))
    return JSONResponse({"error": error_object(error, number)}, error.spec.http_status, headers)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, RoadworthyError)
    response = _error(request, error)
    if error.code == "method_not_allowed" and (methods := getattr(error, "methods", ())):
        response.headers["allow"] = ", ".join(methods)
    return response


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    response = _error(request, UsageError("This path does not serve this request.", code=code))
    response.headers.update(error.headers or {})
    return response


async def _bug(request: Request, error: Exception) -> Response:
    """The door of this process: Starlette hands every bug here, and it leaves as an answer without details."""
    where = "".join(f" of {name}" for name in served_by(request).values())
    log.error("bug%s in request %s: %s", where, request.headers.get("x-request-id", ""), type(error).__name__)
    return _error(request, UnexpectedError("Something failed that should not have: a bug of ours."))


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roadworthy.serve.worker_process", description=__doc__)
    parser.add_argument("--settings-fd", type=int, required=True, help="file descriptor to read the settings from")
    with open(parser.parse_args(argv).settings_fd, "rb") as pipe:
        settings = msgspec.json.decode(pipe.read(), type=WorkerSettings)
    logging.basicConfig(level=logging.WARNING, handlers=[MaskedLines("worker")])
    os.nice(5)  # the edge shares the cores; callers who wait come first
    socket = private_socket(Path(settings.state_dir) / "run" / SOCKET)
    socket.listen(64)
    app = create_app(Worker(settings), settings.max_file_bytes)
    server = uvicorn.Server(uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, ws="none", proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
    ))  # fmt: skip
    server.run(sockets=[socket])
    return 0


if __name__ == "__main__":
    sys.exit(main())
