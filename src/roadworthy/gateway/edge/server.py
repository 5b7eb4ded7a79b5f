"""Listeners, limits, drain: the process's side of all client connections."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path
from time import gmtime, strftime
from typing import Protocol

from roadworthy.core.errors import ConfigError, RoadworthyError, UnexpectedError
from roadworthy.core.ids import request_id
from roadworthy.gateway.edge.client import ClientConnection
from roadworthy.gateway.edge.passage import Passages
from roadworthy.gateway.edge.request import Request
from roadworthy.gateway.settings import Limits

ABORT_S = 1.0
"""A connection that is aborted is lost in the next turn of the loop."""
SWEEP_S = 0.5
BACKLOG = 4_096


class Handler(Protocol):
    """Answers requests."""

    def handle(self, connection: ClientConnection, request: Request, identity: str) -> None:
        """Answer now, or keep the connection and answer later.

        Raises:
            RoadworthyError: Becomes the error answer.
        """
        ...

    def crashed(self, where: str, error: BaseException, request_id: str = "") -> None:
        """A bug of ours was caught."""
        ...


class Server:
    """All connections of one listener kind (public, or the worker's own socket).

    Args:
        handler: Answers requests.
        limits: Bounds of clients.
        passages: Where requests for files and batches go; None when they are no special ones.
    """

    def __init__(self, handler: Handler, limits: Limits, passages: Passages | None = None) -> None:
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.draining = False
        self.now = self.loop.time()
        self.date = http_date()
        self.connections: set[ClientConnection] = set()
        self.refusals = 0
        self._emptied: asyncio.Event | None = None
        self._handler = handler
        self.passages = passages
        self._listeners: list[asyncio.Server] = []
        self._paths: list[tuple[Path, int | None]] = []
        fastest = min(limits.header_timeout_s, limits.request_timeout_s, limits.idle_timeout_s, limits.write_timeout_s)
        self._sweep_s = min(SWEEP_S, max(0.02, fastest / 4))
        self._sweeper = self.loop.call_later(self._sweep_s, self._sweep)

    # -- listening

    async def listen(self, host: str, port: int) -> int:
        """Listen on TCP, shared with the other workers (SO_REUSEPORT). Returns the port, which matters for port 0.

        Raises:
            ConfigError: `port_in_use` or `config_invalid` when the address cannot be bound.
        """
        try:
            server = await self.loop.create_server(
                lambda: ClientConnection(self), host, port, reuse_port=True, backlog=BACKLOG
            )
        except OSError as error:
            code = "port_in_use" if error.errno == 98 else "config_invalid"
            raise ConfigError(
                f"Cannot listen on {host} port {port}.", f"{os.strerror(error.errno or 0)}.", code=code
            ) from error
        self._listeners.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: Path) -> None:
        """Listen on a socket file that only this user may open."""
        sock = private_socket(path)
        self._listeners.append(await self.loop.create_unix_server(lambda: ClientConnection(self), sock=sock))
        self._paths.append((path, _inode(path)))

    # -- connections

    def register(self, connection: ClientConnection) -> bool:
        """Take a connection; False when there are too many (it is kept only until it has been told)."""
        self.connections.add(connection)
        return len(self.connections) <= self.limits.max_connections

    def unregister(self, connection: ClientConnection) -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        if self._emptied is not None and not self.connections:
            self._emptied.set()

    def refused(self, error: RoadworthyError, status: int) -> None:
        """A request was refused before it was one."""
        self.refusals += 1

    def handle(self, connection: ClientConnection, request: Request) -> None:
        """The HTTP handler's door: every error becomes an answer."""
        identity = request_id()
        try:
            self._handler.handle(connection, request, identity)
        except Exception as error:
            if connection.exchange is not None:
                connection.exchange.crashed(error)
            elif isinstance(error, RoadworthyError):
                connection.fail(error, identity)
            else:
                self.crashed(connection, error, identity)

    def crashed(self, connection: ClientConnection, error: BaseException, identity: str) -> None:
        """A bug of ours: tell the operators what, the caller that."""
        self._handler.crashed("http", error, identity)
        connection.fail(UnexpectedError("The gateway failed to handle this request."), identity)

    def _sweep(self) -> None:
        self.now = now = self.loop.time()
        self.date = http_date()
        for connection in tuple(self.connections):
            connection.sweep(now)
        self._sweeper = self.loop.call_later(self._sweep_s, self._sweep)

    # -- the end

    async def drain(self) -> None:
        """Take no new connection, finish what runs, close the rest after `drain_timeout_s`."""
        self.draining = True
        for listener in self._listeners:
            listener.close()
        for connection in tuple(self.connections):
            if connection.idle:
                connection.close()
        if self.connections:
            self._emptied = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.limits.drain_timeout_s):
                    await self._emptied.wait()
        for connection in tuple(self.connections):
            connection.abort()
        if self._emptied is not None and self.connections:  # what they asked for is recorded when they are lost
            with suppress(TimeoutError):
                async with asyncio.timeout(ABORT_S):
                    await self._emptied.wait()
        self._sweeper.cancel()
        for path, inode in self._paths:
            _remove(path, inode)


def http_date() -> bytes:
    """Now, as RFC 9110 §5.6.7 wants it (the process keeps the C locale, so day and month are English)."""
    return strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime()).encode()


def _inode(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_ino
    return None


def _remove(path: Path, inode: int | None) -> None:
    """Remove our socket file. After a crash of the supervisor our successor may have put its own there already."""
    if _inode(path) == inode:
        path.unlink(missing_ok=True)


def private_socket(path: Path) -> socket.socket:
    """A bound unix socket that only this user may open; one that a dead process left behind is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(old)
    return sock
