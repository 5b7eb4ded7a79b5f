"""GET /metrics: one scrape must show all workers, whichever of them the kernel hands it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from roadworthy.gateway.edge.client import ClientConnection
from roadworthy.gateway.edge.sibling import Siblings
from roadworthy.runtime.metrics import expose

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Scraper:
    """Collects the snapshots of this worker and of the others.

    Args:
        worker: Index of this worker.
        siblings: The others.
        snapshot: This worker's metrics.
    """

    def __init__(self, worker: int, siblings: Siblings, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._worker = worker
        self._siblings = siblings
        self._snapshot = snapshot

    async def answer(self, connection: ClientConnection, accept: str, identity: str) -> None:
        """Answer a scrape. A worker that does not answer is missing from it; its series end, as they should."""
        others = await self._siblings.gather("/internal/metrics")
        snapshots = {str(self._worker): self._snapshot(), **{index: _decode(text) for index, text in others.items()}}
        kind, text = expose(snapshots, accept)
        connection.answer(200, b"x-request-id: %b\r\n" % identity.encode(), text, kind.encode())
