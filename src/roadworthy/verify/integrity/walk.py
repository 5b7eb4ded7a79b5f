"""Every file below a folder of models, as something that loads them would see it.

Unlike the walk over the subject's source (`verify.tree`) nothing is left out, and links are followed while they stay
inside: a cache of models is links to blobs. What cannot be taken as a file is told as a problem, never left out in
silence.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Collection, Iterable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import SubjectError

MOST_ENTRIES = 2_000_000
"""Links to folders can multiply what is there; beyond this nobody has so many files."""


class Problem(StrEnum):
    """Why something below the root is not plainly a file."""

    LINK_OUTSIDE = "link_outside"
    LINK_BROKEN = "link_broken"
    LINK_LOOP = "link_loop"
    SPECIAL = "special"
    NAME_NOT_UTF8 = "name_not_utf8"
    CASE_CLASH = "case_clash"
    NAME_UNUSUAL = "name_unusual"
    UNREADABLE = "unreadable"
    CHANGED_WHILE_READ = "changed_while_read"


UNKNOWN = frozenset((Problem.UNREADABLE, Problem.CHANGED_WHILE_READ))
"""After these the content is not known."""
HARMLESS = frozenset((Problem.NAME_UNUSUAL,))
"""These are told and judge nothing."""
_SPECIAL = {
    stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


class Oddity(NamedTuple):
    """A problem with one name.

    Attributes:
        problem: Which.
        name: Relative to the root, with `/`; surrogates stand for bytes that are no UTF-8.
        detail: One clause for people, safe to show.
        folder: Whether everything below the name is concerned.
    """

    problem: Problem
    name: str
    detail: str
    folder: bool = False


class Entry(NamedTuple):
    """A regular file.

    Attributes:
        name: Relative to the root, with `/`.
        path: Where to open it; no link.
        size: Bytes, when it was met.
        device: With `inode` it is this file and no other.
        inode: See `device`.
        link: The text of the link when the name itself is one, else None.
    """

    name: str
    path: str
    size: int
    device: int
    inode: int
    link: str | None = None


class Walked(NamedTuple):
    """What is below a root.

    Attributes:
        entries: Files, by name.
        oddities: Everything else worth telling, by name.
    """

    entries: tuple[Entry, ...]
    oddities: tuple[Oddity, ...]


def walk(root: Path, apart: Collection[Path] = ()) -> Walked:
    """All files below a folder; a file stands for itself.

    Args:
        root: The folder; may itself be a link.
        apart: Files that do not count, such as the manifest itself.

    Raises:
        SubjectError: `subject_unreadable`: the root is not there or cannot be listed, or holds too many names.
    """
    real = os.path.realpath(root)
    try:
        status = os.stat(real)
        if stat.S_ISREG(status.st_mode):
            name = os.path.basename(real)
            return Walked((Entry(name, real, status.st_size, status.st_dev, status.st_ino),), ())
        os.scandir(real).close()
    except OSError as problem:
        raise SubjectError("The folder of the files cannot be listed.", f"{problem.strerror}.") from None
    walker = _Walker(real, frozenset(os.path.realpath(path) for path in apart))
    walker.folder(real, "", ((status.st_dev, status.st_ino),))
    entries = sorted(walker.entries, key=lambda entry: os.fsencode(entry.name))
    oddities = [*walker.oddities, *_odd_names(entry.name for entry in entries)]
    return Walked(tuple(entries), tuple(sorted(oddities, key=lambda odd: (os.fsencode(odd.name), odd.problem))))


class _Walker:
    """Goes through folders depth first with a stack of its own: depth has no bound."""

    def __init__(self, root: str, apart: frozenset[str]) -> None:
        self._root = root
        self._apart = apart
        self._met = 0
        self.entries: list[Entry] = []
        self.oddities: list[Oddity] = []

    def folder(self, path: str, prefix: str, chain: tuple[tuple[int, int], ...]) -> None:
        """Take in a folder and all below it; `chain` are the folders above, to know a loop."""
        waiting = [(path, prefix, chain)]
        while waiting:
            path, prefix, chain = waiting.pop()
            try:
                with os.scandir(path) as listed:
                    found = sorted(listed, key=lambda entry: os.fsencode(entry.name))
            except OSError as problem:
                self._odd(Problem.UNREADABLE, prefix.rstrip("/"), f"cannot be listed: {problem.strerror}", folder=True)
                continue
            for entry in found:
                name = prefix + entry.name
                self._met += 1
                if self._met > MOST_ENTRIES:
                    raise SubjectError("There are too many names.", f"More than {MOST_ENTRIES:,} were met.")
                below = self._one(entry, name, chain)
                if below is not None:
                    waiting.append((below[0], f"{name}/", (*chain, below[1])))

    def _one(
        self, entry: os.DirEntry[str], name: str, chain: tuple[tuple[int, int], ...]
    ) -> tuple[str, tuple[int, int]] | None:
        """Keep a file, tell a problem, or return a folder that is to be entered."""
        try:
            if entry.is_symlink():
                return self._link(entry.path, name, chain)
            status = os.lstat(entry.path)
        except OSError as problem:
            self._odd(Problem.UNREADABLE, name, f"{problem.strerror}")
            return None
        return self._kept(entry.path, name, status, None)

    def _link(self, path: str, name: str, chain: tuple[tuple[int, int], ...]) -> tuple[str, tuple[int, int]] | None:
        text = os.readlink(path)
        try:
            real = os.path.realpath(path, strict=True)
            status = os.lstat(real)
        except OSError as problem:
            away = self._leaves(os.path.realpath(path))
            kind = Problem.LINK_OUTSIDE if away else Problem.LINK_BROKEN
            detail = "a link that leads out of the root" if away else f"a link to nothing: {problem.strerror}"
            self._odd(kind, name, detail)
            return None
        if self._leaves(real):
            self._odd(Problem.LINK_OUTSIDE, name, "a link that leads out of the root")
            return None
        if (status.st_dev, status.st_ino) in chain:
            self._odd(Problem.LINK_LOOP, name, "a link to a folder above it")
            return None
        return self._kept(real, name, status, text)

    def _kept(
        self, path: str, name: str, status: os.stat_result, link: str | None
    ) -> tuple[str, tuple[int, int]] | None:
        identity = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(status.st_mode):
            return path, identity
        if not stat.S_ISREG(status.st_mode):
            kind = _SPECIAL.get(stat.S_IFMT(status.st_mode), "no regular file")
            self._odd(Problem.SPECIAL, name, f"{kind}; never opened")
        elif path not in self._apart:
            self.entries.append(Entry(name, path, status.st_size, *identity, link))
        return None

    def _leaves(self, real: str) -> bool:
        return os.path.commonpath((real, self._root)) != self._root

    def _odd(self, problem: Problem, name: str, detail: str, *, folder: bool = False) -> None:
        self.oddities.append(Oddity(problem, name, detail, folder))


def _odd_names(names: Iterable[str]) -> list[Oddity]:
    """Names that mean something else on another machine."""
    odd: list[Oddity] = []
    seen: dict[str, str] = {}
    for name in names:
        if any("\udc80" <= char <= "\udcff" for char in name):
            odd.append(Oddity(Problem.NAME_NOT_UTF8, name, "the name is no UTF-8"))
            continue
        if not name.isprintable() or "\\" in name:
            odd.append(Oddity(Problem.NAME_UNUSUAL, name, "the name holds a control character or a backslash"))
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        other = seen.setdefault(folded, name)
        if other != name:
            odd.append(Oddity(Problem.CASE_CLASH, name, "differs from another name by case or composition alone"))
    return odd
