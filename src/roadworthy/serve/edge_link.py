"""The way from the worker into the data plane: the edges' own sockets, in the name of a tenant."""

from __future__ import annotations

import itertools
from pathlib import Path

import httpx2

ANSWER_S = 900.0
AWAY_S = 60.0
"""How long a request waits for an edge that is started again."""
MAX_BUSY_TRIES = 8
BACKOFF_CAP_S = 30.0
AWAY_ERRORS = (httpx2.TransportError, httpx2.DecodingError, OSError)
"""What it means that no edge answers."""


class EdgeLink:
    """Asks the edges in turn; for one event loop.

    Args:
        run_dir: Where the edges' sockets `edge-<index>.sock` are.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._turn = itertools.count()
        self._clients: dict[Path, httpx2.AsyncClient] = {}

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    async def post(self, tenant: str, path: str, body: bytes) -> httpx2.Response:
        """Ask as if the holder of the tenant's key had asked.

        Raises:
            TransportError, DecodingError, OSError: No edge answers.
        """
        sockets = sorted(self._run_dir.glob("edge-*.sock"))
        if not sockets:
            raise FileNotFoundError
        client = self._client(sockets[next(self._turn) % len(sockets)])
        return await client.post(
            f"/internal/as/{tenant}{path}", content=body, headers={"content-type": "application/json"}
        )

    def _client(self, socket: Path) -> httpx2.AsyncClient:
        if socket not in self._clients:
            self._clients[socket] = httpx2.AsyncClient(
                transport=httpx2.AsyncHTTPTransport(uds=str(socket), verify=False),
                base_url="http://edge",
                trust_env=False,
                timeout=httpx2.Timeout(ANSWER_S, connect=2.0, pool=None),
                limits=httpx2.Limits(max_connections=None),
            )
        return self._clients[socket]


def wait_s(response: httpx2.Response, tries: int, max_tries: int = MAX_BUSY_TRIES) -> float | None:
    """Seconds after which the same request may do better; None when it will not.

    A limit of the tenant (429) is waited for, unless the gateway names no time after which the request may pass: then
    the request alone is larger than the budget. An unavailable provider (503) is tried a few times.

    Args:
        response: Of the edge.
        tries: How often it was tried in vain before, 429 not counted.
        max_tries: From here on 503 is final.
    """
    try:
        told = float(response.headers.get("retry-after", ""))
    except ValueError:
        told = 0.0
    if response.status_code == 429 and told > 0:
        return min(max(told, 1.0), BACKOFF_CAP_S)
    if response.status_code == 503 and tries < max_tries:
        return min(max(told, 0.5 * 2.0**tries), BACKOFF_CAP_S)
    return None
