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
from typing import IO, NamedTuple

from roadworthy.verify.outcome import NotMeasured

MOST_OUTPUT_BYTES = 32 * 1024 * 1024
"""What a tool prints beyond this makes its check not measured."""
_LOOK_S = 0.25
"""How often the size of what a tool printed is looked at, in seconds."""
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")


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


def search_path(apart: Path | None) -> str:
    """PATH without what is relative, and without folders of the subject: a `git` that lies there is not git.

    Args:
        apart: The subject; None leaves its folders in.
    """
    kept = [each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(each)]
    if apart is not None:
        root = apart.resolve()
        kept = [each for each in kept if not Path(each).resolve().is_relative_to(root)]
    return os.pathsep.join(kept)


def found(name: str, apart: Path | None = None) -> str | None:
    """Where a tool is: on `search_path`, or next to our Python; None when it is not installed."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=search_path(apart)) or shutil.which(name, path=beside)


def environ(home: Path, apart: Path | None = None) -> dict[str, str]:
    """The variables that a tool gets: no variable of ours but the path, language and time zone."""
    own = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return own | {"PATH": search_path(apart), "HOME": str(home), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    home: Path,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    version_argv: Sequence[str] | None = None,
    apart: Path | None = None,
) -> Ran:
    """Run a tool to its end. Its environment holds no variable of ours but the path, language and time zone.

    Args:
        argv: The command.
        cwd: Where it runs.
        home: Its HOME, so that it reads no settings of the user.
        timeout_s: Seconds after which it is killed; its children end with the probe.
        env: Further variables.
        version_argv: Prints the version; `NAME --version` when None, not asked when empty.
        apart: The subject, when the tool must not be taken from there.

    Raises:
        NotMeasured: It is not installed, was killed for time, or printed too much.
    """
    path = found(argv[0], apart)
    if path is None:
        raise NotMeasured(f"{argv[0]} is not installed.")
    variables = environ(home, apart) | dict(env or {})
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
            exit_code = _ended(child, timeout_s, name, out, err)
        finally:
            child.kill()  # what it started stays in the group of the probe's process, which the runner kills
            child.wait()
        return exit_code, _read(out, name), _read(err, name)


def _ended(child: subprocess.Popen[bytes], timeout_s: float, name: str, *outputs: IO[bytes]) -> int:
    """The exit code; a tool that prints without end is stopped long before the disk is full."""
    deadline = time.monotonic() + timeout_s
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotMeasured(f"{name} did not end within {timeout_s:.0f} s and was killed.")
        try:
            return child.wait(min(left, _LOOK_S))
        except subprocess.TimeoutExpired:
            if any(os.fstat(each.fileno()).st_size > MOST_OUTPUT_BYTES for each in outputs):
                raise NotMeasured(f"{name} printed more than {MOST_OUTPUT_BYTES} bytes and was killed.") from None


def _read(file: object, name: str) -> bytes:
    assert hasattr(file, "seek")
    assert hasattr(file, "read")
    file.seek(0)
    content = file.read(MOST_OUTPUT_BYTES + 1)
    assert isinstance(content, bytes)
    if len(content) > MOST_OUTPUT_BYTES:
        raise NotMeasured(f"{name} printed more than {MOST_OUTPUT_BYTES} bytes.")
    return content
