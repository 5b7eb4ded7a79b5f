"""Runs tools of others: with a bare environment, a time limit and a limit on output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from roadworthy.verify.outcome import NotMeasured

MOST_OUTPUT_BYTES = 32 * 1024 * 1024
"""What a tool prints beyond this makes its check not measured."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")


class Ran(NamedTuple):
    """A tool that came to its end.

    Attributes:
        argv: As it was run.
        exit_code: Below 0 is a signal.
        stdout: All of it.
        stderr: All of it.
        started: Seconds since the Unix epoch.
        ended: The same.
        version: What `version_argv` printed first; empty when it was not asked.
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes
    started: float
    ended: float
    version: str

    @property
    def output(self) -> bytes:
        """Standard output, and standard error below a line of its own when there is some."""
        return self.stdout + (b"\n--- standard error ---\n" + self.stderr if self.stderr else b"")


def found(name: str) -> str | None:
    """Where a tool is: on PATH, or next to our Python; None when it is not installed."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    home: Path,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    version_argv: Sequence[str] | None = None,
) -> Ran:
    """Run a tool to its end. Its environment holds no variable of ours but the path, language and time zone.

    Args:
        argv: The command.
        cwd: Where it runs.
        home: Its HOME, so that it reads no settings of the user.
        timeout_s: Seconds after which it is killed; its children end with the probe.
        env: Further variables.
        version_argv: Prints the version; `NAME --version` when None, not asked when empty.

    Raises:
        NotMeasured: It is not installed, was killed for time, or printed too much.
    """
    path = found(argv[0])
    if path is None:
        raise NotMeasured(f"{argv[0]} is not installed.")
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
        "HOME": str(home),
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **(env or {}),
    }
    version = ""
    asked = [argv[0], "--version"] if version_argv is None else list(version_argv)
    if asked:
        _, first, _ = _run([path, *asked[1:]], home, variables, min(10.0, timeout_s), argv[0])
        version = first.decode("utf-8", "replace").strip().split("\n")[0][:80]
    started = time.time()
    exit_code, stdout, stderr = _run([path, *argv[1:]], cwd, variables, timeout_s, argv[0])
    return Ran(tuple(argv), exit_code, stdout, stderr, started, time.time(), version)


def _run(argv: list[str], cwd: Path, env: dict[str, str], timeout_s: float, name: str) -> tuple[int, bytes, bytes]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(  # noqa: S603  the command comes from a probe or the policy, never from the subject
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        except OSError as error:
            raise NotMeasured(f"{name} cannot be started: {error.strerror or 'input/output error'}.") from error
        try:
            exit_code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise NotMeasured(f"{name} did not end within {timeout_s:.0f} s and was killed.") from None
        finally:
            child.kill()  # what it started stays in the group of the probe's process, which the runner kills
            child.wait()
        return exit_code, _read(out, name), _read(err, name)


def _read(file: object, name: str) -> bytes:
    assert hasattr(file, "seek")
    assert hasattr(file, "read")
    file.seek(0)
    content = file.read(MOST_OUTPUT_BYTES + 1)
    assert isinstance(content, bytes)
    if len(content) > MOST_OUTPUT_BYTES:
        raise NotMeasured(f"{name} printed more than {MOST_OUTPUT_BYTES} bytes.")
    return content
