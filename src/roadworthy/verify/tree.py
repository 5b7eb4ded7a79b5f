"""The subject's files: walked in a fixed order, never through a link, never out of the root; and their digest."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from roadworthy.verify.outcome import Record

LEFT_OUT = (
    ".git", ".hg", ".svn", ".venv", "venv", "__pycache__", "node_modules", ".roadworthy", ".tox", ".nox",
    ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache",
)  # fmt: skip
"""Folders of these names belong to tools, not to the subject."""
MOST_COUNTED = 100_000
_PIECE = 1 << 20


class Node(NamedTuple):
    """One entry of the tree.

    Attributes:
        path: To open it.
        name: Relative to the root, with `/`, as the file system gave it (surrogates for invalid UTF-8).
        kind: `file`, `link`, `other` (socket, device, pipe) or `unreadable` (a folder that cannot be listed).
        size: Bytes; 0 for what is no file.
        executable: Whether its owner may execute it.
    """

    path: Path
    name: str
    kind: str
    size: int
    executable: bool = False


def walk(root: Path, left_out: Collection[str] = LEFT_OUT, apart: Collection[Path] = ()) -> Iterator[Node]:
    """Every file, link and special file below a folder, by name; links are told, not followed.

    Args:
        root: The subject.
        left_out: Names of folders that are not entered.
        apart: Paths (resolved) that are not entered either, such as our own output.
    """
    stack = [(root, "")]
    while stack:
        folder, prefix = stack.pop()
        try:
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: os.fsencode(entry.name))
        except OSError:
            yield Node(folder, prefix.rstrip("/") or ".", "unreadable", 0)
            continue
        below: list[tuple[Path, str]] = []
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in left_out and path not in apart:
                    below.append((path, f"{prefix}{entry.name}/"))
            elif path not in apart:
                yield _node(entry, path, prefix + entry.name)
        stack.extend(reversed(below))


def _node(entry: os.DirEntry[str], path: Path, name: str) -> Node:
    if entry.is_symlink():
        return Node(path, name, "link", 0)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return Node(path, name, "unreadable", 0)
    kind = "file" if stat.S_ISREG(status.st_mode) else "other"
    return Node(path, name, kind, status.st_size, bool(status.st_mode & stat.S_IXUSR))


class Apart(Record, frozen=True):
    """A folder that is no part of the subject.

    Attributes:
        name: Relative to the root, escaped.
        files: How many files, links and special files it holds; at most `MOST_COUNTED` are counted.
    """

    name: str
    files: int


def not_walked(root: Path, left_out: Collection[str] = LEFT_OUT, apart: Collection[Path] = ()) -> list[Apart]:
    """The folders that `walk` does not enter, for readers: what lies there was not looked at, whatever it is.

    Args:
        root: The subject.
        left_out: As for `walk`.
        apart: As for `walk`.
    """
    found: list[Apart] = []
    stack = [(root, "")]
    while stack:
        folder, prefix = stack.pop()
        for entry in _folders(folder):
            path, name = folder / entry, prefix + entry
            if entry in left_out or path in apart:
                files = sum(1 for _ in islice(walk(path, (), ()), MOST_COUNTED))
                found += [Apart(name=shown(name), files=files)] if files else []
            else:
                stack.append((path, f"{name}/"))
    return sorted(found, key=lambda each: (-each.files, each.name))


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as listed:
            return [entry.name for entry in listed if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def tree_digest(root: Path, left_out: Collection[str] = LEFT_OUT, apart: Collection[Path] = ()) -> tuple[str, int, int]:
    """SHA-256 over the names, kinds and contents of the subject: the same bytes give the same digest everywhere.

    Each entry adds one line `KIND X SHA256 LENGTH-OF-NAME NAME\\n` in the order of names; a link adds the hash of its
    target's text, what cannot be read adds `unreadable` in the place of the hash.

    Returns:
        The digest in hexadecimal digits, the number of entries, and how many could not be read.
    """
    lines: list[tuple[bytes, bytes]] = []
    unread = 0
    for node in walk(root, left_out, apart):
        digest = _content(node)
        unread += digest == "unreadable"
        name = os.fsencode(node.name)
        mark = "x" if node.executable else "-"
        lines.append((name, f"{node.kind} {mark} {digest} {len(name)} ".encode() + name + b"\n"))
    whole = hashlib.sha256(b"".join(line for _, line in sorted(lines)))
    return whole.hexdigest(), len(lines), unread


def _content(node: Node) -> str:
    try:
        if node.kind == "link":
            return hashlib.sha256(os.fsencode(os.readlink(node.path))).hexdigest()
        if node.kind == "file":
            return file_digest(node.path)
    except OSError:
        return "unreadable"
    return "unreadable" if node.kind == "unreadable" else "-"


def file_digest(path: Path) -> str:
    """SHA-256 of a file that is no link, read in pieces.

    Raises:
        OSError: It cannot be read, or it is a link, a pipe, a device.
    """
    found = hashlib.sha256()
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "It is no plain file")
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def inside(root: Path, name: str) -> Path | None:
    """The path of a name below the root; None when it would lead out of it, through links or by itself."""
    try:
        path = (root / name).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path.is_relative_to(root.resolve()) else None


def shown(name: str | bytes | Path) -> str:
    """A name that is safe to show: control characters, line ends and invalid UTF-8 are escaped."""
    text = os.fsdecode(name) if not isinstance(name, str) else name
    return "".join(char if char.isprintable() and char != "\\" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
