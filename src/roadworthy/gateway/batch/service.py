"""Files and batches as tenants use them. Calls block; safe for threads."""

from __future__ import annotations

import filecmp
import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import GatewayError, RoadworthyError, StorageError, UsageError
from roadworthy.core.job import Job
from roadworthy.core.ports import Jobs
from roadworthy.gateway.batch.files import FileStore, PartFile, gone
from roadworthy.gateway.batch.line import ENDPOINTS
from roadworthy.gateway.batch.record import FINAL, Batch, LineFault, StoredFile
from roadworthy.gateway.batch.store import BatchStore

KIND = "batch"
WINDOW_S = 24 * 3600
MAX_NOTES = 16
MAX_FILENAME = 200
_KEY = re.compile(r"[!-~]{1,200}")


class NewBatch(msgspec.Struct):
    """Body of `POST /v1/batches`."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None


class BatchService:
    """What the routes offer.

    Args:
        store: Rows.
        files: Contents.
        jobs: Where batches wait for their turn.
        max_stored_bytes: Size of all files of all tenants together.
    """

    def __init__(self, store: BatchStore, files: FileStore, jobs: Jobs, max_stored_bytes: int) -> None:
        self.store = store
        self.files = files
        self._jobs = jobs
        self._max_stored_bytes = max_stored_bytes

    # -- files

    def make_room(self, size: int) -> None:
        """Refuse what would not fit.

        Raises:
            UsageError: `request_too_large`.
        """
        if self.store.stored_bytes() + size > self._max_stored_bytes:
            raise UsageError(
                "There is no room for another file.",
                f"All files together may have {self._max_stored_bytes} bytes.",
                "Delete files that are not needed any more, or raise jobs.max_stored_bytes.",
                code="request_too_large",
            )

    def keep_upload(self, tenant: str, part: PartFile, filename: str, purpose: str) -> StoredFile:
        """Turn what was uploaded into a file.

        Raises:
            UsageError: `invalid_request` for another purpose than batch; `request_too_large`.
            StorageError: `store_unavailable`.
        """
        if purpose != "batch":
            raise UsageError("The purpose of the file is not supported.", "It must be batch.", param="purpose")
        self.make_room(part.size)
        name = "".join(char for char in filename if char.isprintable())[:MAX_FILENAME] or "upload.jsonl"
        file = StoredFile(f"file-{secrets.token_hex(12)}", tenant, part.size, int(time.time()), name, purpose)
        part.keep_as(self.files.path(file.id))
        try:
            self.store.add_file(file)
        except StorageError:
            with suppress(OSError):  # the caller is told that it failed; nobody would ever remove the content
                self.files.remove(file.id)
            raise
        return file

    def content(self, tenant: str, file_id: str) -> Path:
        """Where the content of a tenant's file is.

        Raises:
            UsageError: `not_found`.
        """
        file_id = self.store.file(tenant, file_id).id
        if not self.files.has(file_id):
            raise gone()
        return self.files.path(file_id)

    def delete(self, tenant: str, file_id: str) -> None:
        """Remove a file.

        Raises:
            UsageError: `not_found`; `invalid_request` while a batch still reads it.
        """
        self.store.remove_file(tenant, file_id)
        self.files.remove(file_id)

    # -- batches

    def create(self, tenant: str, wanted: NewBatch, key: str | None = None) -> Batch:
        """Queue a batch.

        Args:
            tenant: Whose it is.
            wanted: What it shall do.
            key: Idempotency key of the tenant, 1 to 200 printable ASCII characters: asked again with the same key and
                the same content, the batch that is there is returned.

        Raises:
            UsageError: `invalid_request`, `not_found`.
            GatewayError: `queue_full`.
        """
        _check_new(wanted)
        if key is not None and not _KEY.fullmatch(key):
            raise UsageError(
                "The idempotency key is not usable.",
                "It must have 1 to 200 printable ASCII characters.",
                param="idempotency-key",
            )
        file = self.store.file(tenant, wanted.input_file_id)
        if file.purpose != "batch":
            raise UsageError("The file is no input.", "Its purpose is not batch.", param="input_file_id")
        now = int(time.time())
        batch = Batch(
            f"batch_{_name(tenant, key)}",
            tenant,
            wanted.endpoint,
            file.id,
            "validating",
            now,
            now + WINDOW_S,
            wanted.metadata,
        )
        if not self.store.add_batch(batch):
            return self._same(batch)
        try:
            self._enqueue(batch)
        except RoadworthyError:
            self.store.remove_batch(batch.id)
            raise
        return batch

    def _same(self, wanted: Batch) -> Batch:
        """The batch of this idempotency key, if it is the same one."""
        found = self.get(wanted.tenant, wanted.id)
        one, other = self.files.path(found.input_file_id), self.files.path(wanted.input_file_id)
        same_input = one == other or (one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False))
        if found.endpoint != wanted.endpoint or not same_input:
            raise UsageError(
                "The idempotency key was used before.", "For a batch with another content.", param="idempotency-key"
            )
        return found

    def get(self, tenant: str, batch_id: str) -> Batch:
        """One batch of a tenant.

        Raises:
            UsageError: `not_found`.
        """
        return self._true(self.store.batch(batch_id, tenant))

    def list(self, tenant: str, after: str | None, limit: int) -> Sequence[Batch]:
        """Batches of a tenant, newest first."""
        return [self._true(batch) for batch in self.store.batches(tenant, after, limit)]

    def cancel(self, tenant: str | None, batch_id: str) -> Batch:
        """Stop a batch; what is under way ends, and the answers so far are written.

        Args:
            tenant: Owner; None for an operator, who may stop any.
            batch_id: The batch.

        Raises:
            UsageError: `not_found`; `invalid_request` when it is over.
        """
        batch = self._true(self.store.batch(batch_id, tenant))
        if batch.status not in {"cancelling", "cancelled"} and not self.store.advance(
            batch_id, "cancelling", only_from=("validating", "in_progress")
        ):
            raise UsageError(f"The batch is {batch.status}.", "Only a batch that is not over can be cancelled.")
        return self.store.batch(batch_id)

    def resume(self, tenant: str | None, batch_id: str) -> Batch:
        """Take a cancelled batch up again; lines that are over are not sent again.

        Raises:
            UsageError: `not_found`; `invalid_request` when it is not cancelled.
            GatewayError: `queue_full`.
        """
        batch = self.store.batch(batch_id, tenant)
        if batch.expires_at <= time.time():
            raise UsageError("The batch's time is over.", "", "Create a new one.")
        self.store.reopen(batch_id)
        self.store.forget_unsent(batch_id)
        batch = self.store.batch(batch_id)
        try:
            self._enqueue(batch)
        except RoadworthyError:
            self.store.advance(batch_id, "cancelled")
            raise
        return batch

    # -- jobs, for operators

    def replay(self, job_id: str) -> Job:
        """Queue a dead job again, with its batch.

        Raises:
            UsageError: `not_found`, `invalid_request`.
        """
        job = self._jobs.replay(job_id)
        if job.kind == KIND:
            self.store.advance(batch_of(job_id), "in_progress", only_from=("failed",), errors="[]", stamps="{}")
        return job

    def stop(self, job_id: str) -> Job:
        """Cancel a job; a batch job through its batch, so that its answers so far are written.

        Raises:
            UsageError: `not_found`, `invalid_request`.
        """
        job = self._jobs.get(job_id)
        if job is None or job.kind != KIND:
            return self._jobs.cancel(job_id)
        self.cancel(None, batch_of(job_id))
        return job

    def _enqueue(self, batch: Batch) -> None:
        self._jobs.enqueue(KIND, f"{batch.id}.{batch.run}", {"batch": batch.id})

    def _true(self, batch: Batch) -> Batch:
        """A batch whose job is a dead letter has failed, and says why."""
        if batch.status in FINAL:
            return batch
        job = self._jobs.get(f"{batch.id}.{batch.run}")
        if job is None:  # the worker ended between the batch and its job
            with suppress(GatewayError):  # queue_full: at the next look
                self._enqueue(batch)
        if job is None or job.state != "dead":
            return batch
        fault = LineFault("unexpected_error", f"The batch's job is a dead letter: {job.error}.")
        self.store.fail(batch.id, fault)
        return self.store.batch(batch.id)


def _name(tenant: str, key: str | None) -> str:
    """Of a batch: by chance, or by its tenant's key."""
    return secrets.token_hex(12) if key is None else hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()[:24]


def _check_new(wanted: NewBatch) -> None:
    if wanted.endpoint not in ENDPOINTS:
        raise UsageError(
            "The endpoint is not supported in batches.",
            f"It must be one of {', '.join(ENDPOINTS)}.",
            param="endpoint",
        )
    if wanted.completion_window != "24h":
        raise UsageError("The completion window is not supported.", "It must be 24h.", param="completion_window")
    notes = wanted.metadata or {}
    if len(notes) > MAX_NOTES or any(len(name) > 64 or len(text) > 512 for name, text in notes.items()):
        raise UsageError(
            "The metadata is too large.",
            f"{MAX_NOTES} pairs, names of 64 and texts of 512 characters at most.",
            param="metadata",
        )


def batch_of(job_id: str) -> str:
    """The batch of a batch job."""
    return job_id.rpartition(".")[0]


def read_body(body: bytes, kind: type[Any]) -> Any:
    """A JSON body of a given shape.

    Raises:
        UsageError: `invalid_request`.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        why = "" if not isinstance(error, msgspec.ValidationError) else "A field is missing or has a wrong type."
        raise UsageError("The request body is not what this route takes.", why) from None
