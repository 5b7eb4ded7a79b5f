"""GET /metrics: one scrape must show all workers, whichever of them the kernel hands it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.gateway.edge.client import ClientConnection
from roadworthy.runtime.metrics import expose

SIBLING_TIMEOUT_S = 1.0
REQUEST = b"GET /internal/metrics HTTP/1.1\r\nhost: worker\r\nconnection: close\r\n\r\n"


class Scraper:
    """Collects the snapshots of this worker and of the others through their socket files.

    Args:
        worker: Index of this worker.
        run_dir: Where the workers' sockets `edge-<index>.sock` are.
        snapshot: This worker's metrics.
    """

    def __init__(self, worker: int, run_dir: Path, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._worker = worker
        self._run_dir = run_dir
        self._snapshot = snapshot

    async def answer(self, connection: ClientConnection, accept: str, identity: str) -> None:
        """Answer a scrape. A worker that does not answer is missing from it; its series end, as they should."""
        snapshots: dict[str, dict[str, Any]] = {str(self._worker): self._snapshot()}
        others = [p for p in sorted(self._run_dir.glob("edge-*.sock")) if p.name != f"edge-{self._worker}.sock"]
        async with asyncio.TaskGroup() as group:
            tasks = {p.stem.removeprefix("edge-"): group.create_task(_fetch(p)) for p in others}
        for index, task in tasks.items():
            snapshot = task.result()
            if snapshot is not None:
                snapshots[index] = snapshot
        kind, text = expose(snapshots, accept)
        connection.answer(200, b"x-request-id: %b\r\n" % identity.encode(), text, kind.encode())


async def _fetch(path: Path) -> dict[str, Any] | None:
    writer = None
    try:
        async with asyncio.timeout(SIBLING_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(REQUEST)
            answer = await reader.read()
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=dict[str, Any])
    except (OSError, msgspec.DecodeError):  # gone or just starting; TimeoutError is an OSError
        return None
    finally:
        if writer is not None:
            writer.close()
