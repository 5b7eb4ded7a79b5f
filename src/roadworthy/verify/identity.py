"""What is verified, where, and by what: digests of the subject and of the tool, and the machine."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

from roadworthy import __version__
from roadworthy.verify import regular, tree
from roadworthy.verify.report.record import Environment, Tool
from roadworthy.verify.signing import Subject

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements.txt", "package-lock.json")
_MOST_BYTES = 64 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_REF = re.compile(r"ref: (refs/[\w./-]+)\Z")


class Identified(NamedTuple):
    """The subject's identity.

    Attributes:
        subject: Name and digests.
        entries: Files, links and special files.
        unread: Of these, what could not be read.
    """

    subject: Subject
    entries: int
    unread: int


def identified(root: Path, left_out: Collection[str], apart: Collection[Path]) -> Identified:
    """Digest the subject."""
    digest, entries, unread = tree.tree_digest(root, left_out, apart)
    digests = {"sha256": digest}
    commit = git_commit(root)
    if commit:
        digests["gitCommit"] = commit
    return Identified(Subject(name=tree.shown(root.name) or "subject", digest=digests), entries, unread)


def git_commit(root: Path) -> str | None:
    """The commit that HEAD names, read from files; git itself would act on the subject's configuration."""
    folder = root / ".git"
    try:
        if folder.is_file():  # a work tree of its own points at its part of the repository
            folder = (root / _text(folder).removeprefix("gitdir:").strip()).resolve()
        text = _text(folder / "HEAD")
        if _COMMIT.match(text):
            return text
        match = _REF.match(text)
        return _of_ref(folder, match[1]) if match else None
    except (OSError, ValueError, RuntimeError):
        return None


def _text(path: Path) -> str:
    """What stands in a file of a repository, which may be a pipe or without end."""
    return regular.read(path, _MOST_BYTES)[:_MOST_BYTES].decode("utf-8").strip()


def _of_ref(folder: Path, name: str) -> str | None:
    shared = folder / "commondir"
    common = (folder / _text(shared)).resolve() if shared.is_file() else folder
    for place in (folder, common):
        if (place / name).is_file():
            text = _text(place / name)
            return text if _COMMIT.match(text) else None
    packed = common / "packed-refs"
    if packed.is_file():
        for line in _text(packed).splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name and _COMMIT.match(commit):
                return commit
    return None


def environment(root: Path) -> Environment:
    """The machine, and the subject's lock files."""
    locks = {name: tree.file_digest(root / name) for name in LOCKS if _plain(root / name)}
    return Environment(
        os=platform.platform(), cpus=len(os.sched_getaffinity(0)), python=platform.python_version(), locks=locks
    )


def _plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


@cache
def tool() -> Tool:
    """This program, by the digest of its files."""
    package = Path(__file__).parents[1]
    return Tool(
        name="roadworthy",
        version=__version__,
        sha256=tree.tree_digest(package)[0],
        catalogue_sha256=tree.file_digest(package / "verify" / "catalogue.yaml"),
    )
