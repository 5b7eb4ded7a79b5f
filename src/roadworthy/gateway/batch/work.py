"""The job that works a batch off: check every line, send what is good, write the result files.

A line that is over is remembered at once in a row of its own and never sent again; so a killed worker repeats at most
the lines that were under way. How a line is sent is handed in: through the gateway's own data plane.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from roadworthy.core.errors import StorageError
from roadworthy.core.job import JobInterrupted, Json, Payload
from roadworthy.core.ports import JobRun
from roadworthy.gateway.batch.files import FileStore
from roadworthy.gateway.batch.line import MAX_LINES, Bad, Wanted, read_line
from roadworthy.gateway.batch.record import FINAL, Answered, Batch, LineFault, Status, StoredFile
from roadworthy.gateway.batch.store import MAX_TOLD, BatchStore

LOOK_S = 0.25
"""How often a running batch looks whether it is cancelled, expired or interrupted."""

AWAY_S = 1.0

Stop = Callable[[], bool]
Send = Callable[[Batch, Wanted, Stop], Awaitable[Answered | None]]
"""Sends one line and gives what became of it; None when it was told to stop before it had an answer."""

OpenSender = Callable[[], AbstractAsyncContextManager[Send]]

_LEFT: dict[Status, LineFault] = {
    "cancelled": LineFault("batch_cancelled", "The batch was cancelled before this line was sent."),
    "expired": LineFault("batch_expired", "The batch's time was over before this line was sent."),
}
_GONE = LineFault("not_found", "The content of the input file is gone from the disk.", param="input_file_id")


class _Watch:
    """Says when to stop, and why."""

    def __init__(self, run: JobRun, batch: Batch, store: BatchStore) -> None:
        self._run = run
        self._batch = batch
        self._store = store
        self.end: Status = "completed"
        self.interrupted: JobInterrupted | None = None
        self.stopped = False

    def look(self) -> None:
        """Ask the job, the clock and the store."""
        try:
            self._run.check()
        except JobInterrupted as interrupted:
            self.interrupted, self.stopped = interrupted, True
            return
        if self._store.batch(self._batch.id).status == "cancelling":
            self.end, self.stopped = "cancelled", True
        elif time.time() >= self._batch.expires_at:
            self.end, self.stopped = "expired", True


class BatchWork:
    """Does batch jobs.

    Args:
        store: Rows.
        files: Contents.
        open_sender: Gives what sends one line, for the time of a batch.
        parallel: Lines of one batch under way at the same time.
    """

    def __init__(self, store: BatchStore, files: FileStore, open_sender: OpenSender, parallel: int) -> None:
        self._store = store
        self._files = files
        self._open_sender = open_sender
        self._parallel = parallel

    def __call__(self, run: JobRun, payload: Payload) -> Json:
        """Work one batch off; see `core.ports.JobHandler`."""
        batch_id = str(payload["batch"])
        batch = self._store.batch(batch_id)
        if batch.status in FINAL:
            return batch.status
        run.step("check", lambda: _steadily(run, lambda: self._check(batch)))
        batch = self._store.batch(batch_id)
        if batch.status in FINAL:
            return batch.status
        self._store.advance(batch_id, "in_progress", only_from=("validating",))
        watch = _Watch(run, batch, self._store)
        watch.look()
        if not self._files.has(batch.input_file_id):
            watch.end = "failed"
        elif not watch.stopped:
            asyncio.run(self._work_off(run, batch, watch))
        if watch.interrupted is not None:
            raise watch.interrupted
        return run.step("finish", lambda: _steadily(run, lambda: self._finish(batch_id, watch.end)))

    # -- checking

    def _check(self, batch: Batch) -> Json:
        """Count the lines, and remember those that cannot be sent."""
        if not self._files.has(batch.input_file_id):
            self._store.fail(batch.id, _GONE)
            return {"total": 0, "bad": 0}
        done = self._store.finished(batch.id)
        bad: list[Answered] = []
        total = 0
        for _, found in self._lines(batch):
            total += 1
            if isinstance(found, Answered):
                bad.append(found)
        self._store.add_lines(batch.id, [one for one in bad if one.number not in done])
        self._store.advance(batch.id, batch.status, total=total)
        faults = [one.fault for one in bad[:MAX_TOLD] if one.fault is not None]
        whole = _whole(total, len(bad))
        if whole is not None:
            self._store.fail(batch.id, whole)
            faults.insert(0, whole)
        if faults:
            self._store.note_faults(batch.id, faults)
        return {"total": total, "bad": len(bad)}

    def _lines(self, batch: Batch) -> Iterator[tuple[int, Wanted | Answered]]:
        """Every line that is not blank, checked; counted as an editor counts."""
        seen: set[str] = set()
        for number, raw in enumerate(self._files.read_lines(batch.input_file_id), 1):
            if not raw.strip():
                continue
            try:
                yield number, read_line(number, raw, batch.endpoint, seen)
            except Bad as bad:
                yield number, Answered(number, bad.custom_id, fault=bad.fault)

    # -- sending

    async def _work_off(self, run: JobRun, batch: Batch, watch: _Watch) -> None:
        done = self._store.finished(batch.id)
        left = (line for number, line in self._lines(batch) if isinstance(line, Wanted) and number not in done)

        async def sender(send: Send) -> None:
            for line in left:  # shared by all senders: each takes the next one
                if watch.stopped:
                    return
                answered = await send(batch, line, lambda: watch.stopped)
                if answered is not None:
                    await self._remember(batch, answered)
                    run.progressed()

        async def look() -> None:
            while not watch.stopped:
                await asyncio.sleep(LOOK_S)
                with suppress(StorageError):  # away: asked again in a moment
                    await asyncio.to_thread(watch.look)

        looking = asyncio.create_task(look())
        try:
            async with self._open_sender() as send, asyncio.TaskGroup() as senders:
                for _ in range(self._parallel):
                    senders.create_task(sender(send))
        finally:
            looking.cancel()

    async def _remember(self, batch: Batch, answered: Answered) -> None:
        """However long the store is away: the answer was paid for."""
        while True:
            try:
                await asyncio.to_thread(self._store.add_lines, batch.id, [answered])
            except StorageError:
                await asyncio.sleep(AWAY_S)
            else:
                return

    # -- writing

    def _finish(self, batch_id: str, end: Status) -> Json:
        """Write the result files and end the batch; may be repeated. What was answered is told, however it ends."""
        batch = self._store.batch(batch_id)
        if end == "failed":
            self._store.note_faults(batch_id, [_GONE, *batch.errors])
        if end == "completed":
            self._store.advance(batch_id, "finalizing", only_from=("in_progress",))
        self._tell_unsent(batch, end)
        names = {"output_file_id": (True, "output"), "error_file_id": (False, "error")}
        written: dict[str, Any] = {column: self._write(batch, good, name) for column, (good, name) in names.items()}
        self._store.advance(batch_id, end, **written)
        return end

    def _tell_unsent(self, batch: Batch, end: Status) -> None:
        fault = _LEFT.get(end)
        if fault is None:
            return
        done = self._store.finished(batch.id)
        self._store.add_lines(batch.id, [
            Answered(number, line.custom_id, fault=fault)
            for number, line in self._lines(batch) if isinstance(line, Wanted) and number not in done
        ])  # fmt: skip

    def _write(self, batch: Batch, good: bool, name: str) -> str | None:
        lines = self._store.answers(batch.id, good)
        first = next(lines, None)
        if first is None:
            return None

        def all_of() -> Iterator[bytes]:
            yield first.written(batch.id)
            for one in lines:
                yield one.written(batch.id)

        file_id = f"file-{batch.id.removeprefix('batch_')}-{batch.run}-{name}"
        size = self._files.write(file_id, all_of())
        self._store.add_file(
            StoredFile(file_id, batch.tenant, size, int(time.time()), f"{batch.id}_{name}.jsonl", "batch_output")
        )
        return file_id


def _whole(total: int, bad: int) -> LineFault | None:
    """Why the file as a whole is refused."""
    if not total:
        return LineFault("empty_file", "The file has no line.")
    if total > MAX_LINES:
        return LineFault("too_many_tasks", f"The file has {total} lines; {MAX_LINES} are allowed.")
    if bad >= total:
        return LineFault("invalid_request", "No line of the file can be sent; see the faults of the lines.")
    return None


def _steadily(run: JobRun, work: Callable[[], Json]) -> Json:
    """Do it however long the store is away; `work` may be repeated."""
    while True:
        try:
            return work()
        except StorageError:
            run.check()
            time.sleep(AWAY_S)
