"""Models that are protocol buffers: ONNX, TensorFlow's SavedModel and GraphDef, SentencePiece.

They have no magic. Bytes are one of them when every byte belongs to a field that its schema knows.
"""

from __future__ import annotations

from roadworthy.verify.artifact import onnx, tensorflow
from roadworthy.verify.artifact.inspection import BudgetSpent, Inspection, Malformed
from roadworthy.verify.artifact.protobuf import BYTES, VARINT, Field, fields
from roadworthy.verify.artifact.source import Source

_MOST_FIELDS = 2_000_000
_SENTENCEPIECE = {1, 2, 3, 4, 5}


def attempt(source: Source, inspection: Inspection) -> bool:
    """Judge the bytes when they are one of these models; gives whether they are."""
    trial = inspection.trial()
    try:
        top: dict[int, list[Field]] = {}
        for count, field in enumerate(fields(source, 0, source.size, trial)):
            if count > _MOST_FIELDS:
                return False
            top.setdefault(field.number, []).append(field)
    except (Malformed, BudgetSpent):
        return False
    if onnx.claims(top):
        onnx.judge(source, inspection, top)
    elif tensorflow.claims_saved_model(source, top, trial):
        tensorflow.judge_saved_model(source, inspection, top)
    elif tensorflow.claims_graph(source, top, trial):
        tensorflow.judge_graph(source, inspection, 0, source.size)
    elif tensorflow.claims_keras_metadata(source, top):
        tensorflow.judge_keras_metadata(source, inspection)
    elif _is_sentencepiece(source, top, trial):
        inspection.recognise("sentencepiece")
    else:
        return False
    return True


def _is_sentencepiece(source: Source, top: dict[int, list[Field]], trial: Inspection) -> bool:
    """Pieces {1: text, 2: score, 3: type}, then specifications of trainer and normalizer."""
    if not set(top) <= _SENTENCEPIECE or len(top.get(1, ())) < 3 or 2 not in top:
        return False
    try:
        for piece in top[1]:
            inside = list(fields(source, piece.start, piece.size, trial)) if piece.wire == BYTES else []
            if not inside or inside[0].number != 1 or any(field.number > 3 for field in inside):
                return False
    except (Malformed, BudgetSpent):
        return False
    return all(field.wire in (BYTES, VARINT) for field in top[2])
