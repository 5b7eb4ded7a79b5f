"""`core.ports.Jobs` on DBOS, with what DBOS leaves to its users: WAL, takeover of dead workers' jobs, JSON, a bound.

DBOS is one per process, so is this. Control (enqueue, list, cancel, replay) works at once; `start` begins to do jobs.
Measured faults behind each choice: docs/adr/0017-durable-jobs.md.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient
from dbos._error import DBOSNonExistentWorkflowError
from dbos._sys_db import SystemDatabase

from roadworthy.core.errors import GatewayError, StorageError, UsageError
from roadworthy.core.job import Job, JobInterrupted, JobState, Json, Payload
from roadworthy.core.ports import JobHandler
from roadworthy.runtime.jobs.liveness import BEAT_S, Liveness
from roadworthy.runtime.jobs.room import SEEN, frees_in_s
from roadworthy.runtime.jobs.run import Active, DbosRun
from roadworthy.runtime.jobs.serializer import JobFailed, JsonSerializer, refuse_pickle, told_of
from roadworthy.runtime.jobs.store import guarded, open_engine
from roadworthy.runtime.jobs.stranded import Stranded
from roadworthy.runtime.jobs.suspect import Suspects

QUEUE = "jobs"
APPLICATION = "roadworthy"
VERSION = "jobs-1"
"""Version of the order of steps in our handlers: a release that changes the order of a handler's steps changes this,
and jobs of the old version wait for a worker of the old version. DBOS's own default, a hash of the sources, would
strand every running job at each release."""

POLL_S = 0.05
IDLE_POLL_S = 0.5
"""With nothing to do: 20 polls a second cost 11 % of a core, 2 cost 1 %."""
MAX_LISTED = 1_000
_ID = re.compile(r"[!-~]{1,200}")
_STATES: dict[str, JobState] = {
    "ENQUEUED": "queued", "DELAYED": "queued", "PENDING": "running", "SUCCESS": "done", "ERROR": "dead",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "dead", "CANCELLED": "cancelled",
}  # fmt: skip

log = logging.getLogger("roadworthy.jobs")


class DbosJobs:
    """Implements `core.ports.Jobs`.

    Args:
        store: Path of an SQLite file, or URL of a PostgreSQL database.
        max_queued: Jobs that may wait; two processes that enqueue at the same moment may exceed it by one each.
        max_attempts: Times that a job without progress is taken up before it is a dead letter.
        concurrency: Jobs that this process does at the same time.
        lost: Called, from a thread, when the other workers gave this one up; it must end the process.

    Raises:
        StorageError: `store_unavailable`.
        ConfigError: `config_invalid`.
    """

    def __init__(
        self,
        store: str | Path,
        *,
        max_queued: int = 1_000,
        max_attempts: int = 5,
        concurrency: int = 4,
        lost: Callable[[], None],
    ) -> None:
        refuse_pickle()
        self.executor = uuid.uuid4().hex
        self.engine = open_engine(store)
        self._max_queued = max_queued
        self._max_attempts = max_attempts
        self._concurrency = concurrency
        self._lost = lost
        self._enqueuing = threading.Lock()
        self._active = Active()
        self._stopped = threading.Event()
        self._heart: threading.Thread | None = None
        self._polls = POLL_S
        self._kinds: tuple[str, ...] = ()
        self._rows = sa.table(
            "workflow_status", sa.column("workflow_uuid"), sa.column("status"), sa.column("queue_name"),
            sa.column("executor_id"), sa.column("recovery_attempts"), sa.column("application_name"),
            sa.column("completed_at"), sa.column("created_at"), sa.column("name"),
            schema=None if isinstance(store, Path) else "dbos",
        )  # fmt: skip
        with guarded():
            self._migrate()
            self._client = DBOSClient(
                system_database_engine=self.engine,
                serializer=JsonSerializer(),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
        self._suspects = Suspects(self.engine)
        self._stranded = Stranded()
        self._liveness = Liveness(self.engine, self.executor, self._give_back, self._running)

    def _migrate(self) -> None:
        """Make the tables: control must work in a process that does no jobs."""
        self._dbos = DBOS(config={
            "name": APPLICATION, "system_database_engine": self.engine, "executor_id": self.executor,
            "application_version": VERSION, "serializer": JsonSerializer(), "log_level": "ERROR",
            "use_listen_notify": False, "notification_listener_polling_interval_sec": 1.0,
            "scheduler_polling_interval_sec": 3_600.0,
        })  # fmt: skip
        library = logging.getLogger("dbos")
        library.handlers.clear()
        library.propagate = True
        library.addFilter(_without_texts)
        tables = SystemDatabase.create(
            system_database_url="sqlite:///x" if self.engine.dialect.name == "sqlite" else "postgresql://x/x",
            engine_kwargs={},
            engine=self.engine,
            schema="dbos",
            serializer=JsonSerializer(),
            executor_id=None,
            use_listen_notify=False,
        )
        tables.run_migrations()

    # -- life of a worker

    def start(self, handlers: Mapping[str, JobHandler]) -> None:
        """Begin to do jobs; call once. Jobs of another kind wait for a worker that knows it.

        Args:
            handlers: By kind.

        Raises:
            StorageError: `store_unavailable`.
        """
        self._kinds = tuple(handlers)
        for kind, handler in handlers.items():
            DBOS.workflow(name=kind, max_recovery_attempts=None)(self._workflow(handler))
        with guarded():
            self._suspects.create()
            self._liveness.register()
            DBOS.launch()
            self._poll_every(POLL_S)
            self._liveness.sweep()
            self._tell_unknown()
        self._heart = threading.Thread(target=self._beat, name="jobs-heart", daemon=True)
        self._heart.start()

    def stop(self, grace_s: float) -> None:
        """Ask running jobs to pause, wait for them, and leave: another worker goes on with what is not done.

        Args:
            grace_s: Seconds to wait at most; a step that still runs then may be done again.
        """
        self._stopped.set()
        self._active.interrupt(grace_s)
        if self._heart is not None:
            self._heart.join(grace_s)
            with guarded():
                self._liveness.leave()
        DBOS.destroy(destroy_registry=True)
        self._client.destroy()
        self.engine.dispose()

    def _workflow(self, handler: JobHandler) -> Callable[[Payload], Json]:
        def work(payload: Payload) -> Json:
            job_id = str(DBOS.workflow_id)
            with self._stranded.here(job_id):
                return do(job_id, payload)

        def do(job_id: str, payload: Payload) -> Json:
            suspect = self._patiently(self._taken_up, job_id) > 1
            run = DbosRun(job_id, self._active, self._forgive if suspect else _no_more)
            with self._active.doing(run, suspect):
                if suspect and self._patiently(self._suspects.begin, job_id) >= self._max_attempts:
                    raise JobFailed(f"poison: {self._max_attempts} times its worker ended before it got on")
                try:
                    return handler(run, payload)
                finally:  # reached however it ends, unless the worker itself ends
                    if suspect and not run.got_on:
                        self._forgive(job_id)

        return work

    def _patiently(self, ask: Callable[[str], int], job_id: str) -> int:
        """Ask the store until it answers: that it is away is no failure of the job."""
        while True:
            try:
                return ask(job_id)
            except sa.exc.SQLAlchemyError as error:
                log.warning("the job store does not answer: %s", type(error).__name__)
                if self._stopped.wait(BEAT_S):
                    raise JobInterrupted from error

    def _forgive(self, job_id: str) -> None:
        self._patiently(self._suspects.clear, job_id)

    def _taken_up(self, job_id: str) -> int:
        rows = self._rows
        with self.engine.connect() as db:
            return db.scalar(sa.select(rows.c.recovery_attempts).where(rows.c.workflow_uuid == job_id)) or 0

    def _poll_every(self, seconds: float) -> None:
        """Every worker reads the queue's row before each poll."""
        self._client.register_queue(
            QUEUE,
            worker_concurrency=self._concurrency,
            polling_interval_sec=seconds,
            on_conflict="always_update",
            application_name=APPLICATION,
        )
        self._polls = seconds

    def _open(self) -> sa.ColumnElement[bool]:
        rows = self._rows
        return sa.and_(rows.c.status.in_(("ENQUEUED", "PENDING")), rows.c.application_name == APPLICATION)

    def _tell_unknown(self) -> None:
        """Jobs of an application that is gone, or could not be started, look as if they ran; somebody must say it."""
        rows = self._rows
        unknown = sa.select(rows.c.name, sa.func.count()).where(self._open(), rows.c.name.not_in(self._kinds))
        with self.engine.connect() as db:
            for kind, count in db.execute(unknown.group_by(rows.c.name)):
                log.warning("%d jobs of the kind %s wait: nobody here does such jobs", count, kind)

    def _pace(self) -> None:
        rows = self._rows
        with self.engine.connect() as db:
            ours = sa.select(rows.c.status).where(self._open(), rows.c.name.in_(self._kinds))
            busy = db.scalar(ours.limit(1)) is not None
        wanted = POLL_S if busy else IDLE_POLL_S
        if wanted != self._polls:
            self._poll_every(wanted)

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_S):
            try:
                if not self._liveness.beat():
                    log.error("the other workers gave this one up; it ends")
                    self._lost()
                    return
                for executor in self._liveness.sweep():
                    log.warning("jobs of the worker %s, which is gone, were taken over", executor[:8])
                self._take_up_stranded()
                self._pace()
            except sa.exc.SQLAlchemyError as error:
                self._liveness.forget()
                log.warning("the job store does not answer: %s", type(error).__name__)

    def _give_back(self, executor: str) -> None:
        """Queue again what an executor left running; the executor's id in the condition makes it idempotent."""
        DBOS._recover_pending_workflows([executor])

    def _take_up_stranded(self) -> None:
        rows = self._rows
        ours = sa.and_(rows.c.executor_id == self.executor, rows.c.application_name == APPLICATION)
        with self.engine.connect() as db:
            running = sa.select(rows.c.workflow_uuid).where(ours, rows.c.status == "PENDING")
            stranded = self._stranded.look(set(db.scalars(running)))
        for job in stranded:
            self._dbos._sys_db.reenqueue_for_recovery(job, [self.executor], QUEUE)
            log.warning("a job whose end could not be written is taken up again")

    def _running(self) -> set[str]:
        rows = self._rows
        ours = sa.and_(rows.c.status == "PENDING", rows.c.application_name == APPLICATION)
        with self.engine.connect() as db:
            return set(db.scalars(sa.select(rows.c.executor_id).where(ours).distinct()))

    # -- control

    def enqueue(self, kind: str, job_id: str, payload: Payload) -> Job:
        """See `core.ports.Jobs`."""
        if not _ID.fullmatch(job_id):
            raise UsageError("The id of the job is not usable.", "It must be 1 to 200 printable ASCII characters.")
        try:
            json.dumps(payload, allow_nan=False)
        except (TypeError, ValueError):
            raise UsageError("The job's payload is no JSON object.") from None
        with self._enqueuing, guarded():
            found = self.get(job_id)
            if found is None:
                self._make_room()
                self._client.enqueue(
                    {"workflow_name": kind, "queue_name": QUEUE, "workflow_id": job_id, "app_version": VERSION},
                    dict(payload),
                )
                found = self.get(job_id)
        if found is None:
            raise StorageError("The job was added and is not there.", "Somebody removed it from the store meanwhile.")
        return found

    def _make_room(self) -> None:
        rows = self._rows
        waiting = sa.and_(rows.c.status == "ENQUEUED", rows.c.queue_name == QUEUE)
        with self.engine.connect() as db:
            count = db.scalar(sa.select(sa.func.count()).select_from(rows).where(waiting)) or 0
            if count < self._max_queued:
                return
            over = sa.select(rows.c.completed_at).where(rows.c.completed_at.is_not(None), rows.c.queue_name == QUEUE)
            ended = db.scalars(over.order_by(rows.c.completed_at.desc()).limit(SEEN)).all()
            since = db.scalar(sa.select(sa.func.min(rows.c.created_at)).where(waiting))
        raise GatewayError(
            "The queue of durable jobs is full.",
            f"{count} jobs wait; jobs.max_queued is {self._max_queued}.",
            code="queue_full",
            retry_after_s=frees_in_s(time.time(), [at / 1e3 for at in ended], None if since is None else since / 1e3),
        )

    def get(self, job_id: str) -> Job | None:
        """See `core.ports.Jobs`."""
        with guarded():
            found = self._client.list_workflows(workflow_ids=[job_id], load_input=False)
        return _job(found[0]) if found else None

    def list(self, state: JobState | None = None, limit: int = 100, kind: str | None = None) -> tuple[Job, ...]:
        """See `core.ports.Jobs`."""
        if not 1 <= limit <= MAX_LISTED:
            raise UsageError(f"limit must be 1 to {MAX_LISTED}.", param="limit")
        wanted = [theirs for theirs, ours in _STATES.items() if ours == state] or None
        with guarded():
            found = self._client.list_workflows(
                status=wanted,
                name=kind,
                limit=limit,
                sort_desc=True,
                load_input=False,
                application_name=APPLICATION,
            )
        return tuple(_job(one) for one in found)

    def cancel(self, job_id: str) -> Job:
        """See `core.ports.Jobs`."""
        job = self._known(job_id)
        if job.state in {"queued", "running"}:
            with guarded():
                self._client.cancel_workflow(job_id)
            self._active.cancel(job_id)
            return self._known(job_id)
        return job

    def replay(self, job_id: str) -> Job:
        """See `core.ports.Jobs`."""
        job = self._known(job_id)
        if job.state not in {"dead", "cancelled"}:
            raise UsageError(f"The job is {job.state}.", "Only a dead or cancelled job can be replayed.")
        try:
            with guarded():
                self._suspects.clear(job_id)
                if self._failed(job_id):
                    self._client.rewind_workflow(job_id, start_step=self._first_open(job_id), queue_name=QUEUE)
                else:
                    self._client.resume_workflow(job_id, queue_name=QUEUE)
        except DBOSNonExistentWorkflowError as error:
            raise _not_found() from error
        return self._known(job_id)

    def _failed(self, job_id: str) -> bool:
        rows = self._rows
        with self.engine.connect() as db:
            return db.scalar(sa.select(rows.c.status).where(rows.c.workflow_uuid == job_id)) == "ERROR"

    def _first_open(self, job_id: str) -> int:
        """The step that failed, else the one after the last."""
        steps = self._client.list_workflow_steps(job_id)
        if not steps:
            return 1
        last = max(steps, key=lambda step: step["function_id"])
        return int(last["function_id"]) + (last["error"] is None)

    def _known(self, job_id: str) -> Job:
        job = self.get(job_id)
        if job is None:
            raise _not_found()
        return job


def _no_more(job_id: str) -> None:
    """Nothing counts against a job that never ended a worker."""


def _without_texts(record: logging.LogRecord) -> bool:
    """Keep tracebacks and messages of what a job raised out of the log: they may quote callers."""
    if record.exc_info:
        error = record.exc_info[1]
        record.exc_info, record.exc_text = None, None
        record.msg, record.args = f"a job failed: {type(error).__name__}", ()
    elif record.levelno >= logging.ERROR:
        record.msg, record.args = f"{record.filename}:{record.lineno} reports an error", ()
    return True


def _not_found() -> UsageError:
    return UsageError("There is no such job.", "No job has this id.", code="not_found")


def _job(row: Any) -> Job:
    error = "" if row.error is None else told_of(row.error)
    made = (row.created_at or 0) / 1e3
    return Job(
        row.workflow_id,
        row.name,
        _STATES[row.status],
        row.recovery_attempts or 0,
        made,
        made if row.updated_at is None else row.updated_at / 1e3,
        error,
    )
