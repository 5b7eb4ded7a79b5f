"""One real edge worker process, without supervisor: its crash output, its journal and its memory can be looked at."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import msgspec

from roadworthy.gateway.settings import EdgeSettings, Limits, ProviderSettings, Retry, Route, Target

START_S = 20.0


def settings(state_dir: Path, base_url: str, **more: object) -> EdgeSettings:
    """One provider `up` behind the route `chat`; anything else by keyword."""
    options: dict[str, Any] = {
        "providers": (ProviderSettings("up", "openai", base_url, "test-key"),),
        "routes": (Route("chat", (Target("up", "m"),), deadline_s=5.0, try_timeout_s=2.0),),
        "retry": Retry(max_tries=1),
        "limits": Limits(drain_timeout_s=2.0),
        "state_dir": str(state_dir),
        "port": free_port(),
        **more,
    }
    return EdgeSettings(**options)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


class Worker:
    """`with Worker(settings) as worker`: runs from the first accepted connection until it is drained.

    Args:
        settings: As a supervisor would send them.
        python: Code to run before the worker starts, in its process.
    """

    def __init__(self, settings: EdgeSettings, python: str = "") -> None:
        self.settings = settings
        self.port = settings.port
        self.state_dir = Path(settings.state_dir)
        self._python = python
        self._log = self.state_dir / "stderr.txt"

    def __enter__(self) -> Self:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        main = "from roadworthy.serve.edge_process import main; main()"
        code = f"import sys; sys.argv[1:] = ['--settings-fd', '{reading}', '--worker', '0']\n{self._python}\n{main}"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], pass_fds=[reading], stdout=log, stderr=subprocess.STDOUT
            )
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(msgspec.json.encode(self.settings))
        deadline = time.monotonic() + START_S
        while not self._listens():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def output(self) -> str:
        """Everything the process has written."""
        return self._log.read_text(errors="replace")

    def resident_bytes(self) -> int:
        """Memory of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """Number of open files and sockets of the process."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def status(self) -> Any:
        """`GET /internal/status` on the worker's own socket."""
        return msgspec.json.decode(self.internal(b"/internal/status").partition(b"\r\n\r\n")[2])

    def internal(self, path: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
        """The whole answer of an internal route."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(self.state_dir / "run" / "edge-0.sock"))
            sock.sendall(
                b"%b %b HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
                % (method, path, len(body), body)
            )
            return b"".join(iter(lambda: sock.recv(65536), b""))
