"""Closes this process to others of the same user: its memory and its pipes, through which a result could be forged.

The tests of a subject run as the user who runs the inspection. Without privileges they cannot open `/proc/PID/mem` and
`/proc/PID/fd` of a process that was closed so; root can open anything.
"""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def close_to_others() -> bool:
    """Ask the kernel (prctl(2), Linux); programs that are started from here are open again.

    Returns:
        Whether it was done; False on systems without it.
    """
    if not sys.platform.startswith("linux"):
        return False
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl is not None and prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
