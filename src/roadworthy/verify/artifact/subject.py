"""The model files of a subject: every file is judged, and its contents say whether it is a model's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from roadworthy.verify.artifact.record import FileReport, Verdict
from roadworthy.verify.artifact.tree import Found, judge_file
from roadworthy.verify.outcome import Coverage, Missing
from roadworthy.verify.probe import Context
from roadworthy.verify.shared import shared
from roadworthy.verify.tree import Node, file_digest, shown

NOTHING = hashlib.sha256(b"").hexdigest()
"""Stands for the digest of what cannot be read."""

_NO_MODEL = frozenset(
    {"text", "json", "json-lines", "program", "empty", "png", "jpeg", "gif", "riff", "flac", "ogg", "sqlite"}
)
_CODE_RULES = frozenset({"code.program", "config.code", "json.broken", "code.bytecode", "file.link", "template.broken"})
PICKLED = frozenset({"pickle"})
PURE = frozenset(
    {"safetensors", "gguf", "onnx", "npy", "hdf5", "tflite", "tensorflow-savedmodel", "tensorflow-graph", "ubjson"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """The files of a subject.

    Args:
        reports: Of every file, names relative to the root.
        models: Those that are models, or may be: by content, whatever they are called.
        coverage: Files judged, against files of a walk of the tree.
        digests: SHA-256 by name, of models and of what was not clean.
    """

    reports: tuple[FileReport, ...]
    models: tuple[FileReport, ...]
    coverage: Coverage
    digests: Mapping[str, str]

    def identity(self, report: FileReport) -> str:
        """What makes a finding about a file this one: the digest of its contents."""
        return self.digests.get(report.path) or NOTHING

    def pinned(self, report: FileReport, reviewed: Mapping[str, object]) -> bool:
        """Whether a person reviewed exactly these bytes: the policy names the file with its SHA-256."""
        told = reviewed.get(report.path)
        return isinstance(told, str) and told.lower() == self.digests.get(report.path)


class _Kept(msgspec.Struct, frozen=True):
    """What one check of a run hands to the others: the reports, in the order of the walk, without names."""

    reports: list[FileReport]
    digests: list[str]


def judge_subject(context: Context) -> Judged:
    """Judge every file of the subject, and keep what was found as evidence; the checks of a run share the work."""
    nodes = [node for node in context.files() if node.kind != "link"]
    content = shared(context, "artifacts", _state(nodes), lambda: msgspec.json.encode(_scanned(context, nodes)))
    kept = msgspec.json.decode(content, type=_Kept)
    reports = tuple(replace(each, path=node.name) for node, each in zip(nodes, kept.reports, strict=True))
    coverage = Coverage(
        examined=sum(1 for report in reports if report.size is not None),
        existing=len(nodes),
        how_counted="Existing: files of a walk of the tree. Examined: files that the scanner opened.",
        missing=tuple(Missing(name=shown(report.path)) for report in reports if report.size is None),
    )
    digests = dict(zip((node.name for node in nodes), kept.digests, strict=True))
    subject = Judged(reports, tuple(report for report in reports if is_model(report)), coverage, digests)
    context.evidence.write_json(
        {"files": len(reports), "models": [_told(subject, report) for report in subject.models]},
        "verdicts on model files",
    )
    return subject


def _scanned(context: Context, nodes: Sequence[Node]) -> _Kept:
    reports, digests = [], []
    for done, node in enumerate(nodes):
        context.progress("scanning model files", done, len(nodes))
        report = judge_file(Found(os.fspath(node.path), os.fspath(context.root)))
        reports.append(replace(report, path=""))
        told = is_model(report) or report.reasons or {"jinja", "torchscript-code"} & {*report.formats}
        digests.append(_digest(node) if told else "")
    return _Kept(reports, digests)


def _state(nodes: Sequence[Node]) -> bytes:
    """What would be different if a file were: names, inodes, sizes and both times of every file."""
    found = hashlib.sha256()
    for node in nodes:
        try:
            about = os.lstat(node.path)
        except OSError:
            found.update(b"- ")
        else:
            seen = (about.st_dev, about.st_ino, about.st_mode, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
            found.update(repr(seen).encode())
        name = os.fsencode(node.name)
        found.update(b" %d %b\n" % (len(name), name))
    return found.digest()


def _digest(node: Node) -> str:
    try:
        return file_digest(node.path)
    except OSError:
        return NOTHING


def is_model(report: FileReport) -> bool:
    """Whether a file is a model's: its formats are not only text, code, pictures; or nobody knows what it is.

    Program code and settings that are not clean are judged by other checks (ART-06, ART-07).
    """
    if not set(report.formats) <= _NO_MODEL:
        return True
    return any(reason.rule not in _CODE_RULES for reason in report.reasons)


def place(report: FileReport, member: str = "") -> str:
    """The name of a file, and of the member in it, as they are shown."""
    return shown(report.path) + (f"!/{member}" if member else "")


def _told(subject: Judged, report: FileReport) -> dict[str, object]:
    rules = sorted({reason.rule for reason in report.reasons})
    return {
        "path": shown(report.path), "verdict": report.verdict.value, "formats": list(report.formats), "rules": rules,
        "sha256": subject.identity(report), "clean": report.verdict is Verdict.CLEAN,
    }  # fmt: skip
