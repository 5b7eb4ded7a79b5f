"""TensorFlow: SavedModel, frozen graphs, the metadata of Keras beside them, TensorFlow Lite."""

from __future__ import annotations

import re

from roadworthy.verify.artifact.inspection import BudgetSpent, Inspection, Malformed
from roadworthy.verify.artifact.protobuf import BYTES, VARINT, Field, fields, text
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import CHUNK, Source, chunks

_OPERATORS: dict[str, str] = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), "calls Python"),
    **dict.fromkeys(
        (
            "ReadFile", "WriteFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2", "TextLineReader",
            "TextLineReaderV2", "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "TFRecordReader",
            "TFRecordReaderV2", "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset",
            "FixedLengthRecordDatasetV2", "SaveDataset", "SaveDatasetV2", "LoadDataset", "DatasetToTFRecord",
            "CacheDataset", "CacheDatasetV2", "SqlDataset", "PrintV2", "CSVDataset", "CSVDatasetV2",
            "MatchingFilesDataset",
            "SSTableDataset", "ExperimentalCSVDataset", "ExperimentalDatasetToTFRecord", "DebugIdentity", "LMDBReader",
            "LMDBDataset", "WriteSummary", "CreateSummaryFileWriter",
        ),
        "touches files",
    ),
    **dict.fromkeys(("RpcCall", "RpcClient", "RpcServer", "RpcServerStart", "RemoteCall"), "talks to the network"),
}  # fmt: skip
_LAMBDA = re.compile(rb'"class_name"\s*:\s*"(?:[\w.]+>)?(Lambda|TorchModuleWrapper|__lambda__)"')
_FLEX = re.compile(rb"Flex(ReadFile|WriteFile|PyFunc|EagerPyFunc|PyFuncStateless|PrintV2|MatchingFiles)")


def claims_saved_model(source: Source, top: dict[int, list[Field]], trial: Inspection) -> bool:
    """Whether the fields are those of a SavedModel: a version, then meta graphs with a graph inside."""
    if not set(top) <= {1, 2} or 2 not in top or any(field.wire != VARINT for field in top.get(1, [])):
        return False
    return all(_holds(source, field, trial, {1, 2, 3, 4, 5, 6, 7}) for field in top[2])


def claims_graph(source: Source, top: dict[int, list[Field]], trial: Inspection) -> bool:
    """Whether the fields are those of a GraphDef: nodes with a name and an operator."""
    if not set(top) <= {1, 2, 3, 4, 5} or 1 not in top:
        return False
    for node in top[1][:64]:
        names = {field.number for field in _inside(source, node, trial)}
        if not {1, 2} <= names <= {1, 2, 3, 4, 5, 6, 7}:
            return False
    return all(field.wire == BYTES for field in top[1])


def claims_keras_metadata(source: Source, top: dict[int, list[Field]]) -> bool:
    """Whether it is the metadata that Keras 2 keeps beside a SavedModel."""
    return set(top) == {1} and b"_tf_keras_" in source.read(0, 1 << 16)


def _holds(source: Source, field: Field, trial: Inspection, known: set[int]) -> bool:
    return {part.number for part in _inside(source, field, trial)} <= known


def _inside(source: Source, field: Field, trial: Inspection) -> list[Field]:
    try:
        if field.wire == BYTES:
            return list(fields(source, field.start, field.size, trial))
    except (Malformed, BudgetSpent):
        pass  # then it is no such message
    return [Field(0, 0, 0, 0, 0)]


def judge_saved_model(source: Source, inspection: Inspection, top: dict[int, list[Field]]) -> None:
    """Judge the graphs of a SavedModel, its functions, and what Keras would make of its objects."""
    inspection.recognise("tensorflow-savedmodel")
    try:
        for meta in top[2]:
            for part in fields(source, meta.start, meta.size, inspection):
                if part.number == 2:
                    judge_graph(source, inspection, part.start, part.size)
                elif part.number == 7:
                    _judge_text(source, inspection, part.start, part.size)
    except Malformed as broken:
        inspection.find("tensorflow.broken", broken.what, broken.offset)


def judge_graph(source: Source, inspection: Inspection, start: int, size: int) -> None:
    """Judge the nodes of a graph and of the functions in its library."""
    inspection.recognise("tensorflow-graph")
    try:
        for part in fields(source, start, size, inspection):
            if part.number == 1:
                _judge_node(source, inspection, part)
            elif part.number == 2:
                for function in fields(source, part.start, part.size, inspection):
                    if function.number == 1:
                        for node in fields(source, function.start, function.size, inspection):
                            if node.number == 3:
                                _judge_node(source, inspection, node)
    except Malformed as broken:
        inspection.find("tensorflow.broken", broken.what, broken.offset)


def _judge_node(source: Source, inspection: Inspection, node: Field) -> None:
    for part in fields(source, node.start, node.size, inspection):
        if part.number == 2 and part.wire == BYTES:
            kind = text(source, part, 256)
            why = _OPERATORS.get(kind)
            if why:
                inspection.find("tensorflow.operator", f"The operator {shown(kind)} {why}.", node.start)


def judge_keras_metadata(source: Source, inspection: Inspection) -> None:
    """Judge the layers that the metadata describe."""
    inspection.recognise("keras-metadata")
    _judge_text(source, inspection, 0, source.size)


def _judge_text(source: Source, inspection: Inspection, start: int, size: int) -> None:
    before = b""
    for piece in chunks(source, start, start + size, CHUNK):
        match = _LAMBDA.search(before + piece)
        if match:
            inspection.find("keras.lambda", f"A layer of class {match[1].decode()} carries code of its own.", start)
            return
        before = piece[-256:]


def is_tflite(head: bytes) -> bool:
    """Whether the bytes begin like a model of TensorFlow Lite: a flat buffer with its identifier."""
    return head[4:8] == b"TFL3"


def judge_tflite(source: Source, inspection: Inspection) -> None:
    """Look for TensorFlow operators that touch files or call Python; all others have no such power."""
    inspection.recognise("tflite")
    root = int.from_bytes(source.read(0, 4), "little")
    if root + 4 > source.size:
        inspection.find("tensorflow.broken", "Its root table lies outside of it.", 0)
    before = b""
    for piece in chunks(source):
        match = _FLEX.search(before + piece)
        if match:
            inspection.find("tensorflow.operator", f"The operator {match[0].decode()} touches files or calls Python.")
            return
        before = piece[-64:]
