"""HDF5, as Keras 1 and 2 and PyTables write it: groups, links, attributes (HDF5 file format specification 3.0).

The contents of datasets are data and are not read. What is read is what loaders act on: attributes, of which Keras
parses some and PyTables unpickles some, and links that lead to other files. Dense storage of links and attributes
(fractal heaps, which h5py writes only when it is asked for the latest format) is not walked: such a file is
unverifiable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from roadworthy.verify.artifact import document
from roadworthy.verify.artifact.hdf5_object import UNDEFINED, Reader, attribute, link
from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.pickle import format as pickle_format
from roadworthy.verify.artifact.record import Verdict, shown
from roadworthy.verify.artifact.source import Held, Part, Source

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SYMBOLS, _LINK_INFO, _LINK, _FILES, _LAYOUT, _ATTRIBUTE, _ATTRIBUTE_INFO = 0x11, 0x02, 0x06, 0x07, 0x08, 0x0C, 0x15
_MOST_DEPTH = 64


def claims(source: Source, head: bytes) -> bool:
    """Whether the signature stands at the start, or where a user block may end: at 512 times a power of two."""
    if head.startswith(SIGNATURE):
        return True
    return any(source.read(512 << power, 8) == SIGNATURE for power in range(8)) if len(head) > 512 else False


def judge(source: Source, inspection: Inspection) -> None:
    """Walk every object that can be reached from the root, and judge its attributes and links."""
    inspection.recognise("hdf5")
    start = 0
    if source.read(0, 8) != SIGNATURE:
        start = next(512 << power for power in range(8) if source.read(512 << power, 8) == SIGNATURE)
        inspection.find("file.trailing", f"{start} bytes stand in front of the file.", 0)
    try:
        _Walk(Part(source, start), inspection).run()
    except Malformed as broken:
        inspection.find("hdf5.broken", broken.what, broken.offset)


class _Walk:
    def __init__(self, source: Source, inspection: Inspection) -> None:
        self._reader = Reader(source, inspection)
        self._inspection = inspection
        self._seen: set[int] = set()
        self._keras = False

    def run(self) -> None:
        root = self._reader.superblock()
        pending = [root]
        while pending:
            address = pending.pop()
            if address in self._seen:
                continue
            self._seen.add(address)
            self._inspection.spend("items", 1)
            pending += self._object(address)

    def _object(self, address: int) -> Iterator[int]:
        """Judge one object; gives the addresses of those that it links to."""
        reader = self._reader
        for kind, flags, at, size in reader.messages(address):
            if flags & 2 and kind in (_ATTRIBUTE, _LINK):
                self._unwalkable("A shared message", at)
            elif kind == _SYMBOLS:
                yield from self._symbols(at)
            elif kind == _LINK:
                target = self._link(at, size)
                if target is not None:
                    yield target
            elif kind in (_LINK_INFO, _ATTRIBUTE_INFO):
                if self._dense(kind, at):
                    self._unwalkable("Dense storage of links or attributes", at)
            elif kind == _ATTRIBUTE:
                self._attribute(at, size)
            elif kind == _FILES or (kind == _LAYOUT and reader.read(at, 2)[:2] in (b"\x04\x03", b"\x05\x03")):
                self._inspection.find("hdf5.external", "A dataset takes its data from another file.", at)

    def _unwalkable(self, what: str, at: int) -> None:
        self._inspection.find("hdf5.unwalkable", f"{what} is not walked.", at)

    def _symbols(self, at: int) -> Iterator[int]:
        reader = self._reader
        tree, heap = reader.address(at), reader.address(at + reader.offsets)
        names = reader.local_heap(heap)
        for entry in reader.tree_entries(tree, 0):
            cache = reader.number(entry + 2 * reader.offsets, 4)
            if cache == 2:
                continue  # a soft link: a path inside of the file
            reader.read(names + reader.number(entry, reader.offsets), 1)
            yield reader.address(entry + reader.offsets)

    def _link(self, at: int, size: int) -> int | None:
        kind, target = link(self._reader, at, size)
        if kind == 64:
            self._inspection.find("hdf5.external", "A link leads into another file.", at)
        elif kind not in (0, 1):
            self._unwalkable("A link of an unknown kind", at)
        return target

    def _dense(self, kind: int, at: int) -> bool:
        reader = self._reader
        flags = reader.number(at + 1, 1)
        after = at + 2 + (0 if not flags & 1 else 8 if kind == _LINK_INFO else 2)
        return reader.address(after) != UNDEFINED

    def _attribute(self, at: int, size: int) -> None:
        name, texts = attribute(self._reader, at, size)
        if texts is None:
            if name in ("model_config", "training_config"):
                self._unwalkable(f"The type of the attribute {shown(name)}", at)
            return
        for text in texts:
            self._text(name, text, at)

    def _text(self, name: str, text: bytes, at: int) -> None:
        stripped = text.rstrip(b"\0")
        if name in ("model_config", "training_config"):
            self._inspection.recognise("keras-h5")
            self._json(name, stripped, at)
        elif stripped[:1] == b"{":
            self._json(None, stripped, at)
        if len(text) > 1:
            self._pickle(name, text, at)

    def _json(self, name: str | None, text: bytes, at: int) -> None:
        try:
            value = json.loads(text.decode())
        except (ValueError, RecursionError):
            if name is not None:
                self._inspection.find("json.broken", f"The attribute {shown(name)} is no JSON.", at)
            return
        document.judge_value(value, self._inspection)

    def _pickle(self, name: str, text: bytes, at: int) -> None:
        """PyTables and pandas unpickle attributes; what they would unpickle is judged as a pickle."""
        trial = self._inspection.trial()
        with trial.member(f"attribute {name} at {at}"):
            if pickle_format.begins(text):
                pickle_format.judge(Held(text), trial)
            else:
                pickle_format.attempt(Held(text), trial, alone=False)
        if trial.verdict is not Verdict.CLEAN:
            self._inspection.take(trial)
