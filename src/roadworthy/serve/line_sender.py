"""Sends one line of a batch through the data plane, through an edge's own socket and in the name of its tenant."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Self

import httpx2
import msgspec

from roadworthy.gateway.batch.line import Wanted
from roadworthy.gateway.batch.record import Answered, Batch, LineFault
from roadworthy.gateway.batch.work import Stop
from roadworthy.serve.edge_link import AWAY_ERRORS, AWAY_S, EdgeLink, wait_s

STEP_S = 0.2


class LineSender:
    """Implements `gateway.batch.work.Send` for one event loop; an async context manager.

    Args:
        run_dir: Where the edges' sockets `edge-<index>.sock` are.
    """

    def __init__(self, run_dir: Path) -> None:
        self._link = EdgeLink(run_dir)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._link.close()

    async def __call__(self, batch: Batch, line: Wanted, stop: Stop) -> Answered | None:
        """Send until there is an answer that will not get better by waiting; None when told to stop before."""
        away_until = time.monotonic() + AWAY_S
        tries = 0
        while not stop():
            try:
                response = await self._link.post(batch.tenant, batch.endpoint, line.body)
            except AWAY_ERRORS as error:
                if time.monotonic() > away_until:
                    return _unsent(line, "gateway_unreachable", f"No edge answers ({type(error).__name__}).")
                await _sleep(1.0, stop)
                continue
            away_until = time.monotonic() + AWAY_S
            pause_s = wait_s(response, tries)
            if pause_s is None or batch.expires_at <= time.time() + pause_s:
                return _answered(line, response)
            tries += response.status_code != 429
            await _sleep(pause_s, stop)
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
