"""The run directory `<state_dir>/run`: one supervisor at a time, its processes for others to read, its ports."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType

import msgspec

from roadworthy.core.errors import ConfigError, StorageError

# Linux allows 107 bytes in the address of a unix socket; the longest name below run/ needs 16 of them.
MAX_STATE_DIR_BYTES = 85


class ProcessRecord(msgspec.Struct, frozen=True):
    """One child process as `processes.json` tells it.

    Attributes:
        name: `edge-0`, `model`, `worker`, `control`.
        state: `running`, `waiting` (for its next start), `looping` (same, after many deaths) or `stopped`.
        pid: None while it does not run.
        restarts: Times it was started again.
        last_exit: How it ended the last time, in words; empty when it never did.
        started_at: Seconds since the Unix epoch (UTC) of the last start.
    """

    name: str
    state: str
    pid: int | None
    restarts: int
    last_exit: str
    started_at: float


class RunRecord(msgspec.Struct, frozen=True):
    """What `processes.json` holds: the supervisor and its children."""

    pid: int
    started_at: float
    children: tuple[ProcessRecord, ...]


class RunDirectory:
    """Owns `<state_dir>/run` while it is open; a context manager.

    Args:
        state_dir: Made with mode 0700 when it does not exist.
    """

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir.absolute() / "run"
        self._lock: int | None = None

    def __enter__(self) -> RunDirectory:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Become the one supervisor of this state directory.

        Raises:
            ConfigError: `already_running` when another one is; `config_invalid` when the path is too long for sockets.
            StorageError: `store_unavailable` when the directory cannot be made or written.
        """
        state_dir = self.path.parent
        if len(os.fsencode(state_dir)) > MAX_STATE_DIR_BYTES:
            raise ConfigError(
                "The path of the state directory is too long.",
                f"It has {len(os.fsencode(state_dir))} bytes; unix sockets below it allow {MAX_STATE_DIR_BYTES}.",
                "Set gateway.state_dir to a shorter path.",
                param="gateway.state_dir",
            )
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chmod(state_dir, 0o700)
            lock = os.open(self.path / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(
                f"The state directory {state_dir} cannot be used.",
                f"{error.strerror}.",
                "Check its rights, or set gateway.state_dir to another path.",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            os.close(lock)
            raise ConfigError(
                f"`roadworthy up` already runs with the state directory {state_dir}.",
                f"Its process id is {owner}." if owner else "",
                "Stop it first, or set gateway.state_dir to another path.",
                code="already_running",
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock
        self._remove_leftovers()

    def release(self) -> None:
        """Give the state directory back; what was written about the processes goes away."""
        if self._lock is None:
            return
        self._remove_leftovers()
        os.ftruncate(self._lock, 0)
        os.close(self._lock)
        self._lock = None

    def write(self, record: RunRecord) -> None:
        """Replace `processes.json` in one step.

        Raises:
            OSError: The disk refuses; the old file is whole.
        """
        part = self.path / f"processes.json.{os.getpid()}"
        part.write_bytes(msgspec.json.encode(record))
        os.replace(part, self.path / "processes.json")

    def _remove_leftovers(self) -> None:
        for left in (*self.path.glob("*.sock"), *self.path.glob("processes.json*")):
            left.unlink(missing_ok=True)


def read_run_record(state_dir: Path) -> RunRecord | None:
    """What the supervisor of this state directory wrote last, None when none runs or the file is not whole."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((state_dir / "run" / "processes.json").read_bytes(), type=RunRecord)
    return None


def reserve(host: str, port: int, key: str) -> socket.socket:
    """Take a TCP port without listening on it, so that only our own processes (SO_REUSEPORT) can.

    Args:
        host: Address or name to bind.
        port: 0 picks a free one; see `getsockname()` of the result.
        key: Configuration key that names the port, for the error.

    Raises:
        ConfigError: `port_in_use`, or `config_invalid` when the address is not this machine's or needs more rights.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"The address {host} is not known.",
            "It is neither an IP address nor a name that resolves.",
            param=key,
        ) from error
    try:
        # Without SO_REUSEPORT every listener refuses us, also one that would share the port.
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        held = socket.socket(family, kind, proto)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(address)
    except OSError as error:
        raise _not_ours(error, host, port, key) from error
    return held


def _not_ours(error: OSError, host: str, port: int, key: str) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"Port {port} on {host} is in use.",
            "Another process listens on it.",
            f"Stop the other process, or set {key} to another port.",
            code="port_in_use",
            param=key,
        )
    return ConfigError(
        f"Port {port} on {host} cannot be used.",
        f"{error.strerror}.",
        f"Set {key} and its host to an address of this machine and a port above 1023.",
        param=key,
    )
