"""A child process for supervisor tests. `stub_child DIRECTORY NAME [BEHAVIOUR] [--settings-fd N]`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("directory", type=Path)
parser.add_argument("name")
parser.add_argument("behaviour", nargs="?", default="obey", choices=["obey", "crash", "stubborn", "drain"])
parser.add_argument("--settings-fd", type=int)
arguments = parser.parse_args()


def note(line: str) -> None:
    with (arguments.directory / f"{arguments.name}.log").open("a") as log:
        log.write(line + "\n")


def stop(number: int, frame: object) -> None:
    if arguments.behaviour == "stubborn":
        return
    if arguments.behaviour == "drain":
        time.sleep(0.3)
    note("stopped")
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
if arguments.settings_fd is not None:
    with open(arguments.settings_fd, "rb") as pipe:
        note(f"settings {len(pipe.read())}")
note(f"pid {os.getpid()}")
if arguments.behaviour == "crash":
    sys.exit(3)
while True:
    time.sleep(60)
