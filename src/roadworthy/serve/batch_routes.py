"""Files, batches and jobs over HTTP, on the worker's own socket. The edge has checked the key and names its tenant.

    rw-tenant: public id of the caller's key
    x-request-id: as the edge gave it
    idempotency-key: as the caller gave it (draft-ietf-httpapi-idempotency-key-header-07), for POST /v1/batches

Routes under /internal/jobs are for operators; only the owner of the state directory can open the socket.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from roadworthy.core.errors import UsageError
from roadworthy.core.job import JOB_STATES
from roadworthy.core.ports import Jobs
from roadworthy.gateway.batch.record import Batch, StoredFile
from roadworthy.gateway.batch.service import BatchService, NewBatch, read_body
from roadworthy.serve.upload import receive
from roadworthy.serve.worker_header import TENANT

MAX_JSON_BYTES = 64 * 1024
MAX_PAGE = 100

Parts = Callable[[], Awaitable[tuple[BatchService, Jobs]]]


class BatchRoutes:
    """Answers the edge.

    Args:
        parts: Gives service and jobs; they are made at the first use.
        max_file_bytes: Largest upload.
    """

    def __init__(self, parts: Parts, max_file_bytes: int) -> None:
        self._parts = parts
        self._max_file_bytes = max_file_bytes

    def routes(self) -> list[Route]:
        """Paths and what answers them."""
        return [
            Route("/v1/files", self.upload, methods=["POST"]),
            Route("/v1/files", self.list_files, methods=["GET"]),
            Route("/v1/files/{id}", self.file, methods=["GET"]),
            Route("/v1/files/{id}", self.delete_file, methods=["DELETE"]),
            Route("/v1/files/{id}/content", self.content, methods=["GET"]),
            Route("/v1/batches", self.create, methods=["POST"]),
            Route("/v1/batches", self.list_batches, methods=["GET"]),
            Route("/v1/batches/{id}", self.batch, methods=["GET"]),
            Route("/v1/batches/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/v1/batches/{id}/resume", self.resume, methods=["POST"]),
            Route("/internal/jobs", self.list_jobs, methods=["GET"]),
            Route("/internal/jobs/{id}", self.job, methods=["GET"]),
            Route("/internal/jobs/{id}/cancel", self.stop_job, methods=["POST"]),
            Route("/internal/jobs/{id}/replay", self.replay_job, methods=["POST"]),
        ]

    # -- files

    async def upload(self, request: Request) -> Response:
        """Take a file in."""
        service, _ = await self._parts()
        upload = await receive(request, service.files, self._max_file_bytes)
        assert upload.file is not None
        try:
            file = await run_in_threadpool(
                service.keep_upload,
                _tenant(request),
                upload.file,
                upload.filename,
                upload.fields.get("purpose", ""),
            )
        finally:
            await run_in_threadpool(upload.file.drop)
        return _told(request, file.view())

    async def list_files(self, request: Request) -> Response:
        """Files of the tenant, newest first."""
        service, _ = await self._parts()
        limit, after = _page(request)
        purpose = request.query_params.get("purpose")
        found = await run_in_threadpool(service.store.files, _tenant(request), purpose, after, limit + 1)
        return _told(request, _listed(found, limit))

    async def file(self, request: Request) -> Response:
        """What is known of one file."""
        service, _ = await self._parts()
        found = await run_in_threadpool(service.store.file, _tenant(request), request.path_params["id"])
        return _told(request, found.view())

    async def delete_file(self, request: Request) -> Response:
        """Remove one file."""
        service, _ = await self._parts()
        file_id = request.path_params["id"]
        await run_in_threadpool(service.delete, _tenant(request), file_id)
        return _told(request, {"id": file_id, "object": "file", "deleted": True})

    async def content(self, request: Request) -> Response:
        """The content of one file."""
        service, _ = await self._parts()
        path = await run_in_threadpool(service.content, _tenant(request), request.path_params["id"])
        return FileResponse(path, media_type="application/jsonl", headers={"x-request-id": _identity(request)})

    # -- batches

    async def create(self, request: Request) -> Response:
        """Queue a batch."""
        service, _ = await self._parts()
        wanted = read_body(await _body(request), NewBatch)
        key = request.headers.get("idempotency-key")
        return _told(request, (await run_in_threadpool(service.create, _tenant(request), wanted, key)).view())

    async def list_batches(self, request: Request) -> Response:
        """Batches of the tenant, newest first."""
        service, _ = await self._parts()
        limit, after = _page(request)
        found = await run_in_threadpool(service.list, _tenant(request), after, limit + 1)
        return _told(request, _listed(found, limit))

    async def batch(self, request: Request) -> Response:
        """One batch with its counts."""
        service, _ = await self._parts()
        found = await run_in_threadpool(service.get, _tenant(request), request.path_params["id"])
        return _told(request, found.view())

    async def cancel(self, request: Request) -> Response:
        """Stop one batch."""
        service, _ = await self._parts()
        found = await run_in_threadpool(service.cancel, _tenant(request), request.path_params["id"])
        return _told(request, found.view())

    async def resume(self, request: Request) -> Response:
        """Take a cancelled batch up again; OpenAI has no such route."""
        service, _ = await self._parts()
        found = await run_in_threadpool(service.resume, _tenant(request), request.path_params["id"])
        return _told(request, found.view())

    # -- jobs

    async def list_jobs(self, request: Request) -> Response:
        """Jobs, newest first; `state=dead` lists the dead letters."""
        _, jobs = await self._parts()
        state = request.query_params.get("state")
        if state is not None and state not in JOB_STATES:
            raise UsageError(f"state must be one of {', '.join(JOB_STATES)}.", param="state")
        limit, _ = _page(request)
        found = await run_in_threadpool(jobs.list, state, limit)
        return _told(request, {"jobs": [one._asdict() for one in found]})

    async def job(self, request: Request) -> Response:
        """One job."""
        _, jobs = await self._parts()
        found = await run_in_threadpool(jobs.get, request.path_params["id"])
        if found is None:
            raise UsageError("There is no such job.", "No job has this id.", code="not_found")
        return _told(request, {"job": found._asdict()})

    async def stop_job(self, request: Request) -> Response:
        """Cancel one job."""
        service, _ = await self._parts()
        found = await run_in_threadpool(service.stop, request.path_params["id"])
        return _told(request, {"job": found._asdict()})

    async def replay_job(self, request: Request) -> Response:
        """Queue a dead or cancelled job again."""
        service, _ = await self._parts()
        found = await run_in_threadpool(service.replay, request.path_params["id"])
        return _told(request, {"job": found._asdict()})


def _tenant(request: Request) -> str:
    return request.headers[TENANT]


def _identity(request: Request) -> str:
    return request.headers.get("x-request-id", "")


def _told(request: Request, value: Mapping[str, Any]) -> Response:
    return Response(
        msgspec.json.encode(value), media_type="application/json", headers={"x-request-id": _identity(request)}
    )


def _page(request: Request) -> tuple[int, str | None]:
    try:
        limit = int(request.query_params.get("limit", "20"))
    except ValueError:
        limit = 0
    if limit < 1:
        raise UsageError("limit must be a number from 1.", param="limit")
    return min(limit, MAX_PAGE), request.query_params.get("after")


def _listed(found: Sequence[StoredFile | Batch], limit: int) -> dict[str, Any]:
    shown = [one.view() for one in found[:limit]]
    return {
        "object": "list", "data": shown, "has_more": len(found) > limit,
        "first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None,
    }  # fmt: skip


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_JSON_BYTES:
            raise UsageError("The request body is too large for this route.", code="request_too_large")
    return body
