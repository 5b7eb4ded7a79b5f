"""Which bytes the model's process loads: their SHA-256, taken from the very file that llama.cpp then reads.

The file is opened once and hashed; llama.cpp is given that open file (`/proc/self/fd/N`), not its name, and copies the
weights into its own memory. So neither a file that is put in its place afterwards nor one that is there for a moment
while it is loaded changes what is told, and a file that is written to meanwhile is not served at all. The time of the
last change of the inode is compared, too, because that of its content can be set back.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from roadworthy.core.errors import ConfigError

TAG = "sha256:"
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf\Z")
"""How llama.cpp names the parts of a model in several files; it finds the others by the name of the first."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file that is held open.

    Attributes:
        path: What llama.cpp is to read.
        digest: `sha256:` and 64 hexadecimal digits; None for a model in several files: one digest would not say it.
        file: Its name.
        handle: Its descriptor.
        state: What told its content apart when it was opened.
    """

    path: str
    digest: str | None
    file: Path
    handle: int
    state: tuple[int, ...]

    @classmethod
    def held(cls, file: Path, handle: int) -> Self:
        """Hash an open file.

        Args:
            file: Its path.
            handle: Its descriptor, at the beginning.
        """
        state = _state(handle)
        if _PART.search(file.name):
            return cls(str(file), None, file, handle, state)
        with open(handle, "rb", closefd=False) as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return cls(f"/proc/self/fd/{handle}", TAG + digest, file, handle, state)

    def check(self) -> None:
        """Make sure that nobody wrote to the file since it was opened.

        Raises:
            ConfigError: `model_file_invalid`.
        """
        if _state(self.handle) != self.state:
            raise ConfigError(
                f"The model file {self.file} was changed while it was loaded.",
                "What was loaded is not what was hashed.",
                "Start again when nothing writes to it any more; put a new file in its place by renaming.",
                code="model_file_invalid",
            )


@contextmanager
def weights(file: Path) -> Iterator[Weights]:
    """A model file, held open for as long as it is loaded.

    Raises:
        ConfigError: `model_file_invalid`: it cannot be read, or, at the end, it was changed meanwhile.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(
            f"The model file {file} cannot be read.", f"{error.strerror}.", code="model_file_invalid"
        ) from None
    try:
        found = Weights.held(file, handle)
        yield found
        found.check()
    finally:
        os.close(handle)


def _state(handle: int) -> tuple[int, ...]:
    found = os.fstat(handle)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
