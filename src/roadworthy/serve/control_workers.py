"""Talks to the edge workers over their unix sockets; a worker that does not answer is told, never left out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

ANSWER_TIMEOUT_S = 2.0


class WorkerAnswer(NamedTuple):
    """What one worker said.

    Attributes:
        worker: Its number.
        data: Its JSON object, None when it gave none.
        error: Why there is none; empty when there is one.
    """

    worker: int
    data: dict[str, Any] | None
    error: str


class Workers:
    """All edge workers of one gateway.

    Args:
        state_dir: Folder whose `run/edge-<I>.sock` they listen on.
        count: How many there should be.
    """

    def __init__(self, state_dir: Path, count: int) -> None:
        self._clients = [
            httpx2.AsyncClient(
                transport=httpx2.AsyncHTTPTransport(uds=str(state_dir / "run" / f"edge-{worker}.sock"), verify=False),
                base_url="http://worker",
                timeout=ANSWER_TIMEOUT_S,
                trust_env=False,
            )
            for worker in range(count)
        ]

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(client.aclose() for client in self._clients))

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> list[WorkerAnswer]:
        """Send the same request to every worker at once.

        Args:
            method: GET or POST.
            path: For example `/internal/status`.
            body: JSON object to send, None for none.

        Returns:
            One answer per worker, in order of their numbers, at the latest after `ANSWER_TIMEOUT_S` of silence.
        """
        return list(await asyncio.gather(
            *(_ask(client, worker, method, path, body) for worker, client in enumerate(self._clients))
        ))  # fmt: skip


async def _ask(
    client: httpx2.AsyncClient,
    worker: int,
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
) -> WorkerAnswer:
    try:
        response = await client.request(method, path, json=body)
        data = response.json() if response.is_success else None
    except (httpx2.HTTPError, OSError, ValueError) as error:
        return WorkerAnswer(worker, None, f"does not answer ({type(error).__name__})")
    if not isinstance(data, dict):
        return WorkerAnswer(worker, None, f"answered with status {response.status_code}")
    return WorkerAnswer(worker, data, "")
