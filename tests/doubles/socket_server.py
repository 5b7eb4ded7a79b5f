"""The scripted server on unix sockets, as the workers of a gateway listen on."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from doubles.scripted_server import Say, ScriptedServer, serving


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[object, tuple[str, int]]:
        request, _ = super().get_request()
        return request, ("unix", 0)  # http.server logs client_address[0]


class _UnixScripted(ScriptedServer):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.http.server_close()
        self.http = _UnixServer(str(path), self._handler())  # type: ignore[assignment]
        self.url = f"unix:{path}"


@contextmanager
def workers(state_dir: Path, count: int, script: dict[str, Say]) -> Iterator[list[ScriptedServer]]:
    """`count` workers with the same script on `<state_dir>/run/edge-<I>.sock`."""
    (state_dir / "run").mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found = [
            stack.enter_context(serving(_UnixScripted(state_dir / "run" / f"edge-{number}.sock")))
            for number in range(count)
        ]
        for server in found:
            server.script.update(script)
        yield found
