"""Reads a YAML file of one's own kind into a msgspec struct; what does not fit is told with its line."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from roadworthy.runtime.config.locate import MAX_BYTES, Document
from roadworthy.runtime.config.report import ConfigInvalid, KeyPath, Problem, render, suggest

MAX_FILES = 1_000
"""Most files of one folder."""

S = TypeVar("S", bound=msgspec.Struct)

_PLACE = re.compile(r" - at `(key in )?\$(.*?)`$")
_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


class Read(NamedTuple, Generic[S]):
    """What a file says.

    Attributes:
        value: The struct.
        document: Where each key stands.
    """

    value: S
    document: Document

    def problem(self, path: KeyPath, text: str) -> Problem:
        """A problem of a key, or of the closest one around it that the file has."""
        return _problem(self.document, path, text)


def read_struct(text: str, name: str, kind: type[S]) -> Read[S]:
    """The struct that a YAML text says.

    Args:
        text: The YAML text; see `Document` for its bounds.
        name: Of the file, for messages.
        kind: Of the struct.

    Raises:
        ConfigInvalid: It is no YAML, or does not fit; with the line, and a guess at what was meant.
    """
    document = Document(text, name)
    try:
        return Read(msgspec.convert(document.data, kind), document)
    except msgspec.ValidationError as error:
        told = str(error)
    place = _PLACE.search(told)
    path: KeyPath = ()
    if place is not None:
        told = told[: place.start()]
        path = tuple(name if name else int(number or 0) for name, number, _ in _PART.findall(place[2]))
    unknown = _UNKNOWN.fullmatch(told)
    if unknown is not None:
        known = _fields(msgspec.inspect.type_info(kind), path)
        told, path = f"this key is not known{suggest(unknown[1], known)}", (*path, unknown[1])
    raise ConfigInvalid([_problem(document, path, told[:1].lower() + told[1:])])


def read_file(path: Path, kind: type[S]) -> Read[S]:
    """The struct that a YAML file says.

    Raises:
        ConfigInvalid: As `read_struct`, or it cannot be read.
    """
    why, raw = "", b""
    try:
        # Not blocking: a named pipe must not hold the reader.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                raw = stream.read(MAX_BYTES + 1)
            else:
                why = "it is no regular file"
    except OSError as error:
        why = (error.strerror or "input/output error").lower()
    if len(raw) > MAX_BYTES:
        why = f"it is larger than {MAX_BYTES} bytes"
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 at byte {error.start}"
    if why:
        raise ConfigInvalid([Problem(path.name, "", f"the file cannot be read: {why}", path.name)])
    return read_struct(text, path.name, kind)


def read_checked(path: Path, kind: type[S], faults: Callable[[S], Iterable[tuple[KeyPath, str]]]) -> S:
    """The struct that a YAML file says, when its own check finds no fault; its `key` is the name of the file.

    Args:
        path: The file.
        kind: Of the struct.
        faults: Place and text of everything that contradicts something else.

    Raises:
        ConfigInvalid: As `read_file`, or with every fault.
    """
    read = read_file(path, kind)
    found = [read.problem(at, text) for at, text in faults(read.value)]
    if getattr(read.value, "key", path.stem) != path.stem:
        found.append(read.problem(("key",), "the key must be the name of the file"))
    if found:
        raise ConfigInvalid(sorted(found, key=lambda problem: problem.line or 0))
    return read.value


def files_in(folder: Path, key: str) -> list[Path]:
    """The YAML files of a folder itself, by name.

    Args:
        folder: The folder.
        key: The configuration's key that names it, for messages.

    Raises:
        ConfigInvalid: It cannot be read, or holds over `MAX_FILES`.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"} and path.name[0] != ".")
    except OSError as error:
        why = f"the folder cannot be read: {(error.strerror or 'input/output error').lower()}"
        raise ConfigInvalid([Problem(folder.name, key, why)]) from error
    if len(found) > MAX_FILES:
        raise ConfigInvalid([Problem(folder.name, key, f"the folder has over {MAX_FILES} files")])
    return found


def _problem(document: Document, path: KeyPath, text: str) -> Problem:
    line, near = None, path
    while near and line is None:
        line = document.lines.get(near)
        near = near[:-1]
    where = f"{document.name}:{line or 1}"
    return Problem(where, render(path), text, document.name, line or 1)


def _fields(found: Any, path: KeyPath) -> list[str]:
    """Names that would have been right at a path."""
    if isinstance(found, msgspec.inspect.Metadata):
        return _fields(found.type, path)
    if isinstance(found, msgspec.inspect.UnionType):
        return [name for one in found.types for name in _fields(one, path)]
    if isinstance(found, msgspec.inspect.StructType):
        if not path:
            return [field.encode_name for field in found.fields]
        inner = [field.type for field in found.fields if field.encode_name == path[0]]
        return _fields(inner[0], path[1:]) if inner else []
    if path and isinstance(found, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        return _fields(found.item_type, path[1:])
    if path and isinstance(found, msgspec.inspect.DictType):
        return _fields(found.value_type, path[1:])
    return []
