"""The rules of the scanner: what each makes of a file, how bad it is, how to mend it. Their names are public."""

from __future__ import annotations

from typing import NamedTuple

from roadworthy.verify.artifact.record import Severity, Verdict


class Rule(NamedTuple):
    """One rule.

    Args:
        verdict: What it makes of a file.
        severity: How bad it is.
        mend: How to mend it.
    """

    verdict: Verdict
    severity: Severity
    mend: str


_UNSAFE, _UNKNOWN = Verdict.UNSAFE, Verdict.UNVERIFIABLE
_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW

_DELETE = (
    "Do not load it. Get the model again from its author, in a format that carries data only, such as safetensors."
)
_CONVERT = "Save weights only (for torch a state_dict, better as safetensors), without objects of your own classes."
_AGAIN = "Get the file again from where it came from and compare its digest."
_REPACK = "Unpack it, look at the parts, and pack them again with an ordinary tool."
_REVIEW = "Have a person read it, then pin the file by its digest."

RULES: dict[str, Rule] = {
    # the file as such
    "file.unreadable": Rule(_UNKNOWN, _HIGH, "Make it readable for the user who scans, and scan again."),
    "file.link": Rule(_UNKNOWN, _MEDIUM, "Replace the link by the file that it points to."),
    "file.special": Rule(_UNKNOWN, _MEDIUM, "Remove it: a model is made of ordinary files."),
    "file.empty": Rule(_UNKNOWN, _LOW, _AGAIN),
    "file.unknown": Rule(
        _UNKNOWN, _MEDIUM, "Remove it, or convert it into a format that is known, such as safetensors."
    ),
    "file.pointer": Rule(_UNKNOWN, _MEDIUM, "Fetch what it points to (`git lfs pull`) and scan that."),
    "file.name-lies": Rule(_UNKNOWN, _MEDIUM, "Name the file after what it is, or get the right one."),
    "file.trailing": Rule(_UNKNOWN, _MEDIUM, _AGAIN),
    "file.more": Rule(_UNKNOWN, _LOW, "Mend the listed ones and scan again."),
    "budget.spent": Rule(_UNKNOWN, _MEDIUM, "Split the file, or save the model in a format that carries data only."),
    # code
    "code.executable": Rule(_UNSAFE, _HIGH, "Remove it: no model needs a program beside it."),
    "code.program": Rule(_UNKNOWN, _MEDIUM, _REVIEW),
    "code.bytecode": Rule(_UNSAFE, _HIGH, "Remove compiled Python; ship the source and have it read."),
    # pickle
    "pickle.import.dangerous": Rule(_UNSAFE, _CRITICAL, _DELETE),
    "pickle.import.unknown": Rule(_UNSAFE, _HIGH, _CONVERT),
    "pickle.import.computed": Rule(_UNSAFE, _CRITICAL, _DELETE),
    "pickle.import.registry": Rule(_UNSAFE, _HIGH, _DELETE),
    "pickle.call": Rule(_UNSAFE, _CRITICAL, _DELETE),
    "pickle.argument": Rule(_UNSAFE, _HIGH, _DELETE),
    "pickle.state": Rule(_UNSAFE, _HIGH, _DELETE),
    "pickle.patch": Rule(_UNSAFE, _CRITICAL, _DELETE),
    "pickle.persistent": Rule(_UNKNOWN, _MEDIUM, _CONVERT),
    "pickle.opaque": Rule(_UNKNOWN, _MEDIUM, _CONVERT),
    "pickle.frame": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "pickle.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    # archives
    "zip.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "zip.mismatch": Rule(_UNSAFE, _HIGH, _REPACK),
    "zip.hidden": Rule(_UNSAFE, _HIGH, _REPACK),
    "zip.overlap": Rule(_UNSAFE, _HIGH, _DELETE),
    "zip.duplicate": Rule(_UNSAFE, _HIGH, _REPACK),
    "zip.crc": Rule(_UNSAFE, _HIGH, _AGAIN),
    "zip.encrypted": Rule(_UNKNOWN, _HIGH, "Store it without a password; protect the place instead."),
    "zip.method": Rule(_UNKNOWN, _MEDIUM, _REPACK),
    "archive.path": Rule(_UNSAFE, _CRITICAL, _DELETE),
    "archive.link": Rule(_UNSAFE, _HIGH, "Pack files instead of links."),
    "archive.special": Rule(_UNSAFE, _HIGH, "Pack ordinary files only."),
    "archive.bomb": Rule(_UNSAFE, _HIGH, _DELETE),
    "archive.unreadable": Rule(_UNKNOWN, _MEDIUM, "Unpack it and scan what comes out."),
    "tar.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "compressed.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    # formats of weights
    "npy.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "safetensors.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "gguf.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "hdf5.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "hdf5.unwalkable": Rule(_UNKNOWN, _MEDIUM, "Save it again with the current h5py defaults, or as safetensors."),
    "hdf5.external": Rule(_UNSAFE, _HIGH, "Store the data inside of the file."),
    "onnx.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "onnx.external": Rule(_UNSAFE, _CRITICAL, "Store external data beside the model, named without folders above it."),
    "onnx.operator": Rule(
        _UNKNOWN, _MEDIUM, "Export it with standard operators, or review the library of the operator."
    ),
    "onnx.python": Rule(_UNSAFE, _CRITICAL, _DELETE),
    "tensorflow.broken": Rule(_UNKNOWN, _HIGH, _AGAIN),
    "tensorflow.operator": Rule(
        _UNSAFE, _CRITICAL, "Export the model without operators that touch files or call Python."
    ),
    "torchscript.operator": Rule(_UNSAFE, _HIGH, "Export the model without operators that touch files."),
    # active content
    "keras.lambda": Rule(_UNSAFE, _CRITICAL, "Replace the Lambda layer by a layer class and save the model again."),
    "keras.reference": Rule(_UNSAFE, _CRITICAL, _DELETE),
    "keras.custom": Rule(_UNKNOWN, _MEDIUM, _REVIEW),
    "keras.file": Rule(_UNSAFE, _HIGH, "Store the vocabulary in the model instead of a path."),
    "template.code": Rule(_UNSAFE, _CRITICAL, "Use a chat template without access to attributes and imports."),
    "template.broken": Rule(_UNKNOWN, _MEDIUM, _REVIEW),
    "json.broken": Rule(_UNKNOWN, _MEDIUM, _AGAIN),
    "config.code": Rule(
        _UNKNOWN, _MEDIUM, "Review the code that it names and pin it by digest; do not set trust_remote_code."
    ),
    "config.object": Rule(
        _UNSAFE, _CRITICAL, "Load YAML with a safe loader, and remove the tags that name Python objects."
    ),
}
