"""What is installed in a Python environment, read from its files: nothing of it is imported or started.

An environment's own interpreter would run its `.pth` files and `sitecustomize`; so the folders are found as `site`
finds them (`pyvenv.cfg`, `lib/pythonX.Y/site-packages`, Debian's `dist-packages`, paths in `.pth` files) and read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sysconfig
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import SubjectError

_FOLDERS = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3*/dist-packages",
            "local/lib/python3*/dist-packages", "lib/python3/dist-packages", "Lib/site-packages")  # fmt: skip
_SUFFIXES = (".dist-info", ".egg-info")
MOST_METADATA_BYTES = 16 << 20
_LICENCE_NAME = re.compile(r"(?i)(licen[cs]e|copying|notice|unlicense)[^/]*\Z")
_HASH = re.compile(r"sha256=([A-Za-z0-9_-]{43})=?\Z")


class File(NamedTuple):
    """A file of a distribution with the hash that its installer wrote down.

    Attributes:
        name: Relative to the folder of the distribution.
        sha256: 64 hexadecimal digits.
    """

    name: str
    sha256: str


class Distribution(NamedTuple):
    """One installed distribution.

    Attributes:
        name: As the project writes it.
        version: As its metadata say it.
        folder: Its `.dist-info` or `.egg-info`.
        licence_expression: The metadata field `License-Expression`.
        licence: The field `License`.
        classifiers: Those that speak of licences.
        requires: The fields `Requires-Dist`.
        summary: One line.
    """

    name: str
    version: str
    folder: Path
    licence_expression: str | None
    licence: str | None
    classifiers: tuple[str, ...]
    requires: tuple[str, ...]
    summary: str

    @property
    def key(self) -> str:
        """The name as PEP 503 compares it."""
        return normal(self.name)


class Environment(NamedTuple):
    """What is installed.

    Attributes:
        folders: Those that were read.
        distributions: By name; the same name twice when it is installed twice.
        existing: How many folders and files of metadata there are, counted by their names alone.
        unread: Name of the metadata and why it could not be read.
    """

    folders: tuple[Path, ...]
    distributions: tuple[Distribution, ...]
    existing: int
    unread: tuple[tuple[str, str], ...]


def normal(name: str) -> str:
    """The name of a project as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def environment(place: Path | None = None) -> Environment:
    """Everything that is installed.

    Args:
        place: An environment's folder, its interpreter, or a `site-packages` folder; our own environment when None.

    Raises:
        SubjectError: `subject_unreadable`: there is no environment.
    """
    folders = tuple(_with_paths(_own() if place is None else _folders(place)))
    if not folders:
        raise SubjectError(
            "There is no Python environment.",
            "No site-packages folder belongs to this place.",
            "Name the folder of a virtual environment, its bin/python, or a site-packages folder.",
        )
    found: list[Distribution] = []
    unread: list[tuple[str, str]] = []
    existing = 0
    for folder in folders:
        try:
            met = _metadata(folder)
        except OSError as problem:
            raise SubjectError("A folder of packages cannot be listed.", f"{problem.strerror}.") from None
        for path in met:
            existing += 1
            try:
                found.append(_distribution(path))
            except (OSError, ValueError) as problem:
                unread.append((path.name, getattr(problem, "strerror", None) or str(problem)))
    return Environment(
        folders, tuple(sorted(found, key=lambda each: (each.key, each.version))), existing, tuple(unread)
    )


def counted(folders: Iterable[Path]) -> int:
    """How many distributions there are, counted by the standard library's own finder."""
    from importlib.metadata import distributions

    return sum(1 for _ in distributions(path=[str(folder) for folder in folders]))


def files_of(distribution: Distribution) -> tuple[File, ...]:
    """Its files with their hashes, from RECORD; those without a hash, such as byte code, are left out."""
    record = distribution.folder / "RECORD"
    if not record.is_file():
        return ()
    rows = csv.reader(io.StringIO(_text(record)))
    return tuple(
        File(row[0], _hexadecimal(match[1])) for row in rows if len(row) >= 2 and (match := _HASH.match(row[1]))
    )


def record_digest(distribution: Distribution) -> str | None:
    """SHA-256 of its RECORD, which holds the hash of every file; None when there is none."""
    record = distribution.folder / "RECORD"
    return hashlib.sha256(record.read_bytes()).hexdigest() if record.is_file() else None


def licence_texts(distribution: Distribution) -> Iterator[str]:
    """The licences that came with it, from its metadata folder."""
    if not distribution.folder.is_dir():
        return
    for path in sorted(distribution.folder.rglob("*")):
        if _LICENCE_NAME.match(path.name) and path.is_file() and not path.is_symlink():
            yield _text(path)


def _own() -> list[Path]:
    return [Path(folder) for folder in dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))]


def _folders(place: Path) -> list[Path]:
    """The site-packages of a place, its own before those of the Python under it."""
    if place.name in {"site-packages", "dist-packages"} and place.is_dir():
        return [place]
    # Not resolved: the interpreter of a virtual environment is a link out of it.
    prefix = place if place.is_dir() else place.absolute().parent.parent
    config = _config(prefix / "pyvenv.cfg")
    if not config and not place.is_dir():
        prefix = place.resolve().parent.parent
    found = _below(prefix)
    if config.get("include-system-site-packages", "").lower() == "true" and "home" in config:
        found += _below(Path(config["home"]).parent)
    return found


def _below(prefix: Path) -> list[Path]:
    return [folder for pattern in _FOLDERS for folder in sorted(prefix.glob(pattern)) if folder.is_dir()]


def _config(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    rows = (line.partition("=") for line in _text(path).splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in rows}


def _with_paths(folders: Iterable[Path]) -> Iterator[Path]:
    """The folders, and those that their `.pth` files add; each once."""
    seen: set[Path] = set()
    for folder in folders:
        for each in (folder, *_added(folder)):
            if (real := each.resolve()) not in seen:
                seen.add(real)
                yield each


def _added(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.pth")):
        for line in _text(path).splitlines():
            words = line.strip()
            if words and not words.startswith(("#", "import ", "import\t")) and (folder / words).is_dir():
                yield folder / words


def _metadata(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(_SUFFIXES))


def _distribution(path: Path) -> Distribution:
    files = [path / "METADATA", path / "PKG-INFO"] if path.is_dir() else [path]
    file = next((each for each in files if each.is_file()), None)
    if file is None:
        raise ValueError("it has no METADATA")
    head = HeaderParser().parsestr(_text(file).replace("\r\n", "\n"))
    name, version = head["Name"], head["Version"]
    if not name or not version:
        raise ValueError("its metadata name no project or no version")
    classifiers = [line for line in head.get_all("Classifier") or [] if line.startswith("License ::")]
    return Distribution(
        name.strip(), version.strip(), path, head["License-Expression"], head["License"],
        tuple(classifiers), tuple(head.get_all("Requires-Dist") or ()), head["Summary"] or "",
    )  # fmt: skip


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_METADATA_BYTES).decode("utf-8", "replace")


def _hexadecimal(digest: str) -> str:
    import base64

    return base64.urlsafe_b64decode(digest + "=").hex()
