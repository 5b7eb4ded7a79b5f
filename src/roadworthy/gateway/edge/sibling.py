"""What workers of one gateway tell each other through their socket files: metrics, and whom to leave alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

TIMEOUT_S = 1.0


class News(msgspec.Struct, forbid_unknown_fields=True):
    """One worker's finding about a target, for the others.

    Attributes:
        provider: Name in the configuration.
        model: Model at that provider.
        state: New state of the breaker; None when it did not change.
        rest_s: Seconds for which the target is to be left alone.
    """

    provider: str
    model: str
    state: str | None
    rest_s: float


class Siblings:
    """The other workers of this gateway.

    Args:
        worker: Index of this worker.
        run_dir: Where the workers' sockets `edge-<index>.sock` are.
    """

    def __init__(self, worker: int, run_dir: Path) -> None:
        self._own = f"edge-{worker}.sock"
        self._run_dir = run_dir
        self._telling: set[asyncio.Task[None]] = set()

    async def gather(self, path: str) -> dict[str, bytes]:
        """The answers of all that answer to `GET path`, by index of the worker."""
        sockets = [p for p in sorted(self._run_dir.glob("edge-*.sock")) if p.name != self._own]
        async with asyncio.TaskGroup() as group:
            tasks = {p.stem.removeprefix("edge-"): group.create_task(_ask(p, "GET", path, b"")) for p in sockets}
        return {index: answer for index, task in tasks.items() if (answer := task.result()) is not None}

    def tell(self, path: str, news: News) -> None:
        """Post to all without waiting. Who does not listen finds out by himself, as he would alone."""
        body = msgspec.json.encode(news)
        for socket in self._run_dir.glob("edge-*.sock"):
            if socket.name != self._own:
                task = asyncio.get_running_loop().create_task(_tell(socket, path, body))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)


Tell = Callable[[News], None]


async def _tell(socket: Path, path: str, body: bytes) -> None:
    await _ask(socket, "POST", path, body)


async def _ask(socket: Path, method: str, path: str, body: bytes) -> bytes | None:
    writer = None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            head = f"{method} {path} HTTP/1.1\r\nhost: worker\r\nconnection: close\r\ncontent-length: {len(body)}"
            writer.write(f"{head}\r\n\r\n".encode() + body)
            answer = await reader.read()
    except OSError:  # gone, or just starting; TimeoutError is an OSError
        return None
    finally:
        if writer is not None:
            writer.close()
    head_bytes, _, content = answer.partition(b"\r\n\r\n")
    return content if head_bytes.startswith(b"HTTP/1.1 200 ") else None
