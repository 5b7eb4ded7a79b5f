"""Lock files of Python projects: everything that gets installed is named with the hash of its content."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from roadworthy.verify.supply.fault import Fault

MOST_BYTES = 64 << 20
_HASH = re.compile(r"--hash[= ](?:sha256|sha384|sha512):[0-9a-f]{64,128}\b")
_GIT_COMMIT = re.compile(r"#?[0-9a-f]{40}\b")
_REQUIREMENTS = re.compile(r"(?:^|/)(?:requirements|constraints)[^/]*\.txt\Z|(?:^|/)requirements/[^/]+\.txt\Z")
_OPTION = re.compile(r"-(?:-(?:index-url|extra-index-url|find-links|no-index|pre|prefer-binary|only-binary|no-binary|"
                     r"require-hashes|trusted-host|use-feature)|i|f)\b")  # fmt: skip


class Lock(NamedTuple):
    """What a lock file says.

    Attributes:
        entries: How many things it names.
        faults: What is not pinned by a hash.
    """

    entries: int
    faults: tuple[Fault, ...]


def kind(name: str) -> str:
    """Which kind of lock a file of this name is; empty when it is none."""
    last = PurePosixPath(name).name
    if last in _READERS:
        return last
    return "requirements" if _REQUIREMENTS.search(name) else ""


def locks_of_language(name: str) -> bool:
    """Whether a file of this name asks for packages and so needs a lock beside it."""
    return PurePosixPath(name).name in {"pyproject.toml", "setup.py", "setup.cfg", "Pipfile"}


def lock(name: str, raw: bytes) -> Lock:
    """Read a lock file.

    Args:
        name: Of the file; see `kind`.
        raw: Its content.

    Raises:
        ValueError: It is no such file.
    """
    if len(raw) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    text = raw.decode("utf-8", "replace")
    try:
        return _READERS.get(PurePosixPath(name).name, _requirements)(name, text)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"it is no lock file: {type(problem).__name__}") from None


def _requirements(name: str, text: str) -> Lock:
    entries = 0
    faults: list[Fault] = []
    for line, row in _rows(text):
        if _OPTION.match(row):
            continue
        if row.startswith(("-r", "-c", "--requirement", "--constraint")):
            continue  # the file that it names is looked at by itself
        entries += 1
        what = _word(row.split("--hash")[0])
        if row.startswith(("-e", "--editable", "./", "../", "file:")):
            if "://" in row:
                faults.append(Fault("requirement", f"{what} is taken from elsewhere as it is.", name, line, what))
            else:
                entries -= 1  # a part of the subject itself
        elif not _HASH.search(row):
            faults.append(Fault("requirement", f"{what} has no hash.", name, line, what))
    return Lock(entries, tuple(faults))


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """Lines of a requirements file, joined and without remarks, with the number of their first line."""
    held, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        bare = re.sub(r"(^|\s)#.*$", "", line)
        if bare.rstrip().endswith("\\"):
            held += bare.rstrip()[:-1] + " "
            continue
        row = (held + bare).strip()
        if row:
            yield start, row
        held, start = "", 0
    if held.strip():
        yield start, held.strip()


def _uv(name: str, text: str) -> Lock:
    packages = tomllib.loads(text).get("package", [])
    faults = []
    entries = 0
    for package in packages:
        source = package["source"]
        if {"editable", "virtual", "directory"} & set(source):
            continue
        entries += 1
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        commit = "git" in source and _GIT_COMMIT.search(str(source["git"]))
        if not commit and (not files or not all(str(each.get("hash", "")).startswith("sha256:") for each in files)):
            faults.append(_unhashed(name, package["name"]))
    return Lock(entries, tuple(faults))


def _poetry(name: str, text: str) -> Lock:
    values = tomllib.loads(text)
    packages = values.get("package", [])
    old = values.get("metadata", {}).get("files", {})
    faults = []
    entries = 0
    for package in packages:
        source = package.get("source", {})
        if source.get("type") == "directory":
            continue
        entries += 1
        files = package.get("files") or old.get(package["name"], [])
        commit = source.get("type") == "git" and _GIT_COMMIT.match(str(source.get("resolved_reference", "")))
        if not commit and (not files or not all(str(each.get("hash", "")).startswith("sha256:") for each in files)):
            faults.append(_unhashed(name, package["name"]))
    return Lock(entries, tuple(faults))


def _pdm(name: str, text: str) -> Lock:
    packages = [each for each in tomllib.loads(text).get("package", []) if "path" not in each]
    faults = [
        _unhashed(name, each["name"])
        for each in packages
        if not (each.get("files") and all(str(file.get("hash", "")).startswith("sha256:") for file in each["files"]))
        and not _GIT_COMMIT.match(str(each.get("revision", "")))
    ]
    return Lock(len(packages), tuple(faults))


def _pipfile(name: str, text: str) -> Lock:
    values = json.loads(text)
    rows = [(package, each) for group in ("default", "develop") for package, each in values.get(group, {}).items()]
    faults = [
        _unhashed(name, package)
        for package, each in rows
        if not each.get("hashes") and not _GIT_COMMIT.match(str(each.get("ref", ""))) and "path" not in each
    ]
    return Lock(len(rows), tuple(faults))


def _pylock(name: str, text: str) -> Lock:
    """PEP 751."""
    packages = [each for each in tomllib.loads(text)["packages"] if "directory" not in each]
    faults = []
    for each in packages:
        files = [*each.get("wheels", []), *(each[key] for key in ("sdist", "archive") if key in each)]
        commit = _GIT_COMMIT.match(str(each.get("vcs", {}).get("commit-id", "")))
        if not commit and (not files or not all(file.get("hashes") for file in files)):
            faults.append(_unhashed(name, each["name"]))
    return Lock(len(packages), tuple(faults))


def _unhashed(name: str, package: Any) -> Fault:
    return Fault("locked", f"{_word(package)} has no hash.", name, None, str(package))


def _word(text: object) -> str:
    return re.sub(r"[^\w.=<>!~\[\],;@:/+-]", "?", str(text).strip())[:80]


_READERS: dict[str, Callable[[str, str], Lock]] = {
    "uv.lock": _uv,
    "poetry.lock": _poetry,
    "pdm.lock": _pdm,
    "Pipfile.lock": _pipfile,
    "pylock.toml": _pylock,
}
