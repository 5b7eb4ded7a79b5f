"""A second edge of the service's configuration, as a child process on a free port: what hurts is done to it alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.service.asking import Caller
from roadworthy.verify.service.configuration import STATE_DIR, Copy

ROADWORTHY: tuple[str, ...] = (sys.executable, "-P", "-m", "roadworthy")
"""The command line of the product."""
START_S = 30.0
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")


class SecondEdge:
    """`roadworthy gateway serve` in a folder of its own; a context manager.

    Args:
        copy: Its configuration.
        folder: An empty folder; it holds the configuration, the state and the log.
        start_s: Seconds until it must take requests.
        whole: Start `roadworthy up` without the admin API instead: the supervisor with its keeper of secrets, too.

    Attributes:
        port: It listens on.
        process: The child; None before the start.
        clock: File with the seconds that its wall clock is off, see `jumping_clock`; None leaves the clock alone.
    """

    def __init__(self, copy: Copy, folder: Path, start_s: float = START_S, *, whole: bool = False) -> None:
        self.copy = copy
        self.folder = folder
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.clock: Path | None = None
        self._start_s = start_s
        self._words = ("up", "--no-control", "--json") if whole else ("gateway", "serve")
        folder.mkdir(parents=True, exist_ok=True)
        self.write()

    @property
    def url(self) -> str:
        """Root of its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def state_dir(self) -> Path:
        """Its state directory."""
        return self.folder / STATE_DIR

    @property
    def log(self) -> bytes:
        """All it wrote to standard output and error."""
        return (self.folder / "log").read_bytes()

    @property
    def environ(self) -> dict[str, str]:
        """Its environment."""
        own = {"HOME": str(self.folder), "NO_COLOR": "1", "APP_ENV": self.copy.profile}
        return {**passed_on(), **own, **self.copy.environ}

    @property
    def pids(self) -> list[int]:
        """It and what it started, as the system shows them now; empty when it does not run."""
        return [] if self.process is None or self.process.poll() is not None else _family(self.process.pid)

    def write(self) -> None:
        """Write the configuration as it is in the copy now."""
        (self.folder / "roadworthy.yaml").write_text(yaml.safe_dump(self.copy.data, sort_keys=False), encoding="utf-8")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it lives.

        Raises:
            NotMeasured: It does not start.
        """
        deadline = time.monotonic() + self._start_s
        self.begin()
        assert self.process is not None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise NotMeasured(f"A second edge of this configuration does not start: {self.last_words()}")
            caller = Caller(self.url, timeout_s=1.0)
            reply = caller.send("GET", "/livez")
            caller.close()
            if reply.status is not None:
                return
            time.sleep(0.05)
        self.kill()
        raise NotMeasured(f"A second edge of this configuration did not start within {self._start_s:.0f} s.")

    def begin(self, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the process without waiting."""
        self.port = free_port()
        program = list(ROADWORTHY)
        if self.clock is not None:
            shim = Path(__file__).with_name("jumping_clock.py")
            program = [program[0], "-P", str(shim), str(self.clock.resolve()), *program[1:]]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own command
                [*program, *self._words, "--config", "roadworthy.yaml", "--port", str(self.port)],
                cwd=self.folder, env=dict(environ or self.environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        return self.process

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, limit_s: float) -> int | None:
        """Its exit code; None when it still runs after `limit_s`."""
        assert self.process is not None
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it at once; a supervisor is asked first, so that it ends its children."""
        if self.process is not None and self._words[0] == "up":
            self.signal(signal.SIGTERM)
            self.wait(15.0)
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait(10)

    def last_words(self) -> str:
        """The last line that it wrote."""
        lines = self.log.decode("utf-8", "replace").strip().splitlines()
        told = [line for line in lines if line.startswith("error[")] or lines or ["it said nothing"]
        return told[-1][:300]

    def command(self, *words: str, timeout_s: float = 30.0) -> Any:
        """`data` of a `roadworthy` command with `--json` in its folder.

        Raises:
            NotMeasured: The command fails.
        """
        ran = run_command([*words, "--json"], self.folder, self.environ, timeout_s)
        told = _data(ran.stdout)
        if ran.returncode != 0 or told is None:
            raise NotMeasured(f"`roadworthy {words[0]} {words[1]}` ended with exit code {ran.returncode}.")
        return told

    def chain_whole(self) -> bool:
        """Whether the chain of its records holds.

        Raises:
            NotMeasured: The command that looks at it fails for another reason.
        """
        words = ["gateway", "journal", "verify", "--json"]
        ran = run_command(words, self.folder, self.environ, 30.0)
        told = _data(ran.stdout)
        if ran.returncode == 0 and told is not None:
            return bool(told.get("whole"))
        if _code(ran.stdout) == "journal_corrupt":
            return False
        raise NotMeasured(f"`roadworthy gateway journal verify` ended with exit code {ran.returncode}.")

    def create_key(self, name: str, *options: str) -> str:
        """Make a key in its state directory; the secret."""
        return str(self.command("key", "create", name, *options)["secret"])


def passed_on() -> dict[str, str]:
    """What children get of our environment: no setting and no secret of anybody."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def run_command(
    words: Sequence[str], folder: Path, environ: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """One `roadworthy` command to its end.

    Raises:
        NotMeasured: It did not end in time.
    """
    try:
        return subprocess.run(  # noqa: S603  our own command
            [*ROADWORTHY, *words], cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"`roadworthy {words[0]}` did not end within {timeout_s:.0f} s.") from None


def reset_breakers(state_dir: Path) -> None:
    """Close every breaker of the edge that uses a state directory.

    Raises:
        NotMeasured: It does not answer on its socket.
    """
    from roadworthy.client.local import LocalClient

    try:
        with LocalClient(_near(state_dir), timeout_s=5.0) as client:
            client.reset_breaker()
    except RoadworthyError as problem:
        raise NotMeasured(f"The second edge does not answer on its socket: {problem.what}") from None


def _family(pid: int) -> list[int]:
    found = [pid]
    for file in sorted(Path("/proc", str(pid), "task").glob("*/children")):
        try:
            children = file.read_text()
        except OSError:
            continue  # that thread or process is gone
        found += [each for child in children.split() for each in _family(int(child))]
    return found


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def _near(path: Path) -> Path:
    """The path relative to the working directory when that is shorter: addresses of sockets are short."""
    relative = Path(os.path.relpath(path))
    return relative if len(str(relative)) < len(str(path)) else path


def _data(output: bytes) -> Any:
    return _part(output, "data")


def _code(output: bytes) -> Any:
    error = _part(output, "error")
    return error.get("code") if isinstance(error, dict) else None


def _part(output: bytes, name: str) -> Any:
    try:
        told = json.loads(output)
    except ValueError:
        return None
    return told.get(name) if isinstance(told, dict) else None
