"""Every text that was ever committed, each once, without checking anything out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from roadworthy.verify import tool
from roadworthy.verify.git import environ, place
from roadworthy.verify.outcome import NotMeasured

MOST_BLOB_BYTES = 64 << 20


class Blob(NamedTuple):
    """The content of a file of some commit.

    Attributes:
        id: Of the object.
        name: A path under which it was committed.
        content: None when it is larger than `MOST_BLOB_BYTES` or not there, as in a partial clone.
    """

    id: str
    name: str
    content: bytes | None


def committed(root: Path) -> dict[str, str]:
    """Object and path of every blob that a branch, a tag, a stash or HEAD reaches.

    Raises:
        NotMeasured: Git is not installed, or refuses.
    """
    listed = _output(root, "rev-list", "--objects", "--all", "HEAD", "--")
    rows = (row.partition(b" ") for row in listed.splitlines())
    return {object_id.decode("ascii"): os.fsdecode(name) for object_id, _, name in rows if name}


def object_ids(content: bytes) -> tuple[str, str]:
    """The names under which git keeps a content, in repositories of SHA-1 and of SHA-256."""
    whole = b"blob %d\0" % len(content) + content
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest(), hashlib.sha256(whole).hexdigest()


def blobs(root: Path, wanted: Sequence[str], names: dict[str, str]) -> Iterator[Blob]:
    """The contents of objects, one after the other; trees are left out.

    Args:
        root: Holds `.git`.
        wanted: Ids.
        names: Path by id.

    Raises:
        NotMeasured: Git ended too early.
    """
    with tempfile.TemporaryFile() as asked:
        asked.write("".join(f"{object_id}\n" for object_id in wanted).encode("ascii"))
        asked.seek(0)
        child = _started(root, ("cat-file", "--batch", "--buffer"), asked)
        assert child.stdout is not None
        try:
            for object_id in wanted:
                kind, content = _one(child.stdout)
                if kind != b"tree":
                    yield Blob(object_id, names.get(object_id, ""), content)
        finally:
            child.stdout.close()
            child.kill()
            child.wait()


def _one(stream: IO[bytes]) -> tuple[bytes, bytes | None]:
    words = stream.readline().split()
    if len(words) == 2:
        return words[1], None  # missing: a partial clone, or a damaged repository
    if len(words) != 3:
        raise NotMeasured("git cat-file ended before it had told every object.")
    size = int(words[2])
    if size > MOST_BLOB_BYTES:
        left = size
        while left:
            piece = stream.read(min(left, 1 << 20))
            if not piece:
                raise NotMeasured("git cat-file ended in the middle of an object.")
            left -= len(piece)
        content = None
    else:
        content = stream.read(size)
        if len(content) != size:
            raise NotMeasured("git cat-file ended in the middle of an object.")
    stream.read(1)
    return words[1], content


def _output(root: Path, *words: str) -> bytes:
    with tempfile.TemporaryFile() as nothing:
        child = _started(root, words, nothing)
        output, _ = child.communicate()
    if child.returncode != 0:
        raise NotMeasured(f"git {words[0]} ended with exit code {child.returncode}.")
    return output


def _started(root: Path, words: Sequence[str], asked: IO[bytes]) -> subprocess.Popen[bytes]:
    git = tool.found("git", root)
    if git is None:
        raise NotMeasured("git is not installed.")
    command = [git, *place(root), *words]
    variables = {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ} | environ()
    variables["PATH"] = tool.search_path(root)
    try:
        return subprocess.Popen(  # noqa: S603  our own words; these commands start nothing that a repository names
            command, cwd=root, env=variables, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as problem:
        raise NotMeasured(f"git cannot be started: {problem.strerror}.") from None
