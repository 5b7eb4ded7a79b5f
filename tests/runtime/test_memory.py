"""Memory readings from files as Linux writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roadworthy.runtime.memory import resident_bytes, used_fraction

PAGE = os.sysconf("SC_PAGE_SIZE")


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_dot_", ".")).write_text(text)
    return folder


def test_resident_bytes_of_the_living(tmp_path: Path) -> None:
    write(tmp_path / "7", statm="900 30 1 1 0 1 0\n")
    write(tmp_path / "8", statm="900 12 1 1 0 1 0\n")
    write(tmp_path / "9", statm="")
    assert resident_bytes([7, 8, 9, 10], tmp_path) == 42 * PAGE
    assert resident_bytes([10], tmp_path) is None
    own = resident_bytes([os.getpid()])
    assert own is None or own > 1_000_000


@pytest.mark.parametrize(
    ("files", "fraction"),
    [
        ({"memory_dot_max": "1000\n", "memory_dot_current": "900\n", "memory_dot_stat": "inactive_file 100\n"}, 0.8),
        ({"memory_dot_max": "max\n", "memory_dot_current": "900\n", "memory_dot_stat": "inactive_file 1\n"}, 0.75),
        ({}, 0.75),
    ],
)
def test_the_container_counts_before_the_machine(tmp_path: Path, files: dict[str, str], fraction: float) -> None:
    proc = write(tmp_path / "proc", meminfo="MemTotal:  4000 kB\nMemFree: 1 kB\nMemAvailable:  1000 kB\n")
    assert used_fraction(proc, write(tmp_path / "cgroup", **files)) == pytest.approx(fraction)


def test_what_nobody_tells_is_unknown(tmp_path: Path) -> None:
    assert used_fraction(tmp_path, tmp_path) is None
    write(tmp_path, meminfo="MemTotal: 0 kB\nMemAvailable: 0 kB\n")
    assert used_fraction(tmp_path, tmp_path) is None
