"""What the gateway tells of the loaded weights is what the model's process says now, or nothing."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from roadworthy.gateway.edge.link import Upstream
from roadworthy.gateway.edge.weights import LoadedWeights

DIGEST = "sha256:" + "ab" * 32


def _upstream(url: str, *, embedded: bool = True) -> Upstream:
    provider = SimpleNamespace(base_url=f"{url}/v1", headers=(("authorization", "Bearer k"),))
    return cast(Upstream, SimpleNamespace(name="own", provider=provider, embedded=embedded))


class Process:
    """Answers every connection with bytes, and counts them."""

    def __init__(self, status: str, body: bytes) -> None:
        self._content = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._content)
        await writer.drain()
        writer.close()


def _models(*tags: str) -> bytes:
    return json.dumps({"data": [{"id": "m", "tags": list(tags)}]}).encode()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        ("200 OK", _models(DIGEST), DIGEST),
        ("200 OK", _models("small", DIGEST), DIGEST),
        ("200 OK", _models(), None),
        ("200 OK", _models(DIGEST, "sha256:" + "cd" * 32), None),
        ("200 OK", _models("sha256:ab"), None),
        ("200 OK", b"no json", None),
        ("200 OK", b'{"data": 5}', None),
        ("401 Unauthorized", _models(DIGEST), None),
        ("503 Service Unavailable", _models(DIGEST), None),
    ],
)
async def test_what_the_process_says(status: str, body: bytes, told: str | None) -> None:
    process = Process(status, body)
    server = await asyncio.start_server(process.serve, "127.0.0.1", 0)
    async with server:
        weights = LoadedWeights([_upstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")])
        answers: list[Any] = await asyncio.gather(weights.told(), weights.told())
        assert answers == [{"own": told}] * 2
        assert len(process.heads) == 1
        assert b"\r\nauthorization: Bearer k\r\n" in process.heads[0]
        assert await weights.told() == {"own": told}  # asked again, nothing is remembered
        assert len(process.heads) == 2


async def test_a_process_that_is_gone_tells_nothing() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert await LoadedWeights([_upstream(f"http://127.0.0.1:{port}")]).told() == {"own": None}


def test_without_a_model_of_its_own_there_is_nobody_to_ask() -> None:
    assert not LoadedWeights([_upstream("http://127.0.0.1:9", embedded=False)])
