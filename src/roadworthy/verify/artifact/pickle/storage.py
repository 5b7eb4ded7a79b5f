"""Storages of torch: named by persistent ids, and in the old format written behind the pickles."""

from __future__ import annotations

from roadworthy.verify.artifact.pickle import literal
from roadworthy.verify.artifact.pickle.value import Name, Value
from roadworthy.verify.artifact.source import Nearby

_MOST = 60_000
_MOST_NAME = 64
"""torch names its storages by numbers."""
_BYTES = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "IntStorage": 4,
    "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1, "ComplexDoubleStorage": 16,
    "ComplexFloatStorage": 8, "QUInt8Storage": 1, "QInt8Storage": 1, "QInt32Storage": 4, "QUInt4x2Storage": 1,
    "QUInt2x4Storage": 1, "UntypedStorage": 1,
}  # fmt: skip


class Storages:
    """Collects what persistent ids say.

    Args:
        source: Where their literals are.
    """

    def __init__(self, source: Nearby) -> None:
        self._source = source
        self._sizes: dict[str, int | None] = {}
        self.known = True

    @property
    def count(self) -> int:
        """How many different storages were named."""
        return len(self._sizes)

    def add(self, key: Value) -> bool:
        """Take note of a persistent id; False when it is not one that torch writes.

        It writes ("storage", class, key, device, number of elements[, view]), and the module form of old files
        ("module", class, file of the source, source), of which only the class is used.
        """
        if type(key) is not tuple or len(key) not in (4, 5, 6):
            return False
        kind = self._text(key[0])
        if kind == "module":
            return len(key) == 4
        if kind != "storage" or len(key) == 4 or type(key[1]) is not Name:
            return False
        name = self._text(key[2])
        if name is None or len(name) > _MOST_NAME:
            return False
        if name in self._sizes or len(self._sizes) < _MOST:
            self._sizes[name] = self._size(key[1], key[4])
        else:
            self.known = False
        return True

    def raw_bytes(self) -> int | None:
        """Bytes of all storages as the old format writes them: a count of 8 bytes, then the elements.

        None when one of them is not known.
        """
        sizes = list(self._sizes.values())
        if not self.known or any(size is None for size in sizes):
            return None
        return sum(8 + size for size in sizes if size is not None)

    def _size(self, kind: Name, elements: Value) -> int | None:
        width = _BYTES.get(kind.name)
        count = literal.integer(self._source, elements) if type(elements) is int else None
        return None if width is None or count is None or count < 0 else width * count

    def _text(self, value: Value) -> str | None:
        return literal.text(self._source, value) if type(value) is int else None
