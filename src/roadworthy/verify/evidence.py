"""Evidence: bytes under the name of their SHA-256, masked before they are written, never changed afterwards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.errors import RoadworthyError, StorageError
from roadworthy.core.ports import Masker
from roadworthy.verify import regular
from roadworthy.verify.outcome import Record
from roadworthy.verify.output import put

LARGEST_BYTES = 64 * 1024 * 1024
"""One piece of evidence is at most so large."""


class Item(Record, frozen=True):
    """One piece of evidence.

    Attributes:
        sha256: Of the masked bytes; also the name of the file.
        bytes: How many they are.
        media_type: Such as `application/json` or `text/plain`.
        label: What it is, in a few words.
        argv: The command that produced it; empty when none did.
        exit_code: Of the command; below 0 is a signal; None without a command.
        started: ISO 8601 in UTC.
        ended: The same.
        tool: What produced it.
        tool_version: Its version; empty when it is not known.
        covers: Digests (`sha256:…`, `gitCommit:…`) or names of what it is about.
    """

    sha256: str
    bytes: int
    media_type: str
    label: str
    started: str
    ended: str
    argv: tuple[str, ...] = ()
    exit_code: int | None = None
    tool: str = "roadworthy"
    tool_version: str = ""
    covers: tuple[str, ...] = ()


class EvidenceStore:
    """A folder of evidence. Safe for several processes.

    Args:
        folder: Made when it is not there.
        masker: Takes secrets and personal data out of everything that is written.
    """

    def __init__(self, folder: Path, masker: Masker) -> None:
        self.folder = folder
        self._masker = masker

    def put(self, content: bytes) -> tuple[str, int]:
        """Keep bytes; the same bytes are kept once.

        Returns:
            SHA-256 and length of what is kept, which is the masked content.

        Raises:
            StorageError: `store_unavailable`: the disk refuses, or the content is larger than `LARGEST_BYTES`.
        """
        if len(content) > LARGEST_BYTES:
            raise StorageError(
                "A piece of evidence is too large to be kept.",
                f"It has {len(content)} bytes; at most {LARGEST_BYTES} are kept.",
                "Keep a summary, and the digest of the whole.",
            )
        return self.keep(self._masker.mask_bytes(content))

    def keep(self, kept: bytes) -> tuple[str, int]:
        """The same for what was masked piece by piece before; masking it again could damage it."""
        digest = hashlib.sha256(kept).hexdigest()
        path = self.folder / digest
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if path.is_symlink() or not path.is_file() or regular.read(path, len(kept)) != kept:
                put(path, kept, mode=0o444)
        except OSError as error:
            raise StorageError("Evidence cannot be written.", f"{error.strerror or 'Input/output error'}.") from error
        return digest, len(kept)

    def shown(self, text: str) -> str:
        """The text as it may be shown."""
        return self._masker.mask(text)


def evidence_bytes(folder: Path, digest: str) -> bytes:
    """A piece of evidence, with its hash checked.

    Raises:
        RoadworthyError: `subject_unreadable` when it is not there, `integrity_mismatch` when it was changed.
    """
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise RoadworthyError("The name of a piece of evidence is no SHA-256.", code="integrity_mismatch")
    try:
        handle = os.open(folder / digest, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise RoadworthyError(
            f"Evidence {digest[:12]} cannot be read.",
            f"{error.strerror or 'Input/output error'}.",
            code="subject_unreadable",
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise RoadworthyError(
            f"Evidence {digest[:12]} was changed.", "Its bytes have another SHA-256.", code="integrity_mismatch"
        )
    return content


def kept_digests(items: Sequence[Item]) -> tuple[str, ...]:
    """The digests of the items, each once, in order."""
    return tuple(dict.fromkeys(item.sha256 for item in items))
