"""Sends one line of a batch through the data plane, through an edge's own socket and in the name of its tenant."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Self

import httpx2
import msgspec

from roadworthy.gateway.batch.line import Wanted
from roadworthy.gateway.batch.record import Answered, Batch, LineFault
from roadworthy.gateway.batch.work import Stop

LINE_TIMEOUT_S = 900.0
AWAY_S = 60.0
"""How long a line waits for an edge that is started again."""
MAX_BUSY_TRIES = 8
BACKOFF_CAP_S = 30.0
STEP_S = 0.2


class LineSender:
    """Implements `gateway.batch.work.Send` for one event loop; an async context manager.

    Args:
        run_dir: Where the edges' sockets `edge-<index>.sock` are.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._turn = itertools.count()
        self._clients: dict[Path, httpx2.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def __call__(self, batch: Batch, line: Wanted, stop: Stop) -> Answered | None:
        """Send until there is an answer that will not get better by waiting; None when told to stop before."""
        away_until = time.monotonic() + AWAY_S
        tries = 0
        while not stop():
            try:
                response = await self._post(batch, line)
            except (httpx2.TransportError, httpx2.DecodingError, OSError) as error:
                if time.monotonic() > away_until:
                    return _unsent(line, "gateway_unreachable", f"No edge answers ({type(error).__name__}).")
                await _sleep(1.0, stop)
                continue
            away_until = time.monotonic() + AWAY_S
            wait_s = _wait_s(response, tries)
            if wait_s is None or batch.expires_at <= time.time() + wait_s:
                return _answered(line, response)
            tries += response.status_code != 429
            await _sleep(wait_s, stop)
        return None

    async def _post(self, batch: Batch, line: Wanted) -> httpx2.Response:
        sockets = sorted(self._run_dir.glob("edge-*.sock"))
        if not sockets:
            raise FileNotFoundError
        client = self._client(sockets[next(self._turn) % len(sockets)])
        return await client.post(
            f"/internal/as/{batch.tenant}{batch.endpoint}",
            content=line.body,
            headers={"content-type": "application/json"},
        )

    def _client(self, socket: Path) -> httpx2.AsyncClient:
        if socket not in self._clients:
            self._clients[socket] = httpx2.AsyncClient(
                transport=httpx2.AsyncHTTPTransport(uds=str(socket), verify=False),
                base_url="http://edge",
                trust_env=False,
                timeout=httpx2.Timeout(LINE_TIMEOUT_S, connect=2.0),
            )
        return self._clients[socket]


def _wait_s(response: httpx2.Response, tries: int) -> float | None:
    """Seconds after which the same line may do better; None when it will not.

    A limit of the tenant (429) is waited for as long as the batch has time, unless the gateway names no time after
    which the line may pass: then the line alone is larger than the budget. An unavailable provider (503) is tried a
    few times.
    """
    try:
        told = float(response.headers.get("retry-after", ""))
    except ValueError:
        told = 0.0
    if response.status_code == 429 and told > 0:
        return min(max(told, 1.0), BACKOFF_CAP_S)
    if response.status_code == 503 and tries < MAX_BUSY_TRIES:
        return min(max(told, 0.5 * 2.0**tries), BACKOFF_CAP_S)
    return None


def _answered(line: Wanted, response: httpx2.Response) -> Answered:
    body = response.content
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _unsent(line, "llm_failure", "The answer was no JSON.")
    return Answered(
        line.number, line.custom_id, response.status_code, response.headers.get("x-request-id", ""), msgspec.Raw(body)
    )


def _unsent(line: Wanted, code: str, message: str) -> Answered:
    return Answered(line.number, line.custom_id, fault=LineFault(code, message, line.number))


async def _sleep(seconds: float, stop: Stop) -> None:
    for _ in range(max(1, round(seconds / STEP_S))):
        if stop():
            return
        await asyncio.sleep(STEP_S)
