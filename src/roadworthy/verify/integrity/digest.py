"""SHA-256 of many files on all cores: threads, because hashing releases the interpreter's lock."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from roadworthy.verify.integrity.walk import Entry, Oddity, Problem

BUFFER_BYTES = 1 << 20
MOST_THREADS = 16
"""One buffer each: 16 MiB of memory whatever is hashed."""
_STEP_BYTES = 32 << 20


class Content(NamedTuple):
    """What a file held when it was read.

    Attributes:
        name: Of the entry.
        digest: SHA-256, 64 hexadecimal digits.
        size: Bytes that were hashed.
        link: Of the entry.
    """

    name: str
    digest: str
    size: int
    link: str | None = None


class Hashed(NamedTuple):
    """All contents, in the order of the entries, and the files whose content is not known."""

    contents: tuple[Content, ...]
    oddities: tuple[Oddity, ...]


class _Fault(Exception):
    """A file whose content is not known."""

    def __init__(self, problem: Problem, detail: str) -> None:
        self.problem = problem
        self.detail = detail


def hash_entries(
    entries: Sequence[Entry], *, threads: int | None = None, step: Callable[[int], None] = lambda done: None
) -> Hashed:
    """Hash files; a file that has several names is read once.

    Args:
        entries: From `walk`.
        threads: How many files at the same time; one per core when None, never more than 16.
        step: Told from any thread how many bytes were hashed since it was told last.
    """
    groups: dict[tuple[int, int], Entry] = {}
    for entry in entries:
        groups.setdefault((entry.device, entry.inode), entry)
    # The large first, so that the last thread does not begin with the largest when the others are done.
    work = _Work(sorted(groups.values(), key=lambda entry: -entry.size), step)
    number = max(1, min(threads or len(os.sched_getaffinity(0)), MOST_THREADS, len(groups)))
    with ThreadPoolExecutor(number, thread_name_prefix="hash") as pool:
        running = [pool.submit(work.run) for _ in range(number)]
        try:
            for each in running:
                each.result()
        except BaseException:
            work.stopped = True
            raise
    contents: list[Content] = []
    oddities: list[Oddity] = []
    for entry in entries:
        found = work.found[entry.device, entry.inode]
        if isinstance(found, _Fault):
            oddities.append(Oddity(found.problem, entry.name, found.detail))
        else:
            contents.append(Content(entry.name, found[0], found[1], entry.link))
    return Hashed(tuple(contents), tuple(oddities))


class _Work:
    """What the threads share."""

    def __init__(self, entries: Sequence[Entry], step: Callable[[int], None]) -> None:
        self._next: Iterator[Entry] = iter(entries)
        self._lock = threading.Lock()
        self._step = step
        self.found: dict[tuple[int, int], tuple[str, int] | _Fault] = {}
        self.stopped = False

    def run(self) -> None:
        """Hash one file after the other until none is left."""
        view = memoryview(bytearray(BUFFER_BYTES))
        while not self.stopped:
            with self._lock:
                entry = next(self._next, None)
            if entry is None:
                return
            try:
                found: tuple[str, int] | _Fault = self._hash(entry, view)
            except OSError as problem:
                found = _Fault(Problem.UNREADABLE, f"cannot be read: {problem.strerror}")
            except _Fault as fault:
                found = fault
            self.found[entry.device, entry.inode] = found

    def _hash(self, entry: Entry, view: memoryview) -> tuple[str, int]:
        # Not blocking: between the walk and now the name may have become a pipe.
        handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode) or (before.st_dev, before.st_ino) != (entry.device, entry.inode):
                raise _Fault(Problem.CHANGED_WHILE_READ, "became another file while it was read")
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            digest, size = self._read(handle, view, before.st_size)
            if _state(before) != _state(os.fstat(handle)) or size != before.st_size or _replaced(entry):
                raise _Fault(Problem.CHANGED_WHILE_READ, "changed while it was read")
            return digest, size
        finally:
            os.close(handle)

    def _read(self, handle: int, view: memoryview, expected: int) -> tuple[str, int]:
        sha256 = hashlib.sha256()
        size = told = 0
        buffers = [view]
        while count := os.readv(handle, buffers):
            sha256.update(view[:count])
            size += count
            if size > expected:
                break  # somebody appends to it; it may never end
            if size - told >= _STEP_BYTES:
                self._step(size - told)
                told = size
                if self.stopped:
                    raise _Fault(Problem.UNREADABLE, "stopped")
        self._step(size - told)
        return sha256.hexdigest(), size


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _replaced(entry: Entry) -> bool:
    """Whether the name holds another file by now: what was hashed is not what is there."""
    now = os.lstat(entry.path)
    return (now.st_dev, now.st_ino) != (entry.device, entry.inode)
