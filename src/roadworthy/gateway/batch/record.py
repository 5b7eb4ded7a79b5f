"""Files and batches as records, and as OpenAI's API shows them (reference of the Files and Batches APIs, 2026)."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"]
FINAL: frozenset[str] = frozenset(("completed", "failed", "expired", "cancelled"))

STAMPS: dict[str, str] = {
    "in_progress": "in_progress_at", "finalizing": "finalizing_at", "completed": "completed_at",
    "failed": "failed_at", "expired": "expired_at", "cancelling": "cancelling_at", "cancelled": "cancelled_at",
}  # fmt: skip
"""The field that says when a status was reached."""


class StoredFile(msgspec.Struct, frozen=True):
    """One uploaded or written file.

    Attributes:
        id: `file-…`; also its name on disk.
        tenant: Public id of the key that it belongs to.
        bytes: Size.
        created_at: Seconds since the Unix epoch (UTC).
        filename: As the uploader called it.
        purpose: `batch` for requests, `batch_output` for what a batch wrote.
    """

    id: str
    tenant: str
    bytes: int
    created_at: int
    filename: str
    purpose: str

    def view(self) -> dict[str, object]:
        """OpenAI's file object."""
        return {
            "id": self.id, "object": "file", "bytes": self.bytes, "created_at": self.created_at,
            "filename": self.filename, "purpose": self.purpose, "status": "processed", "expires_at": None,
            "status_details": None,
        }  # fmt: skip


class LineFault(msgspec.Struct, frozen=True):
    """Why a line, or the whole batch, could not be worked off.

    Attributes:
        code: A key of `core.errors.CODES`, or one of OpenAI's words for batches (`batch_expired`, ...).
        message: One or two sentences without the caller's text.
        line: Number of the line, from 1; None for the whole batch.
        param: Field at fault, if one is.
    """

    code: str
    message: str
    line: int | None = None
    param: str | None = None


class Batch(msgspec.Struct, frozen=True):
    """One batch. Times are seconds since the Unix epoch (UTC).

    Attributes:
        id: `batch_…`; also the id of its job.
        tenant: Public id of the key that it belongs to.
        endpoint: Path that every line goes to.
        input_file_id: File of requests.
        status: See `Status`.
        created_at: When it was made.
        expires_at: Lines that did not begin by then are not begun.
        metadata: The caller's own notes, 16 at most.
        run: Counts from 1; a batch that is taken up again after it was cancelled gets the next number.
        total: Lines of the file; 0 until they are counted.
        completed: Lines with an answer.
        failed: Lines without.
        errors: Bad lines, the first 100, or why the whole batch failed.
        output_file_id: Answers.
        error_file_id: Lines without one.
        stamps: When statuses were reached, by the name of the field.
    """

    id: str
    tenant: str
    endpoint: str
    input_file_id: str
    status: Status
    created_at: int
    expires_at: int
    metadata: dict[str, str] | None = None
    run: int = 1
    total: int = 0
    completed: int = 0
    failed: int = 0
    errors: tuple[LineFault, ...] = ()
    output_file_id: str | None = None
    error_file_id: str | None = None
    stamps: dict[str, int] = {}

    def view(self) -> dict[str, object]:
        """OpenAI's batch object."""
        return {
            "id": self.id, "object": "batch", "endpoint": self.endpoint, "model": None,
            "errors": {"object": "list", "data": list(self.errors)} if self.errors else None,
            "input_file_id": self.input_file_id, "completion_window": "24h", "status": self.status,
            "output_file_id": self.output_file_id, "error_file_id": self.error_file_id,
            "created_at": self.created_at, "expires_at": self.expires_at,
            **{name: self.stamps.get(name) for name in STAMPS.values()},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata,
        }  # fmt: skip


class Answered(msgspec.Struct, frozen=True):
    """What became of one line.

    Attributes:
        number: From 1.
        custom_id: The caller's name for it; None when the line has no usable one.
        status_code: HTTP status; None when it never was sent.
        request_id: Of that request.
        body: The answer as JSON text; `null` when it never was sent.
        fault: Why it was never sent, or has no answer.
    """

    number: int
    custom_id: str | None
    status_code: int | None = None
    request_id: str = ""
    body: msgspec.Raw = msgspec.Raw(b"null")
    fault: LineFault | None = None

    @property
    def good(self) -> bool:
        """Whether it belongs to the answers, not to the errors."""
        return self.status_code == 200 and self.fault is None

    def written(self, batch_id: str) -> bytes:
        """Its line in the output or error file."""
        response = None
        if self.status_code is not None:
            response = {"status_code": self.status_code, "request_id": self.request_id, "body": self.body}
        told = {
            "id": f"batch_req_{batch_id.removeprefix('batch_')}_{self.number}", "custom_id": self.custom_id,
            "response": response, "error": self.fault,
        }  # fmt: skip
        return msgspec.json.encode(told) + b"\n"
