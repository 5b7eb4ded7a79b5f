"""Ends what a test run left behind, in whatever session it hides: it is known by a variable in its environment."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def end(variable: str, value: str, proc: Path = Path("/proc")) -> int:
    """Kill every process of ours whose environment holds the variable with this value.

    A process that was given another environment is not found.

    Args:
        variable: Name that only the test run was given.
        value: Unique to the run.
        proc: Where the kernel shows processes.

    Returns:
        How many were killed.
    """
    mark = f"{variable}={value}".encode()
    found = 0
    for folder in proc.iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                found += 1
    return found
