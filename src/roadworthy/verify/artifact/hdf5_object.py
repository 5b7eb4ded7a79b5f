"""Objects of HDF5: headers, messages, symbol tables, heaps, attributes (file format specification 3.0, III and IV)."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.source import Source

UNDEFINED = -1
_MOST_BLOCKS = 10_000
_MOST_DEPTH = 32


class Reader:
    """Reads numbers and structures of one file.

    Args:
        source: From the signature on.
        inspection: Whose budget is used.

    Attributes:
        offsets: Bytes of an address.
        lengths: Bytes of a length.
    """

    def __init__(self, source: Source, inspection: Inspection) -> None:
        self._source = source
        self._inspection = inspection
        self.offsets = 8
        self.lengths = 8

    def read(self, at: int, length: int) -> bytes:
        """Exactly so many bytes.

        Raises:
            Malformed: They are not there.
        """
        data = self._source.read(at, length) if at >= 0 else b""
        if len(data) < length:
            raise Malformed("It points outside of itself.", at)
        return data

    def number(self, at: int, width: int) -> int:
        """An unsigned number."""
        return int.from_bytes(self.read(at, width), "little")

    def address(self, at: int) -> int:
        """An address, `UNDEFINED` when there is none."""
        data = self.read(at, self.offsets)
        return UNDEFINED if data == b"\xff" * self.offsets else int.from_bytes(data, "little")

    def expect(self, at: int, signature: bytes) -> None:
        """A signature must stand here."""
        if self.read(at, len(signature)) != signature:
            raise Malformed(f"{signature.decode('ascii')} should stand here and does not.", at)

    def superblock(self) -> int:
        """Read the superblock; gives the address of the root object."""
        version = self.number(8, 1)
        if version in (0, 1):
            self.offsets, self.lengths = self.number(13, 1), self.number(14, 1)
            first = 24 if version == 0 else 28
            root, end = first + 4 * self.offsets + self.offsets, first + 2 * self.offsets
        elif version in (2, 3):
            self.offsets, self.lengths = self.number(9, 1), self.number(10, 1)
            root, end = 12 + 3 * self.offsets, 12 + 2 * self.offsets
        else:
            raise Malformed(f"Version {version} of the superblock is not one that is walked.", 8)
        if self.offsets not in (2, 4, 8) or self.lengths not in (2, 4, 8):
            raise Malformed("The sizes of addresses are not allowed.", 9)
        told = self.address(end)
        if told > self._source.size:
            raise Malformed("It is cut off.", self._source.size)
        if 0 < told < self._source.size:
            self._inspection.find("file.trailing", f"{self._source.size - told:,} bytes follow the file.", told)
        return self.address(root)

    def messages(self, address: int) -> Iterator[tuple[int, int, int, int]]:
        """The messages of an object: (type, flags, offset of the contents, size)."""
        if self.read(address, 4) == b"OHDR":
            yield from self._messages_2(address)
            return
        if self.number(address, 1) != 1:
            raise Malformed("An object has an unknown header.", address)
        blocks = [(address + 16, self.number(address + 8, 4))]
        while blocks:
            at, size = blocks.pop(0)
            end = at + size
            while at + 8 <= end:
                self._inspection.spend("items", 1)
                kind, length, flags = self.number(at, 2), self.number(at + 2, 2), self.number(at + 4, 1)
                if kind == 0x10:
                    self._continue(blocks, at + 8)
                else:
                    yield kind, flags, at + 8, length
                at += 8 + length

    def _continue(self, blocks: list[tuple[int, int]], at: int) -> None:
        if len(blocks) > _MOST_BLOCKS:
            raise Malformed("A header has too many parts.", at)
        self._inspection.spend("items", 100)
        blocks.append((self.address(at), self.number(at + self.offsets, self.lengths)))

    def _messages_2(self, address: int) -> Iterator[tuple[int, int, int, int]]:
        flags = self.number(address + 5, 1)
        at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        blocks = [(at + width, self.number(at, width))]
        head = 4 + (2 if flags & 4 else 0)
        while blocks:
            at, size = blocks.pop(0)
            end = at + size
            while at + head <= end:
                self._inspection.spend("items", 1)
                kind, length, told = self.number(at, 1), self.number(at + 1, 2), self.number(at + 3, 1)
                if kind == 0x10:
                    more: list[tuple[int, int]] = []
                    self._continue(more, at + head)
                    self.expect(more[0][0], b"OCHK")
                    blocks.append((more[0][0] + 4, more[0][1] - 8))
                else:
                    yield kind, told, at + head, length
                at += head + length

    def local_heap(self, address: int) -> int:
        """Where the names of a local heap begin."""
        self.expect(address, b"HEAP")
        return self.address(address + 8 + 2 * self.lengths)

    def tree_entries(self, address: int, depth: int) -> Iterator[int]:
        """Offsets of the symbol table entries below a node of a B-tree (version 1)."""
        if depth > _MOST_DEPTH:
            raise Malformed("A tree is too deep.", address)
        self._inspection.spend("items", 1)
        if self.read(address, 4) == b"SNOD":
            width = 2 * self.offsets + 24
            for index in range(self.number(address + 6, 2)):
                yield address + 8 + index * width
            return
        self.expect(address, b"TREE")
        step = self.lengths + self.offsets
        first = address + 8 + 2 * self.offsets + self.lengths
        for index in range(self.number(address + 6, 2)):
            yield from self.tree_entries(self.address(first + index * step), depth + 1)

    def global_object(self, address: int, index: int, length: int) -> bytes:
        """An object of a global heap, at most `length` bytes of it."""
        self.expect(address, b"GCOL")
        end = address + self.number(address + 8, self.lengths)
        at = address + 8 + self.lengths
        while at + 8 + self.lengths <= end:
            self._inspection.spend("items", 1)
            found, size = self.number(at, 2), self.number(at + 8, self.lengths)
            if found == index:
                return self.read(at + 8 + self.lengths, min(size, length))
            if found == 0:
                break
            at += 8 + self.lengths + -(-size // 8) * 8
        raise Malformed("A text is not in its heap.", address)


def link(reader: Reader, at: int, size: int) -> tuple[int, int | None]:
    """A link message: its kind (0 hard, 1 soft, 64 external), and the address it leads to when it is hard."""
    flags = reader.number(at + 1, 1)
    place = at + 2
    kind = 0
    if flags & 8:
        kind, place = reader.number(place, 1), place + 1
    place += (8 if flags & 4 else 0) + (1 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    place += width + reader.number(place, width)
    return kind, reader.address(place) if kind == 0 else None


def attribute(reader: Reader, at: int, size: int) -> tuple[str, list[bytes] | None]:
    """An attribute message: its name, and its texts; None for an attribute that is no text.

    Raises:
        Malformed: It is damaged.
    """
    version = reader.number(at, 1)
    if version not in (1, 2, 3):
        raise Malformed("An attribute has an unknown version.", at)
    name_size, type_size, space_size = (reader.number(at + place, 2) for place in (2, 4, 6))
    place = at + (9 if version == 3 else 8)
    name = reader.read(place, name_size).split(b"\0")[0].decode("utf-8", "backslashreplace")
    if version > 1 and reader.number(at + 1, 1):
        return name, None  # a shared type: committed by name, never written by Keras
    sizes = [-(-part // 8) * 8 if version == 1 else part for part in (name_size, type_size, space_size)]
    type_at = place + sizes[0]
    space_at = type_at + sizes[1]
    data_at = space_at + sizes[2]
    count = _elements(reader, space_at)
    left = at + size - data_at
    kind, width = reader.number(type_at, 1) & 15, reader.number(type_at + 4, 4)
    if kind in (3, 5):
        count = min(count, left // width if width else 0)
        return name, [reader.read(data_at + index * width, width) for index in range(count)]
    if kind != 9:
        return name, None
    texts = []
    step = 8 + reader.offsets
    for index in range(min(count, left // step)):
        where = data_at + index * step
        length, heap = reader.number(where, 4), reader.address(where + 4)
        if length and heap not in (0, UNDEFINED):
            texts.append(reader.global_object(heap, reader.number(where + 4 + reader.offsets, 4), length))
    return name, texts


def _elements(reader: Reader, at: int) -> int:
    version, rank = reader.number(at, 1), reader.number(at + 1, 1)
    first = at + (8 if version == 1 else 4)
    if version == 2 and reader.number(at + 3, 1) == 2:
        return 0
    count = 1
    for index in range(rank):
        count *= reader.number(first + index * reader.lengths, reader.lengths)
    return count
