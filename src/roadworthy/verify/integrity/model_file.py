"""Which files of a subject are models: by what they begin with, and by the endings under which models are kept.

Either is enough. A renamed model is still one, and a file that is called one counts until somebody says what it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from roadworthy.verify.tree import Node

SUFFIXES = frozenset((
    ".bin", ".ckpt", ".dill", ".engine", ".ggml", ".gguf", ".h5", ".hdf5", ".joblib", ".keras", ".mlmodel", ".npy",
    ".npz",
    ".onnx", ".params", ".pb", ".pdparams", ".pickle", ".pkl", ".pt", ".pt2", ".pte", ".pth", ".safetensors", ".tflite",
))  # fmt: skip
_HEADS = (b"GGUF", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_HEAD_BYTES = 64


def is_model(path: Path) -> bool:
    """Whether a plain file is a model; only its name and its first bytes are looked at."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        head = os.read(handle, _HEAD_BYTES)
    except OSError:
        return False
    finally:
        os.close(handle)
    return head.startswith(_HEADS) or bool(_PICKLE.match(head)) or head[4:8] == b"TFL3" or _safetensors(head)


def models(nodes: Iterable[Node]) -> Iterator[Node]:
    """Those of the nodes that are models."""
    return (node for node in nodes if node.kind == "file" and is_model(node.path))


def _safetensors(head: bytes) -> bool:
    """Eight bytes of length, then a JSON object whose first key is a text."""
    return len(head) > 10 and int.from_bytes(head[:8], "little") < 1 << 32 and head[8:10] == b'{"'
