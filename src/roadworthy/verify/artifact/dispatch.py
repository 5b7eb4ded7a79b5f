"""Which formats apply to some bytes, by the bytes alone; each that applies is walked, and all findings count.

The rule for what no walker knows: it is clean only when it is positively recognised as harmless: text without control
characters, JSON, or a picture, sound or table that begins and ends as its format demands. All else is unverifiable. A
name can only make the verdict stricter: text or a picture under a model's name is unverifiable.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, field

from roadworthy.verify.artifact import (
    compressed,
    document,
    gguf,
    hdf5,
    inert,
    npy,
    protobuf_model,
    safetensors,
    tar_archive,
    tensorflow,
    torchscript,
    ubjson,
    zip_archive,
)
from roadworthy.verify.artifact.inspection import BudgetSpent, Inspection, Malformed
from roadworthy.verify.artifact.pickle import format as pickle_format
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Source, Unpacked

_HEAD = 4096
_MODEL_NAMES = (
    ".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt", ".bin", ".npy", ".npz", ".safetensors", ".gguf", ".ggml",
    ".h5", ".hdf5", ".keras", ".onnx", ".pb", ".tflite", ".mar", ".dill", ".p", ".model", ".sav", ".ptl", ".mlmodel",
    ".pdparams", ".msgpack", ".weights", ".tar", ".zip", ".gz", ".bz2", ".xz", ".7z", ".params",
)  # fmt: skip
_DATA_OF_MODELS = frozenset({"text", "json", "json-lines"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of bytes beside themselves.

    Args:
        name: Of the file or member.
        kinds: Formats of the archive that they lie in.
        raw_storage: They are elements of tensors, which nothing would unpickle.
        declared: Their size, as the archive says it; None when nothing says it.
    """

    name: str = ""
    kinds: frozenset[str] = field(default_factory=frozenset)
    raw_storage: bool = False
    declared: int | None = None


def judge_source(source: Source, inspection: Inspection, around: Surroundings | None = None) -> None:
    """Judge some bytes and everything inside of them.

    Args:
        source: The bytes.
        inspection: Gets the findings.
        around: Where they come from.

    Raises:
        Malformed: What unpacks them says that they are damaged.
    """
    around = around or Surroundings()
    try:
        _judge(source, inspection, around)
    except BudgetSpent as spent:
        inspection.find("budget.spent", str(spent))
    except compressed.Bomb as bomb:
        inspection.find("archive.bomb", str(bomb))


def _judge(source: Source, inspection: Inspection, around: Surroundings) -> None:
    head = source.read(0, _HEAD)
    if not head:
        inspection.recognise("empty")
        if around.name.lower().endswith(_MODEL_NAMES):
            inspection.find("file.empty", "It is empty.")
        return
    if around.raw_storage:
        _judge_storage(source, inspection, head)
        return
    claimed = _judge_binary(source, inspection, head, around)
    if inert.bytecode(head) and not claimed:
        inspection.recognise("bytecode")
        inspection.find("code.bytecode", "It is compiled Python.")
        claimed = True
    if not pickle_format.begins(head) and pickle_format.attempt(source, inspection, alone=not claimed):
        claimed = True
    if not claimed:
        _judge_other(source, inspection, head, around)


def _judge_storage(source: Source, inspection: Inspection, head: bytes) -> None:
    """Elements of a tensor. A pickle that would do something does not stand there by chance."""
    inspection.recognise("tensor")
    if not pickle_format.begins(head):
        return
    trial = inspection.trial()
    with suppress(BudgetSpent):  # what was found until then counts all the same
        pickle_format.judge(source, trial)
    if any(reason.rule.startswith("pickle.import.dangerous") for reason in trial.reasons):
        inspection.take(trial)


def _judge_binary(source: Source, inspection: Inspection, head: bytes, around: Surroundings) -> bool:
    """Walk every format that says what it is; gives whether there was one."""
    claimed = False
    cheap = source.ready or (around.declared or 1 << 30) <= 16 << 20
    if cheap:
        _ = source.size  # a packed member of this size is unpacked at once, so that its end can be looked at
    if pickle_format.begins(head):
        pickle_format.judge(source, inspection, torchscript="torchscript" in around.kinds)
        claimed = True
    if zip_archive.claims(source, head):
        zip_archive.judge(source, inspection)
        claimed = True
    packed = compressed.kind(head)
    if packed is not None and _judge_packed(source, inspection, packed, around):
        claimed = True
    for claims, judge in _BY_HEAD:
        if claims(head):
            judge(source, inspection)
            claimed = True
    if hdf5.claims(source, head):
        hdf5.judge(source, inspection)
        claimed = True
    program = inert.program(source, head)
    if program is not None:
        inspection.recognise(program)
        inspection.find("code.executable", f"It is a program ({program}).", 0)
        claimed = True
    return claimed


_BY_HEAD = (
    (lambda head: head.startswith(npy.MAGIC), npy.judge),
    (lambda head: head.startswith(gguf.MAGIC), gguf.judge),
    (safetensors.claims, safetensors.judge),
    (tar_archive.claims, tar_archive.judge),
    (tensorflow.is_tflite, tensorflow.judge_tflite),
)


def _judge_packed(source: Source, inspection: Inspection, packed: str, around: Surroundings) -> bool:
    """Judge what comes out of a compressed stream; False when it only looked like one (two bytes say zlib)."""
    with closing(Unpacked(compressed.unpacked(source, packed, inspection))) as inside:
        return _judge_unpacked(inside, inspection, packed, around)


def _judge_unpacked(inside: Unpacked, inspection: Inspection, packed: str, around: Surroundings) -> bool:
    try:
        inside.read(0, 1)
    except Malformed as broken:
        if packed in ("zlib", "lzma"):
            return False
        inspection.recognise(packed)
        inspection.find("compressed.broken", broken.what, broken.offset)
        return True
    inspection.recognise(packed)
    name = around.name
    for ending in (".gz", ".bz2", ".xz", ".z", ".lzma", ".tgz"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)] + (".tar" if ending == ".tgz" else "")
    try:
        with inspection.member(f"({packed})"):
            judge_source(inside, inspection, Surroundings(name))
            _ = inside.size
    except Malformed as broken:
        inspection.find("compressed.broken", broken.what, broken.offset)
    return True


def _judge_other(source: Source, inspection: Inspection, head: bytes, around: Surroundings) -> None:
    """What has no magic of a model: an inert format, a protocol buffer, text, or nothing that is known."""
    model_name = around.name.lower().endswith(_MODEL_NAMES)
    known = inert.whole(source, head)
    if known is not None:
        inspection.recognise(known)
        if model_name:
            inspection.find("file.name-lies", f"It has a model's name and is {known}.")
        return
    container = inert.unreadable(head)
    if container is not None:
        inspection.recognise(container)
        inspection.find("archive.unreadable", f"What is in a file of the format {container} is not looked at.")
    elif document.is_text(source):
        _judge_text(source, inspection, around, model_name=model_name)
    elif not (ubjson.attempt(source, inspection) or protobuf_model.attempt(source, inspection)):
        inspection.find("file.unknown", "Its format is not known.")


def _judge_text(source: Source, inspection: Inspection, around: Surroundings, *, model_name: bool) -> None:
    if "torchscript" in around.kinds and around.name.endswith(".py"):
        torchscript.judge(source, inspection)
        return
    before = inspection.verdict
    document.judge(source, inspection, around.name)
    if model_name and inspection.verdict is before is Verdict.CLEAN and not torchscript.model_text(source):
        inspection.find("file.name-lies", "It has a model's name and is text.")
