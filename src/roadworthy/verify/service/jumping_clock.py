"""Runs a program whose wall clock can be set from outside: `FILE` holds a double, the seconds that it is off.

    python -P jumping_clock.py FILE -m MODULE ARGUMENTS...
    python -P jumping_clock.py FILE SCRIPT ARGUMENTS...

It is run as a script, before anything of the product is imported, because names that were imported from `time` stay
what they were. `time.monotonic` is left alone, as on a machine whose clock is set; `datetime.now()` asks the system and
is not reached.
"""

from __future__ import annotations

import mmap
import os
import runpy
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn


def _of_now(split: Callable[[float], time.struct_time]) -> Callable[..., time.struct_time]:
    def of_now(seconds: float | None = None) -> time.struct_time:
        return split(time.time() if seconds is None else seconds)

    return of_now


def _stay_in_the_way(file: str) -> None:
    """A Python that takes this process's place gets the same clock."""
    become = os.execv

    def execv(path: Any, words: Any) -> NoReturn:
        become(path, [words[0], "-P", __file__, file, *words[1:]])

    os.execv = execv


def main(words: list[str]) -> None:
    """Put the clock in the way, then be the program."""
    file, *rest = words
    _stay_in_the_way(file)
    with open(file, "rb") as held:
        view = mmap.mmap(held.fileno(), 8, access=mmap.ACCESS_READ)
    off, wall, wall_ns = struct.Struct("<d").unpack_from, time.time, time.time_ns
    time.time = lambda: wall() + off(view)[0]
    time.time_ns = lambda: wall_ns() + int(off(view)[0] * 1e9)
    for name in ("gmtime", "localtime"):
        setattr(time, name, _of_now(getattr(time, name)))
    rest = rest[1:] if rest[0] == "-P" else rest
    if rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = rest
        runpy.run_path(rest[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
