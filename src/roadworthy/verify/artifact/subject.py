"""The model files of a subject: every file is judged, and its contents say whether it is a model's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from roadworthy.verify.artifact.record import FileReport, Verdict
from roadworthy.verify.artifact.tree import Found, judge_file
from roadworthy.verify.outcome import Coverage, Missing
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import file_digest, shown

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
    """

    reports: tuple[FileReport, ...]
    models: tuple[FileReport, ...]
    coverage: Coverage


def judge_subject(context: Context) -> Judged:
    """Judge every file of the subject, and keep what was found as evidence."""
    reports = []
    nodes = [node for node in context.files() if node.kind != "link"]
    for done, node in enumerate(nodes):
        context.progress("scanning model files", done, len(nodes))
        report = judge_file(Found(os.fspath(node.path), os.fspath(context.root)))
        reports.append(FileReport(node.name, report.verdict, report.formats, report.reasons, report.size))
    coverage = Coverage(
        examined=sum(1 for report in reports if report.size is not None),
        existing=len(nodes),
        how_counted="Existing: files of a walk of the tree. Examined: files that the scanner opened.",
        missing=tuple(Missing(name=shown(report.path)) for report in reports if report.size is None),
    )
    models = tuple(report for report in reports if is_model(report))
    context.evidence.write_json(
        {"files": len(reports), "models": [_told(context, report) for report in models]}, "verdicts on model files"
    )
    return Judged(tuple(reports), models, coverage)


def is_model(report: FileReport) -> bool:
    """Whether a file is a model's: its formats are not only text, code, pictures; or nobody knows what it is.

    Program code and settings that are not clean are judged by other checks (ART-06, ART-07).
    """
    if not set(report.formats) <= _NO_MODEL:
        return True
    return any(reason.rule not in _CODE_RULES for reason in report.reasons)


def pinned(context: Context, report: FileReport, reviewed: Mapping[str, object]) -> bool:
    """Whether a person reviewed exactly these bytes: the policy names the file with its SHA-256."""
    told = reviewed.get(report.path)
    try:
        return isinstance(told, str) and told.lower() == file_digest(context.root / report.path)
    except OSError:
        return False


def identity(context: Context, report: FileReport) -> str:
    """What makes a finding about a file this one: the digest of its contents."""
    try:
        return file_digest(context.root / report.path)
    except OSError:
        return hashlib.sha256(b"").hexdigest()


def place(report: FileReport, member: str = "") -> str:
    """The name of a file, and of the member in it, as they are shown."""
    return shown(report.path) + (f"!/{member}" if member else "")


def _told(context: Context, report: FileReport) -> dict[str, object]:
    rules = sorted({reason.rule for reason in report.reasons})
    return {
        "path": shown(report.path), "verdict": report.verdict.value, "formats": list(report.formats), "rules": rules,
        "sha256": identity(context, report), "clean": report.verdict is Verdict.CLEAN,
    }  # fmt: skip
