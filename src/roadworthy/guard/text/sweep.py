"""Looks through files and folders for personal data and secrets, on all cores."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import SubjectError
from roadworthy.guard.text.document import Place, look_through
from roadworthy.guard.text.kind import SECRETS, Kind
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.executor import Executor

SKIPPED_FOLDERS = frozenset((".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache"))


class Swept(NamedTuple):
    """What was found in one file.

    Attributes:
        path: As it was named or met.
        places: Findings, in order.
        unread: Why the file could not be looked into; None when it was.
        binary: Whether the reason is that it is no text.
    """

    path: str
    places: tuple[Place, ...]
    unread: str | None = None
    binary: bool = False


class Job(NamedTuple):
    """One file, and what to look for in it."""

    path: str
    secrets_only: bool


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """Every file under the paths in order of their names, without folders that hold no work of one's own.

    Symbolic links to folders are not followed.

    Raises:
        SubjectError: A path is not there.
    """
    for path in paths:
        if not path.exists():
            raise SubjectError(f"{path} is not there.")
        if not path.is_dir():
            yield path
            continue
        for folder, below, names in os.walk(path):
            below[:] = sorted(name for name in below if name not in SKIPPED_FOLDERS)
            for name in sorted(names):
                found = Path(folder) / name
                if found.is_file():
                    yield found


def sweep(paths: Sequence[Path], executor: Executor, *, secrets_only: bool = False) -> Iterator[Swept]:
    """Look through files.

    Args:
        paths: Files; see `files` for folders.
        executor: Where the work is done.
        secrets_only: Whether personal data is left out.
    """
    return executor.map(sweep_file, [Job(str(path), secrets_only) for path in paths])


def sweep_file(job: Job) -> Swept:
    """Look through one file; one that cannot be read is told as such, never as clean."""
    try:
        places = look_through(Path(job.path), _masker())
    except SubjectError as error:
        return Swept(job.path, (), str(error), "binary" in error.what)
    return Swept(job.path, tuple(place for place in places if _wanted(place.kind, job.secrets_only)))


def _wanted(kind: Kind, secrets_only: bool) -> bool:
    return not secrets_only or kind in SECRETS


@cache
def _masker() -> TextMasker:
    """One for each process: compiling the rules costs more than most files."""
    return TextMasker()
