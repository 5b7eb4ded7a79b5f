"""ONNX (onnx.proto3): where its external data lie, and whose operators it uses."""

from __future__ import annotations

from roadworthy.verify.artifact.archive_name import leaves
from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.protobuf import BYTES, VARINT, Field, fields, text
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Source

_TOP = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
_DOMAINS = {
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft", "com.microsoft.nchwc",
    "pkg.onnxscript.torch_lib", "pkg.onnxscript.torch_lib.common", "pkg.torch", "pkg.onnxscript.torch_lib.prims",
}  # fmt: skip
_PYTHON = {"PyOp", "PythonOp", "PythonOpGrad", "PyCustomOp", "PyFunc"}
_MOST_DEPTH = 32


def claims(top: dict[int, list[Field]]) -> bool:
    """Whether the fields are those of a ModelProto: a version, a graph, imported operator sets."""
    version = top.get(1, [])
    graph = top.get(7, [])
    known = set(top) <= _TOP and len(version) == 1 and version[0].wire == VARINT
    return (
        known and any(field.wire == BYTES for field in graph) and all(field.wire == BYTES for field in top.get(8, []))
    )


def judge(source: Source, inspection: Inspection, top: dict[int, list[Field]]) -> None:
    """Judge a model."""
    inspection.recognise("onnx")
    walk = _Walk(source, inspection)
    try:
        for number, found in top.items():
            for field in found:
                walk.top(number, field)
    except Malformed as broken:
        inspection.find("onnx.broken", broken.what, broken.offset)


class _Walk:
    def __init__(self, source: Source, inspection: Inspection) -> None:
        self._source = source
        self._inspection = inspection
        self._functions: set[str] = set()

    def top(self, number: int, field: Field) -> None:
        if number == 7:
            self._graph(field, 0)
        elif number == 20:
            for part in self._fields(field):
                if part.number in (1, 2):
                    self._graph(part, 0)
        elif number == 25:
            for part in self._fields(field):
                if part.number == 7:
                    self._node(part, 0)

    def _fields(self, field: Field) -> list[Field]:
        if field.wire != BYTES:
            raise Malformed("A message is no message.", field.start)
        return list(fields(self._source, field.start, field.size, self._inspection))

    def _graph(self, field: Field, depth: int) -> None:
        if depth > _MOST_DEPTH:
            raise Malformed(f"Graphs are nested more than {_MOST_DEPTH} deep.", field.start)
        for part in self._fields(field):
            if part.number == 1:
                self._node(part, depth)
            elif part.number == 5:
                self._tensor(part)
            elif part.number == 15:
                for tensor in self._fields(part):
                    if tensor.number in (1, 2):
                        self._tensor(tensor)

    def _node(self, field: Field, depth: int) -> None:
        kind = domain = ""
        for part in self._fields(field):
            if part.number == 4:
                kind = text(self._source, part)
            elif part.number == 7:
                domain = text(self._source, part)
            elif part.number == 5:
                self._attribute(part, depth)
        if kind in _PYTHON:
            self._inspection.find("onnx.python", f"The operator {shown(kind)} calls Python.", field.start)
        elif domain not in _DOMAINS:
            what = f"The operator {shown(domain)}:{shown(kind)} needs a library that is not part of ONNX."
            self._inspection.find("onnx.operator", what, None)

    def _attribute(self, field: Field, depth: int) -> None:
        for part in self._fields(field):
            if part.number in (5, 10):
                self._tensor(part)
            elif part.number in (6, 11):
                self._graph(part, depth + 1)
            elif part.number in (22, 23):
                for tensor in self._fields(part):
                    if tensor.number in (1, 2):
                        self._tensor(tensor)

    def _tensor(self, field: Field) -> None:
        for part in self._fields(field):
            if part.number == 13:
                told = {}
                for pair in [self._fields(part)]:
                    told = {each.number: text(self._source, each) for each in pair if each.wire == BYTES}
                if told.get(1) == "location" and self._escapes(told.get(2, "")):
                    where = shown(told.get(2, ""))
                    self._inspection.find(
                        "onnx.external", f"External data lie outside of the folder: {where}.", part.start
                    )

    @staticmethod
    def _escapes(location: str) -> bool:
        return leaves(location) or "\0" in location or "://" in location or location.startswith("~") or not location
