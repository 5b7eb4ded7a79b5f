"""Files and folders: each file judged in a process of its own pool, in one order, and nothing outside of the root."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roadworthy.runtime.executor import Executor
from roadworthy.verify.artifact.dispatch import Surroundings, judge_source
from roadworthy.verify.artifact.inspection import Inspection, Limits
from roadworthy.verify.artifact.record import FileReport, Verdict
from roadworthy.verify.artifact.source import FileSource


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is to be judged.

    Args:
        path: As it is shown.
        root: Folder that it must lie in after links are followed, None for a file that was named itself.
        trouble: Why it cannot be judged, when the walk over the folder already knows.
        limits: Budgets of the file.
    """

    path: str
    root: str | None = None
    trouble: tuple[str, str] | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def size(self) -> int:
        """Bytes, for progress alone; 0 when unknown."""
        try:
            return os.stat(self.path).st_size
        except (OSError, ValueError):
            return 0


def find(paths: Sequence[Path], limits: Limits | None = None) -> list[Found]:
    """Every file that is named, or lies below a folder that is named; each once, folders in the order of bytes.

    Links are not followed into folders. What cannot be looked into is in the list as well, with its trouble.
    """
    given = limits or Limits()
    found: dict[str, Found] = {}
    for path in paths:
        if path.is_dir():
            root = os.path.realpath(path)
            for each in _below(os.fspath(path), root, given):
                found.setdefault(each.path, each)
        else:
            found.setdefault(os.fspath(path), Found(os.fspath(path), None, None, given))
    return list(found.values())


def _below(folder: str, root: str, limits: Limits) -> Iterator[Found]:
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield Found(here, root, ("file.unreadable", f"The folder cannot be read: {error.strerror}."), limits)
            continue
        folders = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_symlink() and _is_folder(entry):
                inside = _inside(os.path.realpath(entry.path), root)
                if not inside:
                    yield Found(entry.path, root, ("file.link", "It is a link to a folder outside."), limits)
            else:
                yield Found(entry.path, root, None, limits)
        pending += reversed(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def scan(found: Sequence[Found], executor: Executor) -> Iterator[FileReport]:
    """Reports in the order of the files.

    Raises:
        SubjectError: `subject_unreadable`: a process was killed.
    """
    return executor.map(judge_file, found)


def judge_file(found: Found) -> FileReport:
    """Judge one file. It is opened for reading, never executed, and never through a link that leaves the root."""
    inspection = Inspection(found.limits)
    size = None
    if found.trouble is not None:
        inspection.find(*found.trouble)
    else:
        size = _judge_path(found, inspection)
    return FileReport(found.path, inspection.verdict, inspection.formats, inspection.reasons, size)


def _judge_path(found: Found, inspection: Inspection) -> int | None:
    try:
        real = os.path.realpath(found.path, strict=True)
        if found.root is not None and not _inside(real, found.root):
            inspection.find("file.link", "It is a link that leaves the folder that is scanned.")
            return None
        # Not following and not blocking: what was a file a moment ago may be a link or a pipe now.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        rule = "file.link" if os.path.islink(found.path) else "file.unreadable"
        if rule == "file.unreadable" and _is_special(found.path):
            rule = "file.special"
        inspection.find(rule, f"It cannot be opened: {getattr(error, 'strerror', None) or 'its name is not valid'}.")
        return None
    try:
        return _judge_open(found, descriptor, inspection)
    finally:
        os.close(descriptor)


def _is_special(path: str) -> bool:
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _judge_open(found: Found, descriptor: int, inspection: Inspection) -> int | None:
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        inspection.find("file.special", "It is no ordinary file: a pipe, a socket or a device.")
        return None
    source = FileSource(descriptor)
    try:
        judge_source(source, inspection, Surroundings(os.path.basename(found.path)))
    except OSError as error:
        inspection.find("file.unreadable", f"It cannot be read: {error.strerror or 'input/output error'}.")
    if os.fstat(descriptor).st_mtime_ns != about.st_mtime_ns or os.fstat(descriptor).st_size != about.st_size:
        inspection.find("file.unreadable", "It changed while it was read.")
    return about.st_size


def summary(reports: Sequence[FileReport]) -> dict[str, int]:
    """How many files there are, and how many of each verdict."""
    counted = Counter(report.verdict for report in reports)
    return {"files": len(reports), **{verdict.value: counted[verdict] for verdict in Verdict}}
