"""Reads prompts from a folder: one YAML file a template, and `prompts.lock`, which keeps versions as released."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.prompts.catalogue import Catalogue
from roadworthy.gateway.prompts.template import Template, fault
from roadworthy.runtime.config.locate import Document
from roadworthy.runtime.config.report import ConfigInvalid

SHIPPED = Path(__file__).parent.parent / "gateway" / "prompts" / "data"
LOCK = "prompts.lock"
MAX_FILE_BYTES = 1_048_576
MAX_FILES = 1_000
_LINE = re.compile(r"([a-z][a-z0-9_-]{0,63}@[1-9][0-9]{0,5}) ([0-9a-f]{64})")
_HEAD = (
    "# SHA-256 of every released version; a version that stands here never changes again.\n"
    "# `roadworthy gateway prompts lock` adds lines.\n"
)


class Shelf(NamedTuple):
    """What a gateway can say.

    Attributes:
        templates: Those that ship, then those of the folder.
        unlocked: `NAME@VERSION` of the folder that may still change: not in its lock.
    """

    templates: tuple[Template, ...]
    unlocked: tuple[str, ...]


def load(folder: Path | None) -> Shelf:
    """Read what ships, and the folder if there is one.

    Raises:
        ConfigError: The folder or a file cannot be read, a file is no template, a version is there twice, or a version
            differs from its line in the lock. The message names file or version.
    """
    shipped = read(SHIPPED)
    _check_lock(SHIPPED, Catalogue(shipped))
    if folder is None:
        return Shelf(tuple(shipped), ())
    own = read(folder)
    unlocked = _check_lock(folder, Catalogue(own))
    templates = (*shipped, *own)
    Catalogue(templates)
    return Shelf(templates, tuple(unlocked))


def read(folder: Path) -> list[Template]:
    """Every `*.yaml` and `*.yml` in the folder itself, by file name.

    Raises:
        ConfigError: As `load`.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith((".yaml", ".yml")) and name[0] != ".")
    except OSError as error:
        raise ConfigError(
            f"The folder of prompts {folder.name} cannot be read.",
            f"{error.strerror or 'Input/output error'}.",
            "gateway.prompts.folder is a readable folder, relative to the working directory.",
        ) from error
    if len(names) > MAX_FILES:
        raise ConfigError(f"The folder of prompts {folder.name} is too large.", f"It has over {MAX_FILES} files.")
    return [_template(folder / name) for name in names]


def lock(folder: Path) -> list[str]:
    """Write versions that are not in the folder's lock into it; says which. Lines that stand there stay.

    Raises:
        ConfigError: As `load`, or the lock cannot be written.
    """
    catalogue = Catalogue(read(folder))
    added = _check_lock(folder, catalogue)
    if added:
        lines = {**_lines(folder), **{name: digest for name, digest in catalogue.digests().items() if name in added}}
        content = _HEAD + "".join(f"{name} {digest}\n" for name, digest in sorted(lines.items(), key=_order))
        _write(folder / LOCK, content)
    return added


def _check_lock(folder: Path, catalogue: Catalogue) -> list[str]:
    locked = _lines(folder)
    digests = catalogue.digests()
    for name, digest in digests.items():
        if locked.get(name, digest) != digest:
            base, _, version = name.partition("@")
            raise ConfigError(
                f"The prompt {name} was changed after its release.",
                f"Its text is not the one that {LOCK} holds it to; answers in journals name this version.",
                f"Restore it, and put the change into a file with version {_next(digests, base, int(version))}.",
            )
    return [name for name in digests if name not in locked]


def _next(digests: dict[str, str], base: str, version: int) -> int:
    return max([version, *(int(name.partition("@")[2]) for name in digests if name.partition("@")[0] == base)]) + 1


def _lines(folder: Path) -> dict[str, str]:
    path = folder / LOCK
    if not os.path.lexists(path):
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(_read(path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] in found:
            raise ConfigError(
                f"Line {number} of {path.name} is not usable.",
                "A line is NAME@VERSION and a SHA-256 in hex, and each version has one line.",
                "Take both sides of a merge, line by line.",
            )
        found[match[1]] = match[2]
    return found


def _template(path: Path) -> Template:
    try:
        data = Document(_read(path), path.name).data
        template = msgspec.convert(data, Template)
    except ConfigInvalid as error:
        raise _wrong(path, str(error.what)) from error
    except msgspec.ValidationError as error:
        raise _wrong(path, str(error)) from error
    if wrong := fault(template):
        raise _wrong(path, wrong)
    return template


def _read(path: Path) -> str:
    why, raw = "", b""
    try:
        # Not blocking: a named pipe must not hold the start; links are followed, as mounted folders are made of them.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                raw = stream.read(MAX_FILE_BYTES + 1)
            else:
                why = "it is no regular file"
    except OSError as error:
        why = (error.strerror or "input/output error").lower()
    if len(raw) > MAX_FILE_BYTES:
        why = f"it is larger than {MAX_FILE_BYTES} bytes"
    if not why:
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            why = f"it is not UTF-8 at byte {error.start}"
    raise _wrong(path, why)


def _wrong(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"The prompt file {path.name} is not usable.",
        f"{why.rstrip('.')}.",
        "docs/how-to/use-prompts.md shows its form.",
    )


def _write(path: Path, content: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"{path.name} cannot be written.", f"{error.strerror or 'Input/output error'}.") from error


def _order(item: tuple[str, str]) -> tuple[str, int]:
    base, _, version = item[0].partition("@")
    return base, int(version)
