"""What several probes of one run need is made once; the others wait for it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify.probe import Context

FOLDER = "shared"


def once(context: Context, name: str, make: Callable[[], bytes]) -> bytes:
    """Bytes that the first probe of this run which asks for them makes.

    Args:
        context: Of the probe.
        name: What they are.
        make: Makes them; what it raises goes to the caller, and the next one tries again.
    """
    base = (context.out or context.scratch) / FOLDER
    run = f"{os.getppid()}-{_begun(os.getppid())}"
    folder = base / run
    folder.mkdir(parents=True, exist_ok=True)
    for other in base.iterdir():
        if other.name != run:
            shutil.rmtree(other, ignore_errors=True)
    file = folder / name
    with (folder / f"{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.is_file():
            return file.read_bytes()
        made = make()
        with replacing(file) as part:
            part.write(made)
        return made


def _begun(pid: int) -> str:
    """When a process was started, in the kernel's ticks, so that a number used again is not the same run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"
