"""A local database of advisories: imported from OSV records, dated by the newest of them, checked by its hash.

Its date is that of the newest record and not of the import: importing an old copy today does not make it new.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import SubjectError
from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify import regular
from roadworthy.verify.supply.advisory import Advisory, advisory_of
from roadworthy.verify.tree import shown

SCHEMA = "roadworthy-advisories/1"
MOST_RECORD_BYTES = 8 << 20
MOST_RECORDS = 2_000_000
MOST_DATABASE_BYTES = 1 << 30
MOST_AGE = timedelta(days=7)
_SUFFIXES = (".json", ".yaml", ".yml")


class Database(msgspec.Struct, frozen=True):
    """What was imported.

    Attributes:
        schema: Of the file.
        source: Name of what was imported, as the user named it.
        source_sha256: Of the archive; of the names and digests of the files of a folder.
        imported: When, ISO 8601 in UTC.
        newest: When the newest record was changed; the date of the database.
        records: How many records were read.
        withdrawn: How many of them were taken back, and left out.
        other: How many concern other ecosystems, and were left out.
        unreadable: Names of what should be a record and is none, with the reason. While there is one, nobody knows
            which package it concerns.
        advisories: Those that hold for our ecosystem.
        sha256: Over the advisories; computed again when the file is read.
    """

    schema: str
    source: str
    source_sha256: str
    imported: str
    newest: str
    records: int
    withdrawn: int
    other: int
    unreadable: tuple[tuple[str, str], ...]
    advisories: tuple[Advisory, ...]
    sha256: str = ""

    def age(self, now: datetime) -> timedelta:
        """Time since the newest record was changed; below zero when that lies in the future."""
        return now - when(self.newest)

    def by_package(self) -> dict[str, list[Advisory]]:
        """Advisories by the name of the package (PEP 503)."""
        found: defaultdict[str, list[Advisory]] = defaultdict(list)
        for advisory in self.advisories:
            for name in {affected.package for affected in advisory.affected}:
                found[name].append(advisory)
        return dict(found)


Told = Callable[[int], None]
"""Told a number of bytes."""


def import_osv(source: Path, now: datetime, total: Told | None = None, step: Told | None = None) -> Database:
    """Read every OSV record of a zip archive or a folder.

    Args:
        source: Records as JSON or YAML, one a file, at any depth.
        now: Aware. Records that claim a later change are unreadable: they would make any database look new.
        total: Told how many bytes of records there are, once.
        step: Told the bytes of each record that was read.

    Raises:
        SubjectError: `subject_unreadable`: there is no such archive or folder, or no record in it.
    """
    whole = hashlib.sha256()
    unreadable: list[tuple[str, str]] = []
    found: list[Advisory] = []
    for name, raw in _files(source, total or _nobody):
        (step or _nobody)(len(raw))
        whole.update(f"{len(name)} {name} {hashlib.sha256(raw).hexdigest()}\n".encode("utf-8", "surrogateescape"))
        try:
            advisory = advisory_of(_parsed(name, raw))
            if when(advisory.modified) > now:
                raise ValueError("it says that it was changed in the future")
            found.append(advisory)
        except ValueError as problem:
            unreadable.append((shown(name), shown(str(problem))[:200]))
    if not found:
        raise SubjectError("There is no advisory in it.", f"{len(unreadable)} files are no OSV records.")
    holding = [advisory for advisory in found if not advisory.withdrawn]
    ours = sorted((advisory for advisory in holding if advisory.affected), key=lambda each: each.id)
    digest = _file_digest(source) if source.is_file() else whole.hexdigest()
    return Database(
        SCHEMA, shown(source.name), digest, _stamp(now), _stamp(max(when(each.modified) for each in found)),
        len(found), len(found) - len(holding), len(holding) - len(ours), tuple(unreadable), tuple(ours),
    )  # fmt: skip


def save(database: Database, path: Path) -> str:
    """Write a database, whole or not at all; returns the hash of its advisories.

    Raises:
        OSError: The disk refuses.
    """
    complete = msgspec.structs.replace(database, sha256=_digest(database))
    with replacing(path, mode=0o644) as file:
        file.write(msgspec.json.encode(complete) + b"\n")
    return complete.sha256


def load(path: Path) -> Database:
    """Read a database.

    Raises:
        SubjectError: `subject_unreadable`: it is not there or is none; `integrity_mismatch`: it was changed.
    """
    try:
        raw = regular.read(path, MOST_DATABASE_BYTES)
    except OSError as problem:
        raise SubjectError(
            "There is no advisory database to read.", f"{problem.strerror}.",
            "Import one with `roadworthy verify advisories import`.",
        ) from None  # fmt: skip
    if len(raw) > MOST_DATABASE_BYTES:
        raise SubjectError("The advisory database is too large.")
    try:
        found = msgspec.json.decode(raw, type=Database)
        when(found.newest)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, UnicodeDecodeError):
        raise SubjectError("This is no advisory database of ours.") from None
    if found.schema != SCHEMA:
        raise SubjectError("The advisory database has another format.", "", "Import it again with this version.")
    if found.sha256 != _digest(found):
        raise SubjectError(
            "The advisory database was changed after it was imported.", "", "Import it again.",
            code="integrity_mismatch",
        )  # fmt: skip
    return found


def when(text: str) -> datetime:
    """A time as OSV writes it (RFC 3339), aware.

    Raises:
        ValueError: It is no such time.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _digest(database: Database) -> str:
    about = msgspec.structs.replace(database, sha256="", source="", imported="")
    return hashlib.sha256(msgspec.json.encode(about)).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parsed(name: str, raw: bytes) -> Any:
    if len(raw) > MOST_RECORD_BYTES:
        raise ValueError(f"it has more than {MOST_RECORD_BYTES:,} bytes")
    try:
        if name.endswith(".json"):
            return json.loads(raw)
        return _yaml(raw)
    except (RecursionError, UnicodeDecodeError) as problem:
        raise ValueError(type(problem).__name__) from None


def _yaml(raw: bytes) -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Times stay text, as in JSON."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rows if not tag.endswith(":timestamp")]
        for first, rows in Loader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(raw, Loader)  # noqa: S506  a safe loader with fewer types
    except yaml.YAMLError as problem:
        raise ValueError(f"it is no YAML: {type(problem).__name__}") from None


def _nobody(amount: int) -> None:
    """Where nobody wants to know."""


def _files(source: Path, total: Told) -> Iterator[tuple[str, bytes]]:
    """Names and contents of what should be a record, in a fixed order, each cut one byte above the limit."""
    try:
        if source.is_dir():
            yield from _in_folder(source, total)
        else:
            yield from _in_archive(source, total)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as problem:
        why = getattr(problem, "strerror", None) or "It is no folder and no zip archive that can be read"
        raise SubjectError("The advisories cannot be read.", f"{why}.") from None


def _in_folder(source: Path, total: Told) -> Iterator[tuple[str, bytes]]:
    paths = [each for each in sorted(source.rglob("*")) if each.suffix in _SUFFIXES and not each.is_symlink()]
    files = [each for each in paths if each.is_file()]
    total(sum(each.stat().st_size for each in files))
    for path in files:
        with path.open("rb") as file:
            yield path.relative_to(source).as_posix(), file.read(MOST_RECORD_BYTES + 1)


def _in_archive(source: Path, total: Told) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(source) as archive:
        members = [each for each in archive.infolist() if each.filename.endswith(_SUFFIXES)]
        if len(members) > MOST_RECORDS:
            raise SubjectError("There are too many records.", f"More than {MOST_RECORDS:,}.")
        total(sum(each.file_size for each in members))
        for member in sorted(members, key=lambda each: each.filename):
            with archive.open(member) as file:
                yield member.filename, file.read(MOST_RECORD_BYTES + 1)
