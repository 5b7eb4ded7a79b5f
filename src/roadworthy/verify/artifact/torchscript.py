"""TorchScript: code in an archive of torch, run by torch's own interpreter, which has no imports but has operators."""

from __future__ import annotations

import re

from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Source, chunks

_FILES = re.compile(
    r"\b(?:torch\.(?:from_file|save|load)|ops\.(?:aten|image|torchvision|torchaudio|prim)\.(?:from_file|save|load|"
    r"write_file|read_file|decode_file|_save\w*|_load\w*|open|exec\w*))\s*\("
)
_OPERATORS = re.compile(r"\bops\.(\w+)\.\w+")
_KNOWN = {
    "aten",
    "prim",
    "quantized",
    "torchvision",
    "torchaudio",
    "_caffe2",
    "mkldnn",
    "xnnpack",
    "prepacked",
    "image",
}
_TREE_MODEL = re.compile(r"tree\r?\nversion=|\{|booster\[0\]:|svm_type |solver_type |\d+ \d+\r?\n")


def judge(source: Source, inspection: Inspection) -> None:
    """Look for operators that touch files, and for operators of libraries that are not torch's own."""
    inspection.recognise("torchscript-code")
    before = ""
    for piece in chunks(source):
        text = before + piece.decode("utf-8", "replace")
        match = _FILES.search(text)
        if match:
            inspection.find("torchscript.operator", f"It uses {shown(match[0].rstrip('('))}, which touches files.")
        for library in sorted(set(_OPERATORS.findall(text)) - _KNOWN):
            inspection.find("onnx.operator", f"It uses operators of {shown(library)}, a library that is not torch's.")
        before = text[-200:]


def model_text(source: Source) -> bool:
    """Whether a text is a known format of models that are texts: LightGBM, XGBoost, LIBSVM, word2vec, JSON."""
    return _TREE_MODEL.match(source.read(0, 64).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")) is not None
