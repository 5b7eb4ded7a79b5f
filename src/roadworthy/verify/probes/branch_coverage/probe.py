"""QUA-02: how much of the source the tests of QUA-01 reached, by coverage.py, in that very run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import msgspec

from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Measure,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    finding,
    judged,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.suite import handover, judge
from roadworthy.verify.tree import Node, shown


def probe(context: Context) -> Outcome:
    """Read what coverage.py counted."""
    why = handover.taken(context, "why").decode()
    if why:
        raise NotMeasured(why)
    content = handover.taken(context, "coverage.json")
    context.evidence.write(content, "coverage json", media_type="application/json", tool="coverage.py")
    try:
        told = msgspec.json.decode(content, type=dict[str, Any])
        files, total = dict(told["files"]), dict(told["totals"])
        lines = (int(total["covered_lines"]), int(total["num_statements"]))
        branches = (int(total["covered_branches"]), int(total["num_branches"]))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise NotMeasured("What coverage.py said cannot be read; it may have run without branches.") from None
    least = float(context.settings["least"])
    shares = {"lines": _percent(*lines), "branches": _percent(*branches)}
    low = {name: share for name, share in shares.items() if share is not None and share < least}
    findings = [
        finding("QUA-02", name, f"The tests reach {share:.1f} % of the {name}; {least:g} % are asked.", key=(name,),
                severity=Severity.MEDIUM)
        for name, share in low.items()
    ]  # fmt: skip
    if low:
        findings += _least_covered(files)
    measured = [
        Measure(name="lines", value=shares["lines"], unit="%", n=lines[1]),
        Measure(name="branches", value=shares["branches"], unit="%", n=branches[1]),
    ]
    said = ", ".join(f"{share:.1f} % of the {name}" for name, share in shares.items() if share is not None)
    return judged(f"The tests reach {said or 'nothing that can be counted'}.",
                  coverage=_coverage(context, files), findings=findings, measured=measured)  # fmt: skip


def _percent(part: int, whole: int) -> float | None:
    return None if whole == 0 else round(100 * part / whole, 2)


def _least_covered(files: dict[str, Any]) -> list[Finding]:
    missed = {name: int(each["summary"]["missing_lines"]) for name, each in files.items()}
    worst = sorted(missed.items(), key=lambda pair: -pair[1])[:10]
    return [
        finding(
            "QUA-02", "file", f"{shown(name)}: {number} lines are not reached.",
            key=(name,), severity=Severity.NOTE, location=Location(path=shown(name)),
        )
        for name, number in worst if number
    ]  # fmt: skip


def _coverage(context: Context, files: dict[str, Any]) -> Coverage:
    measured = {name.replace("\\", "/").removeprefix("./") for name in files}
    existing = [each.name for each in _sources(context)]
    missing = [
        Missing(name=shown(name), reason=judge.excuse(name, context.settings["unmeasured"]))
        for name in existing
        if name not in measured
    ]
    return Coverage(
        examined=len(existing) - len(missing),
        existing=len(existing),
        how_counted="Existing: Python files with a statement below the sources. Examined: files of `coverage json`.",
        missing=tuple(missing),
    )


def _sources(context: Context) -> Iterator[Node]:
    named = [str(each).strip("/") for each in context.settings["sources"]]
    if not named and (context.root / "src").is_dir():
        named = ["src"]
    for node in context.files():
        below = not named or any(node.name.startswith(f"{each}/") for each in named)
        if node.kind == "file" and node.name.endswith(".py") and below and _has_code(node):
            yield node


def _has_code(node: Node) -> bool:
    try:
        return bool(ast.parse(node.path.read_bytes()).body)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return True
