"""The class of a machine, so that only what was timed on the same one is compared, and how fast it was just then."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

from roadworthy.verify.outcome import Record

_CPU = Path("/proc/cpuinfo")
_MEMORY = Path("/proc/meminfo")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_BOUND = Path("/sys/fs/cgroup/memory.max")
_PIECES = 40
_KIB_PER_GIB = 1 << 20


class Machine(Record, frozen=True):
    """What machines of one class have in common.

    Attributes:
        cpu: Architecture and model.
        cores: That this process may use, a quota of its control group included.
        memory_gib: Rounded: to 1 GiB up to 16, to 4 above; a bound of the control group included.
        os: Name and version of the distribution, name of the kernel with the first two numbers of its version.
        python: Implementation with the first two numbers of its version.
    """

    cpu: str
    cores: float
    memory_gib: int
    os: str
    python: str

    def differs_in(self, other: Machine) -> list[str]:
        """What makes two machines of another class: each part with both values."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in self.__struct_fields__)
        return [f"{name} was {before} and is {now}" for name, before, now in pairs if before != now]


def machine() -> Machine:
    """The machine that this process runs on."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").is_file() else {}
    kernel = ".".join(platform.release().split(".")[:2])
    return Machine(
        cpu=f"{platform.machine()} {_field(_CPU, 'model name') or platform.processor() or 'unknown'}",
        cores=_cores(),
        memory_gib=_memory_gib(),
        os=f"{release.get('ID', '')} {release.get('VERSION_ID', '')} {platform.system()} {kernel}".strip(),
        python=f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}",
    )


def pace(pieces: int = _PIECES) -> list[float]:
    """Seconds for each of some equal pieces of work that no version of the product changes.

    They say how fast the machine was in this moment, its neighbours included. A piece takes some milliseconds.
    """
    told, found = {f"field {at}": [at, at / 7, "word " * 8] for at in range(300)}, []
    for _ in range(pieces):
        begin = time.perf_counter()
        for _ in range(4):
            json.loads(json.dumps(told))
        found.append(round(time.perf_counter() - begin, 7))
    return found


def _cores() -> float:
    cores = float(len(os.sched_getaffinity(0)))
    quota, _, period = _text(_QUOTA).partition(" ")
    if quota.isdecimal() and period.strip().isdecimal():
        cores = min(cores, round(int(quota) / int(period), 2))
    return cores


def _memory_gib() -> int:
    known = _field(_MEMORY, "MemTotal").removesuffix(" kB")
    gib = int(known) / _KIB_PER_GIB if known.isdecimal() else 0.0
    bound = _text(_BOUND).strip()
    if bound.isdecimal() and gib:
        gib = min(gib, int(bound) / _KIB_PER_GIB / 1024)
    return round(gib) if gib <= 16 else round(gib / 4) * 4


def _field(path: Path, name: str) -> str:
    for line in _text(path).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # another system: what it would have said is told as unknown
