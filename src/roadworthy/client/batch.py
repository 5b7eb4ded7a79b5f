"""Files and batches of the public API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

from roadworthy.client.gateway import GatewayClient
from roadworthy.client.record import objects, pick

FINAL = frozenset(("completed", "failed", "expired", "cancelled"))
DIGEST = "roadworthy_digest"
"""Name in a batch's metadata under which its maker keeps the digest of what was sent."""


class Batch(NamedTuple):
    """A batch as the gateway tells it.

    Attributes:
        id: `batch_…`.
        status: OpenAI's word.
        total: Lines; 0 until they are counted.
        completed: Lines with an answer.
        failed: Lines without.
        output_file_id: Answers; None while there are none.
        error_file_id: Lines without answer; None while there are none.
        digest: Of what was sent; empty when its maker gave none.
        errors: What is told about bad lines, or the whole.
    """

    id: str
    status: str
    total: int
    completed: int
    failed: int
    output_file_id: str | None
    error_file_id: str | None
    digest: str
    errors: tuple[str, ...]

    @property
    def over(self) -> bool:
        """Whether nothing happens to it any more by itself."""
        return self.status in FINAL


class BatchClient(GatewayClient):
    """Calls /v1/files and /v1/batches.

    Every call raises `RemoteError` for what the gateway reports and `GatewayError` with `gateway_unreachable` when
    nothing answers.
    """

    def upload(self, name: str, file: BinaryIO) -> str:
        """Upload a file of requests; returns its id."""
        told = self.send_file("/v1/files", {"purpose": "batch"}, name, file)
        return str(pick(told, "id", str) or "")

    def create(self, file_id: str, endpoint: str, digest: str, key: str | None = None) -> Batch:
        """Queue a batch; with a `key`, once, however often and by however many it is asked for."""
        body = {
            "input_file_id": file_id,
            "endpoint": endpoint,
            "completion_window": "24h",
            "metadata": {DIGEST: digest},
        }
        headers = {} if key is None else {"idempotency-key": key}
        return read_batch(self.call("POST", "/v1/batches", body, headers=headers)[1])

    def get(self, batch_id: str) -> Batch:
        """One batch."""
        return read_batch(self.call("GET", f"/v1/batches/{quote(batch_id, safe='')}")[1])

    def find(self, digest: str) -> Batch | None:
        """The newest batch of what has this digest, among the last 100."""
        _, told = self.call("GET", "/v1/batches", query={"limit": "100"})
        found = map(read_batch, objects(told, "data"))
        return next((batch for batch in found if batch.digest == digest), None)

    def cancel(self, batch_id: str) -> Batch:
        """Stop a batch; answers so far are kept."""
        return read_batch(self.call("POST", f"/v1/batches/{quote(batch_id, safe='')}/cancel", {})[1])

    def resume(self, batch_id: str) -> Batch:
        """Take a cancelled batch up again."""
        return read_batch(self.call("POST", f"/v1/batches/{quote(batch_id, safe='')}/resume", {})[1])

    def content(self, file_id: str) -> Iterator[bytes]:
        """A file's content, in pieces."""
        yield from self.download(f"/v1/files/{quote(file_id, safe='')}/content")


def read_batch(told: Any) -> Batch:
    """A batch object; what is missing is unknown."""
    counts = pick(told, "request_counts", dict)
    errors = pick(told, "errors", dict)
    return Batch(
        pick(told, "id", str) or "",
        pick(told, "status", str) or "",
        pick(counts, "total", int) or 0,
        pick(counts, "completed", int) or 0,
        pick(counts, "failed", int) or 0,
        pick(told, "output_file_id", str),
        pick(told, "error_file_id", str),
        pick(pick(told, "metadata", dict), DIGEST, str) or "",
        tuple(pick(one, "message", str) or "" for one in objects(errors, "data")),
    )
