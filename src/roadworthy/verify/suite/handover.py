"""Hands the one run of the tests from the check that ran them to the checks that read it, within one inspection."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context

_START_S = 20.0
_STEP_S = 0.1


@contextmanager
def giving(context: Context) -> Iterator[Path]:
    """A folder for the results; who waits for it is let in when this block, or this process, ends."""
    folder = _folder(context)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def taken(context: Context, name: str) -> bytes:
    """A result of this inspection's run of the tests; waits for its end.

    Raises:
        NotMeasured: The tests did not run in this inspection, or left no such result.
    """
    folder = _folder(context)
    begun = time.monotonic()
    while not (folder / "lock").exists():
        if time.monotonic() - begun > min(_START_S, context.remaining_s() - 1.0):
            raise NotMeasured("The tests (QUA-01) were not run in this inspection.")
        time.sleep(_STEP_S)
    with (folder / "lock").open("r") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if context.remaining_s() < 2.0:
                    raise NotMeasured("The tests (QUA-01) did not end in time.") from None
                time.sleep(_STEP_S)
    try:
        return (folder / name).read_bytes()
    except OSError:
        raise NotMeasured("The tests (QUA-01) did not come to an end that can be read.") from None


def _folder(context: Context) -> Path:
    """One per inspection: named by the runner's process and its start, so that nothing older is taken."""
    if context.out is None:
        raise NotMeasured("There is no folder to hand results over in.")
    runner = os.getppid()
    started = Path(f"/proc/{runner}/stat").read_text().rpartition(")")[2].split()[19]
    return context.out / "suite" / f"{runner}-{started}"
