"""The digests of the weights that this machine's own models loaded, asked of their processes whenever somebody asks.

Nothing is remembered: a process that was started again with another file tells another digest, and one that does not
answer tells none.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from roadworthy.gateway.edge.link import Upstream

ANSWER_S = 2.0
_MOST_BYTES = 65_536
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _Model(msgspec.Struct):
    tags: list[str] = []


class _Models(msgspec.Struct):
    data: list[_Model] = []


_models = msgspec.json.Decoder(_Models).decode


class LoadedWeights:
    """Asks the processes of the embedded models; true when there is one.

    Args:
        upstreams: Of the gateway.
    """

    def __init__(self, upstreams: Iterable[Upstream]) -> None:
        self._asked = [each for each in upstreams if each.embedded]
        self._running: asyncio.Task[dict[str, str | None]] | None = None

    def __bool__(self) -> bool:
        return bool(self._asked)

    async def told(self) -> dict[str, str | None]:
        """Digest by name of the provider, as `sha256:` and 64 digits; None where the process does not tell it now."""
        if self._running is None:  # those who ask at the same time hear the same
            self._running = asyncio.create_task(self._ask())
        return await asyncio.shield(self._running)

    async def _ask(self) -> dict[str, str | None]:
        try:
            return {each.name: await _digest(each) for each in self._asked}
        finally:
            self._running = None


async def _digest(upstream: Upstream) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_S):
            content = await _get(f"{upstream.provider.base_url}/models", upstream.provider.headers)
        models = _models(content).data
    except (OSError, ValueError, msgspec.DecodeError):  # TimeoutError is the first
        return None
    found = {tag for model in models for tag in model.tags if _DIGEST.fullmatch(tag)}
    return found.pop() if len(found) == 1 else None


async def _get(url: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The body of an answer with status 200; empty with any other."""
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.0", f"host: {parts.netloc}", *(f"{name}: {value}" for name, value in headers)]
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        content = bytearray()
        while len(content) < _MOST_BYTES and (piece := await reader.read(_MOST_BYTES)):
            content += piece
    finally:
        writer.close()
    head, _, body = bytes(content).partition(b"\r\n\r\n")
    return body if head.split(b" ", 2)[1:2] == [b"200"] else b""
