"""How much memory is in use: by processes of ours, and of the container or the machine. Reads /proc and /sys."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")


def resident_bytes(pids: Iterable[int], proc: Path = PROC) -> int | None:
    """Resident memory of the processes together; one that is gone counts nothing, None when none can be read.

    Args:
        pids: Process ids.
        proc: Where the system shows its processes.
    """
    found = [pages for pid in pids if (pages := _resident_pages(proc / str(pid) / "statm")) is not None]
    return sum(found) * _PAGE_BYTES if found else None


def used_fraction(proc: Path = PROC, cgroup: Path = CGROUP) -> float | None:
    """Share of the memory that is in use, 0 to 1: the container's where it has a limit, else the machine's.

    File pages that the kernel can drop are not in use. Source: kernel documentation, "Control Group v2", memory.stat;
    proc_meminfo(5), MemAvailable. None when neither is told.
    """
    try:
        limit = int((cgroup / "memory.max").read_bytes())
        used = int((cgroup / "memory.current").read_bytes())
        return max(0, used - _row(cgroup / "memory.stat", b"inactive_file ")) / limit
    except (OSError, ValueError, ZeroDivisionError):  # no container, or one without a limit (`max`)
        pass
    try:
        meminfo = proc / "meminfo"
        return 1.0 - _row(meminfo, b"MemAvailable:") / _row(meminfo, b"MemTotal:")
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _resident_pages(statm: Path) -> int | None:
    try:
        return int(statm.read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _row(file: Path, name: bytes) -> int:
    for line in file.read_bytes().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(name)
