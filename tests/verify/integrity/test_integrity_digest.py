"""Digests are those of hashlib, and a file that moves under the reader is never given one."""

from __future__ import annotations

import hashlib
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from roadworthy.verify.integrity.digest import BUFFER_BYTES, hash_entries
from roadworthy.verify.integrity.walk import Problem, walk

SIZES = (0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 3 * BUFFER_BYTES + 17)


@pytest.mark.parametrize("threads", [1, 2, 7, None])
def test_digests_are_those_of_hashlib(tmp_path: Path, threads: int | None) -> None:
    for size in SIZES:
        (tmp_path / f"{size}.bin").write_bytes(os.urandom(size))
    told: list[int] = []
    hashed = hash_entries(walk(tmp_path).entries, threads=threads, step=told.append)
    assert not hashed.oddities
    assert {content.name: content.digest for content in hashed.contents} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()
    }
    assert sum(told) == sum(SIZES)


def test_one_content_with_two_names_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("a")
    told: list[int] = []
    hashed = hash_entries(walk(tmp_path).entries, step=told.append)
    assert sum(told) == 5
    assert len(hashed.contents) == 3
    assert len({content.digest for content in hashed.contents}) == 1


def test_nothing_to_hash() -> None:
    assert hash_entries(()) == ((), ())


@pytest.mark.parametrize("how", ["appended", "rewritten", "replaced", "truncated", "pipe", "gone"])
def test_a_file_that_changes_while_it_is_read_is_told(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"x" * (2 * BUFFER_BYTES))
    entries = walk(tmp_path).entries
    real, done = os.readv, threading.Event()

    def readv(handle: int, buffers: list[memoryview]) -> int:
        count = real(handle, buffers)
        if not done.is_set():
            done.set()
            _meddle(path, how)
        return count

    if how in {"pipe", "gone"}:
        _meddle(path, how)
    else:
        monkeypatch.setattr(os, "readv", readv)
    hashed = hash_entries(entries, threads=1)
    assert not hashed.contents
    (odd,) = hashed.oddities
    assert odd.problem is (Problem.UNREADABLE if how == "gone" else Problem.CHANGED_WHILE_READ)
    assert odd.name == "model.bin"


def _meddle(path: Path, how: str) -> None:
    if how == "appended":
        with path.open("ab") as file:
            file.write(b"y" * BUFFER_BYTES)
    elif how == "rewritten":
        with path.open("r+b") as file:
            file.write(b"z")
        os.utime(path, ns=(1, 1))
    elif how == "truncated":
        os.truncate(path, BUFFER_BYTES)
    elif how == "replaced":
        other = path.with_suffix(".new")
        other.write_bytes(path.read_bytes())
        other.replace(path)
    else:
        path.unlink()
        if how == "pipe":
            os.mkfifo(path)


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    for number in range(4):
        with (tmp_path / f"{number}.bin").open("wb") as file:
            file.truncate(40 << 20)
    entries = walk(tmp_path).entries
    tracemalloc.start()
    try:
        hash_entries(entries, threads=4)
        assert tracemalloc.get_traced_memory()[1] < 4 * BUFFER_BYTES + (1 << 20)
    finally:
        tracemalloc.stop()
