"""A worker process for the tests: python drive_jobs.py STORE LOG AHEAD

Handlers note what they begin in LOG, one line in one write: `<milliseconds> <job> <step> <pid>`.
DRIVE_JOBS_KINDS names more kinds of job that it does like `steps`.
Its clock is AHEAD seconds ahead until SIGUSR1, then as much behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from roadworthy.core.ports import JobRun
from roadworthy.runtime.jobs.dbos_jobs import DbosJobs

AHEAD = float(sys.argv[3])
true_time = time.time
shift = [AHEAD]
if AHEAD:
    time.time = lambda: true_time() + shift[0]
LOG = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def note(run: JobRun, step: str) -> None:
    os.write(LOG, f"{true_time() * 1000:.0f} {run.id} {step} {os.getpid()}\n".encode())


def steps(run: JobRun, payload):
    """`steps` steps of `ms` milliseconds each."""

    def work(number: int) -> int:
        note(run, str(number))
        time.sleep(payload["ms"] / 1000)
        return number

    done = 0
    for number in range(payload["steps"]):
        done += run.step(f"step-{number}", lambda number=number: work(number))
    return done


def poison(run: JobRun, payload):
    """Ends its worker each time."""
    note(run, "poison")
    os.kill(os.getpid(), signal.SIGKILL)


def failing(run: JobRun, payload):
    """One good step, then one that fails until the file is there."""

    def broken() -> str:
        note(run, "broken")
        if not Path(payload["file"]).exists():
            raise ValueError("planted text of a caller")
        return "mended"

    run.step("good", lambda: note(run, "good"))
    return run.step("broken", broken, tries=payload["tries"])


def set_back(*_: object) -> None:
    shift[0] = -AHEAD


def main() -> None:
    store = sys.argv[1]
    jobs = DbosJobs(
        store if "://" in store else Path(store),
        concurrency=8,
        max_attempts=3,
        lost=lambda: os._exit(75),
    )
    more = dict.fromkeys(os.environ.get("DRIVE_JOBS_KINDS", "").split(), steps)
    jobs.start({"steps": steps, "poison": poison, "failing": failing, **more})
    stop = threading.Event()
    signal.signal(signal.SIGUSR1, set_back)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    stop.wait()
    jobs.stop(5)


main()
