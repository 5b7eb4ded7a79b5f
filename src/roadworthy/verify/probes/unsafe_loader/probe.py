"""ART-06: Python files and notebooks are read for calls that unpickle or run code; joblib counts as pickle."""

from __future__ import annotations

from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    Outcome,
    finding,
    judged,
    not_applicable,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.source.scan import SUFFIXES, LoaderFinding, Unreadable, scan_text
from roadworthy.verify.tree import Node, shown

_MOST_BYTES = 20 << 20


def probe(context: Context) -> Outcome:
    """Read every Python file; what does not parse was not examined."""
    reasons = context.settings["not_product"]
    nodes = [node for node in context.files() if node.kind == "file" and node.name.lower().endswith(SUFFIXES)]
    if not nodes:
        context.evidence.write_json({"python_files": 0}, "files of the subject")
        return not_applicable("There is no Python here.", predicate="the subject holds a Python file", detail="0 files")
    findings: list[Finding] = []
    missing: list[Missing] = []
    examined = 0
    for node in nodes:
        why = next((str(why) for place, why in reasons.items() if _below(node.name, place)), "")
        try:
            found = [] if why else scan_text(_text(node), notebook=node.name.lower().endswith(".ipynb"))
        except (Unreadable, OSError) as error:
            missing.append(Missing(name=f"{shown(node.name)}: {shown(str(error))[:200]}"))
            continue
        if why:
            missing.append(Missing(name=shown(node.name), reason=why))
            continue
        examined += 1
        findings += [_finding(context, node, each) for each in found]
    told = [{"path": each.location.path, "rule": each.rule} for each in findings if each.location]
    context.evidence.write_json({"python_files": len(nodes), "examined": examined, "findings": told}, "loaders found")
    return judged(
        f"{len(findings)} unsafe loaders in {examined} Python files.",
        coverage=Coverage(
            examined=examined, existing=len(nodes), missing=tuple(missing),
            how_counted="Existing: Python files of a walk of the tree. Examined: files that were parsed.",
        ),
        findings=findings,
    )  # fmt: skip


def _text(node: Node) -> str:
    if node.size > _MOST_BYTES:
        raise Unreadable("It is too large.")
    try:
        return node.path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("It is not UTF-8.") from None


def _finding(context: Context, node: Node, found: LoaderFinding) -> Finding:
    cell = f" (cell {found.cell})" if found.cell is not None else ""
    return finding(
        context.check, found.rule, f"{shown(found.what)}{cell} {found.mend}", key=(node.name, found.code),
        severity=found.severity, location=Location(path=shown(node.name), line=found.line, column=found.column),
    )  # fmt: skip


def _below(name: str, place: str) -> bool:
    return name == place or name.startswith(place.rstrip("/") + "/")
