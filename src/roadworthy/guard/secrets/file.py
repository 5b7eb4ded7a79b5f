"""Files as a source: container secrets, keys on disk. A file that others can read is refused where it matters."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from roadworthy.core.clock import Clock
from roadworthy.core.errors import SecretError
from roadworthy.core.secret import Provenance, Secret

MAX_BYTES = 65_536
"""Largest file that is read."""
PREVIOUS = ".previous"
"""Ending of the file that holds the version before."""


class FileSource:
    """Reads `file:PATH`, and rotates it in place.

    Args:
        folder: Where `secret:NAME` is looked for.
        clock: For ages.
        strict: Refuse files that other users can read or change; else they are read.
    """

    name = "file"

    def __init__(self, folder: str, clock: Clock, *, strict: bool) -> None:
        self._folder = folder
        self._clock = clock
        self._strict = strict

    def fetch(self, place: str) -> Secret | None:
        """The file's content without white space around it; None when there is no such file.

        Raises:
            SecretError: `secret_file_exposed`; `secret_source_refused` when it may not be read; `secret_missing` when
                it is empty, too large or no text.
        """
        try:
            value, info = read_private(Path(place), strict=self._strict)
        except FileNotFoundError:
            return None
        return self._secret(value, info)

    def place_of(self, name: str) -> str:
        """The file of that name in the folder of secrets."""
        return str(Path(self._folder) / name)

    def check(self) -> str:
        """Whether the folder of secrets is there."""
        return (
            f"{self._folder} is {'there' if Path(self._folder).is_dir() else 'not there; nothing is looked for in it'}"
        )

    # -- writing

    def stage(self, place: str, value: str, expected: str | None) -> str:
        """Write the new value beside the old one."""
        path = Path(place)
        version = self._expect(place, expected)
        return f"{version} {_write(path.parent, path.name, value)}"

    def promote(self, place: str, value: str, mark: str) -> Secret:
        """Keep the old file as `PATH.previous` and put the new one in its place in one step."""
        path, kept = Path(place), Path(place + PREVIOUS)
        version, _, made = mark.partition(" ")
        self._expect(place, version)
        with self._writing(path):
            old = _write(path.parent, path.name, read_private(path, strict=self._strict)[0])
            os.utime(old, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
            os.replace(old, kept)
            os.replace(made, path)
        found = self.fetch(place)
        assert found is not None
        return found

    def discard(self, place: str, mark: str) -> None:
        """Take the staged file away."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(mark.partition(" ")[2])

    def previous(self, place: str) -> Secret | None:
        """What is in `PATH.previous`."""
        return self.fetch(place + PREVIOUS)

    def restore(self, place: str, expected: str | None) -> Secret:
        """Swap the file and the one before it."""
        before = self.previous(place)
        if before is None:
            raise SecretError(f"There is no version before the one in {place}.")
        value = before.reveal()
        return self.promote(place, value, self.stage(place, value, expected))

    def retire(self, place: str) -> bool:
        """Delete `PATH.previous`."""
        kept = Path(place + PREVIOUS)
        with self._writing(kept):
            there = kept.exists()
            kept.unlink(missing_ok=True)
        return there

    def _expect(self, place: str, expected: str | None) -> str:
        found = self.fetch(place)
        if found is None:
            raise SecretError(f"There is no file {place} to rotate.")
        if expected is not None and found.origin.version != expected:
            raise SecretError(f"Somebody else wrote {place} in the meantime.", code="secret_rotation_conflict")
        return str(found.origin.version)

    @contextlib.contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _refused(path, "written", error) from None

    def _secret(self, value: str, info: os.stat_result) -> Secret:
        age_s = max(0.0, self._clock.wall() - info.st_mtime)
        return Secret(value, Provenance(self.name, str(info.st_mtime_ns), info.st_mtime, age_s))


def read_private(path: Path, *, strict: bool) -> tuple[str, os.stat_result]:
    """Text of a small file and what is known about it, looked at on the open file so that nobody can swap it.

    Args:
        path: The file.
        strict: Refuse it when others can read or change it, or it belongs to another user than root and us.

    Raises:
        FileNotFoundError: There is none.
        SecretError: See `FileSource.fetch`.
    """
    try:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            if strict:
                _require_private(path, info)
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refused(path, "read", error) from None
    if len(raw) > MAX_BYTES:
        raise SecretError(f"The file {path} is larger than {MAX_BYTES} bytes.", "That is no secret.")
    value = raw.decode("utf-8", "replace").strip()
    if not value:
        raise SecretError(f"The secret file:{path} is not there.", "The file is empty.", f"Put the secret into {path}.")
    return value, info


def _require_private(path: Path, info: os.stat_result) -> None:
    why = ""
    if info.st_mode & (stat.S_IROTH | stat.S_IWOTH):
        why = f"Its mode is {stat.S_IMODE(info.st_mode):04o}: every user of this machine can use it."
    elif info.st_mode & stat.S_IWGRP:
        why = f"Its mode is {stat.S_IMODE(info.st_mode):04o}: its group can change it."
    elif info.st_uid not in (0, os.geteuid()):
        why = "It belongs to another user, who can change it."
    if why:
        mend = (
            f"Run `chmod 600 {path}` as its owner; for container secrets set the mode 0400 (Kubernetes: defaultMode)."
        )
        raise SecretError(f"The file {path} is not private.", why, mend, code="secret_file_exposed")


def _refused(path: Path, verb: str, error: OSError) -> SecretError:
    why = f"{error.strerror or 'Input/output error'}."
    return SecretError(f"The file {path} cannot be {verb}.", why, "Correct its rights.", code="secret_source_refused")


def _write(folder: Path, name: str, value: str) -> Path:
    """A new file of mode 0600 in the folder, on disk; whoever fails to write it leaves nothing behind."""
    try:
        descriptor, made = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    except OSError as error:
        raise _refused(folder, "written", error) from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        os.unlink(made)
        raise _refused(folder, "written", error) from None
    return Path(made)
