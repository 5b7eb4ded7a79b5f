"""The admin API's routes about durable jobs: asked of the worker through its socket."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2
import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roadworthy.core.errors import GatewayError
from roadworthy.core.ports import Entry, Journal

ANSWER_TIMEOUT_S = 15.0


class AdminJobs:
    """Answers admins.

    Args:
        state_dir: Where `run/worker.sock` is.
        journal: Where what admins do is written.
    """

    def __init__(self, state_dir: Path, journal: Journal) -> None:
        self._socket = str(state_dir / "run" / "worker.sock")
        self._journal = journal

    def routes(self) -> list[Route]:
        """Paths and what answers them."""
        return [
            Route("/admin/jobs", self.list, methods=["GET"]),
            Route("/admin/jobs/{id}", self.get, methods=["GET"]),
            Route("/admin/jobs/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/admin/jobs/{id}/replay", self.replay, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """Jobs, newest first; `state=dead` lists the dead letters."""
        return await self._ask(request)

    async def get(self, request: Request) -> Response:
        """One job."""
        return await self._ask(request)

    async def cancel(self, request: Request) -> Response:
        """Stop one job."""
        return await self._do(request, "job.cancelled")

    async def replay(self, request: Request) -> Response:
        """Queue a dead or cancelled job again."""
        return await self._do(request, "job.replayed")

    async def _do(self, request: Request, kind: str) -> Response:
        answer = await self._ask(request)
        if answer.status_code == 200:
            told = {"job": request.path_params["id"], "key_id": request.state.key_id}
            await run_in_threadpool(self._journal.append, [Entry(kind, time.time(), msgspec.json.encode(told))])
        return answer

    async def _ask(self, request: Request) -> Response:
        path = request.url.path.replace("/admin/", "/internal/", 1)
        identity = request.state.request_id
        transport = httpx2.AsyncHTTPTransport(uds=self._socket, verify=False)
        try:
            async with httpx2.AsyncClient(transport=transport, base_url="http://worker", trust_env=False) as client:
                answer = await client.request(
                    request.method,
                    path,
                    params=dict(request.query_params),
                    headers={"x-request-id": identity},
                    timeout=ANSWER_TIMEOUT_S,
                )
        except (httpx2.HTTPError, OSError) as error:
            raise GatewayError(
                "The worker does not answer.",
                f"{type(error).__name__}.",
                code="worker_unavailable",
                retry_after_s=2.0,
            ) from error
        headers = {"x-request-id": identity, "cache-control": "no-store"}
        return Response(answer.content, answer.status_code, headers, "application/json")
