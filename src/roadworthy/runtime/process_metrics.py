"""What the operating system says about this process."""

from __future__ import annotations

import os
import time
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def process_values() -> dict[str, float]:
    """Memory, CPU time and file descriptors by metric name; what the system does not tell is left out."""
    values = {"process_cpu_seconds_total": time.process_time()}
    try:
        resident = int(Path("/proc/self/statm").read_bytes().split()[1])
        values["process_resident_memory_bytes"] = float(resident * _PAGE_BYTES)
        # the descriptor of the listing itself is not counted
        values["process_open_fds"] = float(len(os.listdir("/proc/self/fd")) - 1)
    except OSError:  # no /proc on this system
        return values
    limit = os.sysconf("SC_OPEN_MAX")
    if limit > 0:
        values["process_max_fds"] = float(limit)
    return values
