"""A job in the middle of being done, as its handler sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dbos import DBOS

from roadworthy.core.job import JobInterrupted, Json

RETRY_BASE_S = 0.2
RETRY_CAP_S = 5.0
ALONE_S = 30.0


class Active:
    """The jobs that this process does now, and whether it is about to stop.

    A job that ended its worker before is a suspect. It starts only when every other job here has got on since it was
    taken up, and nothing starts until it got on itself (at most `ALONE_S`): so a poison job takes no neighbour with it
    to the dead letters.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._runs: dict[str, DbosRun] = {}
        self._suspects = 0
        self._alone_until = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def doing(self, run: DbosRun, suspect: bool) -> Iterator[None]:
        """A job is being done until the end of the block; its begin may have to wait.

        Raises:
            JobInterrupted: The worker stops.
        """
        self._admit(run, suspect)
        try:
            yield
        finally:
            with self._changed:
                self._runs.pop(run.id, None)
                if suspect:
                    self._alone_until = 0.0
                self._changed.notify_all()

    def _admit(self, run: DbosRun, suspect: bool) -> None:
        with self._changed:
            self._suspects += suspect
            try:
                while self._must_wait(suspect):
                    self._changed.wait(0.2)
            finally:
                self._suspects -= suspect
            if self.stopping.is_set():
                raise JobInterrupted
            self._runs[run.id] = run
            if suspect:
                self._alone_until = time.monotonic() + ALONE_S

    def _must_wait(self, suspect: bool) -> bool:
        if self.stopping.is_set():
            return False
        if self._alone_until > time.monotonic():
            return True
        return any(not one.got_on for one in self._runs.values()) if suspect else self._suspects > 0

    def progressed(self) -> None:
        """A job got on: whoever waits for that looks again."""
        with self._changed:
            self._alone_until = 0.0
            self._changed.notify_all()

    def cancel(self, job_id: str) -> None:
        """Interrupt one job here, if it is here."""
        run = self._runs.get(job_id)
        if run is not None:
            run.cancelled.set()

    def interrupt(self, grace_s: float) -> bool:
        """Interrupt all jobs and wait for them; True when none is left."""
        self.stopping.set()
        end = time.monotonic() + grace_s
        with self._changed:
            self._changed.notify_all()
            while self._runs and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._runs


class DbosRun:
    """Implements `core.ports.JobRun`.

    Args:
        job_id: Of the job.
        active: Of the process.
        forgive: Called once, when the job got on for the first time since it was taken up.
    """

    def __init__(self, job_id: str, active: Active, forgive: Callable[[str], None]) -> None:
        self.cancelled = threading.Event()
        self._id = job_id
        self._active = active
        self._forgive = forgive
        self.got_on = False

    @property
    def id(self) -> str:
        """See `core.ports.JobRun`."""
        return self._id

    def step(self, name: str, work: Callable[[], Json], tries: int = 1) -> Json:
        """See `core.ports.JobRun`."""
        self.check()
        ran = False

        def tried() -> Json:
            nonlocal ran
            ran = True
            return self._tried(work, tries)

        result = DBOS.run_step({"name": name}, tried)
        if ran:
            self.progressed()
        return result

    def _tried(self, work: Callable[[], Json], tries: int) -> Json:
        for failures in range(tries - 1):
            try:
                return work()
            except Exception:  # door of a background task: whatever it raised counts as a try, the last is let pass
                self._pause(min(RETRY_CAP_S, RETRY_BASE_S * 2.0**failures))
        return work()

    def _pause(self, seconds: float) -> None:
        self._active.stopping.wait(seconds)
        self.check()

    def progressed(self) -> None:
        """See `core.ports.JobRun`."""
        if not self.got_on:
            self.got_on = True
            self._forgive(self._id)
            self._active.progressed()

    def check(self) -> None:
        """See `core.ports.JobRun`."""
        if self._active.stopping.is_set() or self.cancelled.is_set():
            raise JobInterrupted
