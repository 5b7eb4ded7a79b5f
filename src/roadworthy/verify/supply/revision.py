"""What git says about a work tree, without letting the repository's configuration run anything.

A repository can name programs in its configuration that `git status` starts (fsmonitor, filters, hooks) and another
work tree to look at. All of that is overridden, and submodules are compared by their commit alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from roadworthy.verify.git import environ, place

Git = Callable[[Sequence[str], Mapping[str, str]], tuple[int, bytes]]
"""Runs git with arguments and further environment; gives exit code and standard output."""


class Revision(NamedTuple):
    """A work tree and its place in history.

    Attributes:
        commit: That HEAD names; None when there is no commit yet.
        branch: That HEAD is on; None when it is detached.
        released: The branch of those asked for that holds HEAD; None when none does.
        changes: Kind (`changed`, `untracked`, `unmerged`) and name of what differs from HEAD.
        hidden: Names whose changes git was told not to see.
        tracked: How many files there are in the index.
        names: Those files.
    """

    commit: str | None
    branch: str | None
    released: str | None
    changes: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]
    tracked: int
    names: tuple[str, ...] = ()


def revision(root: Path, branches: Sequence[str], git: Git) -> Revision:
    """Ask git.

    Args:
        root: Holds `.git`.
        branches: Names of release branches; a remote's (`origin/NAME`) counts too, for detached checkouts of pipelines.
        git: Runs it.

    Raises:
        ValueError: Git refuses to answer; the message says what was asked.
    """
    ask = _Asker(root, git)
    commit = ask.maybe("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    branch = ask.maybe("symbolic-ref", "--quiet", "HEAD")
    flags = ask.rows("ls-files", "-v", "-z")
    released = None if commit is None else ask.holding(branches)
    return Revision(
        commit,
        branch.removeprefix("refs/heads/") if branch else None,
        released,
        tuple(_changes(ask.rows("status", "--porcelain=v2", "-z", "--ignore-submodules=dirty", "--no-renames"))),
        tuple(row[2:] for row in flags if row[:1].islower() or row[:1] == "S"),
        len(flags),
        tuple(row[2:] for row in flags),
    )


class _Asker:
    """Git in one work tree, with its configuration made harmless."""

    def __init__(self, root: Path, git: Git) -> None:
        self._git = git
        self._words = place(root)
        self._environ = environ()
        overrides: dict[str, str] = {}
        for key in self.rows("config", "--name-only", "-z", "--includes", "--list"):
            section, _, last = key.rpartition(".")
            if section.lower().startswith("filter.") and last.lower() in {"clean", "smudge", "process"}:
                overrides |= {key: "", f"{section}.required": "false"}
        self._environ = environ(overrides)

    def run(self, *words: str) -> tuple[int, bytes]:
        """Exit code and standard output."""
        return self._git([*self._words, *words], self._environ)

    def rows(self, *words: str) -> list[str]:
        """What is separated by zero bytes.

        Raises:
            ValueError: Git refuses.
        """
        code, output = self.run(*words)
        if code != 0:
            raise ValueError(f"git {words[0]} ended with exit code {code}")
        return [os.fsdecode(row) for row in output.split(b"\0") if row]

    def maybe(self, *words: str) -> str | None:
        """One line; None when git says that there is none.

        Raises:
            ValueError: Git refuses.
        """
        code, output = self.run(*words)
        if code not in (0, 1):
            raise ValueError(f"git {words[0]} ended with exit code {code}")
        return os.fsdecode(output).strip() or None if code == 0 else None

    def holding(self, branches: Sequence[str]) -> str | None:
        """The first of the branches in whose history HEAD is."""
        for name in branches:
            for ref in (f"refs/heads/{name}", f"refs/remotes/origin/{name}"):
                if self.run("merge-base", "--is-ancestor", "HEAD", ref)[0] == 0:
                    return name
        return None


def _changes(rows: Sequence[str]) -> list[tuple[str, str]]:
    """Rows of `git status --porcelain=v2 -z --no-renames`."""
    kinds = {"1": ("changed", 8), "u": ("unmerged", 10), "?": ("untracked", 1)}
    found = []
    for row in rows:
        kind, fields = kinds.get(row[:1], ("", 0))
        if kind:
            found.append((kind, row.split(" ", fields)[-1]))
    return found
