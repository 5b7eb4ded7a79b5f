"""`roadworthy` commands, each a process of its own, forked from one that has imported what they import.

A command has its own working directory, environment, streams and exit code, as when a user types it; what it does not
have is the third of a second that a fresh interpreter takes to import. That a fresh interpreter finds everything is
held by `test_a_command_of_each_family_in_a_fresh_interpreter` and by the tests of `python -m roadworthy`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

LOADED = (
    *(f"roadworthy.cli.{name}" for name in (
        "batch_file", "config", "diagnosis", "doctor", "explain", "gateway", "gateway_text", "init", "key", "main",
        "output", "spending", "state_file", "target", "up", "version",
    )),
    *(f"roadworthy.{name}" for name in (
        "client.admin", "client.batch", "client.gateway", "client.live_check", "client.local", "gateway.cost_report",
        "gateway.keys", "runtime.config.load", "runtime.config.report", "runtime.config.view", "runtime.journal",
        "guard.text.masker", "serve.config_check", "serve.wiring", "serve.wiring_store",
    )),
    "anyio.streams.tls", "encodings.idna", "h11", "httpcore2", "truststore",
)  # fmt: skip
"""What commands import at their start and on use."""
_MAX_BYTES = 1024 * 1024


class Commands:
    """The process that forks; started at the first command, ended with the test process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._talk: socket.socket | None = None

    def run(
        self, words: Sequence[str], folder: Path, environ: Mapping[str, str], text: str | None, timeout_s: float
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of one command; one at a time.

        Raises:
            TimeoutError: It did not end in time and was killed.
        """
        order = json.dumps({"words": list(words), "folder": str(folder), "environ": dict(environ)}).encode()
        with self._lock, contextlib.ExitStack() as stack:
            asked, out, err = streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            asked.write((text or "").encode())
            asked.seek(0)
            talk = self._started()
            socket.send_fds(talk, [order], [one.fileno() for one in streams])
            code = self._code(talk, int(talk.recv(64)), timeout_s)
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()

    @staticmethod
    def _code(talk: socket.socket, pid: int, timeout_s: float) -> int:
        talk.settimeout(timeout_s)
        try:
            return int(talk.recv(64))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            talk.settimeout(None)
            talk.recv(64)
            raise TimeoutError(f"The command did not end within {timeout_s:.0f} s.") from None
        finally:
            talk.settimeout(None)

    def _started(self) -> socket.socket:
        if self._talk is None:
            self._talk, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in (self._talk, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MAX_BYTES)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, __file__, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            atexit.register(self._stop, self._talk, self._process)
        return self._talk

    @staticmethod
    def _stop(talk: socket.socket, process: subprocess.Popen[bytes]) -> None:
        talk.close()
        process.wait(10)


def serve(talk: socket.socket) -> None:
    """Fork a command for every order until the other side is gone."""
    for name in LOADED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "what forks has one thread alone"
    while True:
        data, streams, _, _ = socket.recv_fds(talk, _MAX_BYTES, 3)
        if not data:
            return
        pid = os.fork()
        if pid == 0:
            talk.close()
            _become(json.loads(data), streams)
        for one in streams:
            os.close(one)
        talk.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        talk.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(order: dict[str, object], streams: Sequence[int]) -> NoReturn:
    """What a fresh interpreter would be after its imports: this one's folder, environment and streams."""
    from roadworthy.cli.main import main

    for place, one in enumerate(streams):
        os.dup2(one, place)
        os.close(one)
    words, folder, environ = order["words"], order["folder"], order["environ"]
    assert isinstance(words, list)
    assert isinstance(folder, str)
    assert isinstance(environ, dict)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["-c", *words]
    code: object = 70
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # as an interpreter tells what nobody caught; the caller fails on the word Traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not through the interpreter's end: taking apart everything that is loaded takes longer than the command.
    os._exit(code if isinstance(code, int) else 70)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as pair:
        serve(pair)
