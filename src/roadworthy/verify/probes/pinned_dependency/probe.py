"""SUP-03: what gets installed, run or built upon is named by the hash of its content."""

from __future__ import annotations

import tomllib

from roadworthy.verify.outcome import Coverage, Missing, Outcome, finding, judged, not_applicable
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.lock_file import locks_of_language
from roadworthy.verify.supply.pipeline import SAFETY, finding_of, kind, missing, read
from roadworthy.verify.tree import Node, shown

KINDS = ("github", "gitlab", "image", "lock")


def probe(context: Context) -> Outcome:
    """Read lock files, Dockerfiles and pipelines."""
    excused: dict[str, str] = {name: str(why) for name, why in context.settings["not_locks"].items()}
    nodes = list(context.files())
    existing = [node.name for node in nodes if kind(node.name) in KINDS]
    reads = list(read((node for node in nodes if node.name not in excused), KINDS))
    context.evidence.write_json(
        [{"file": shown(each.name), "kind": each.kind, "entries": each.entries, "faults": len(each.faults),
          "unread": each.unread} for each in reads],
        "files that say what gets installed",
    )  # fmt: skip
    faults = [fault for each in reads for fault in each.faults if fault.rule not in SAFETY]
    findings = [finding_of(context.check, fault) for fault in faults]
    asking = [node.name for node in nodes if node.kind == "file" and locks_of_language(node.name) and _asks(node)]
    if asking and not any(each.kind == "lock" and not each.unread for each in reads):
        said = f"{shown(asking[0])} asks for packages, and no lock file says which."
        findings.append(finding(context.check, "no_lock", said, key=(asking[0],)))
    if not existing and not findings:
        return not_applicable(
            "Nothing of the subject gets installed, built or run by a pipeline.",
            predicate="the subject holds a lock file, a pipeline, a Dockerfile, or asks for packages",
            detail=f"{len(nodes)} files, none of these",
        )
    kept = [Missing(name=shown(name), reason=excused[name]) for name in existing if name in excused]
    coverage = Coverage(
        examined=sum(not each.unread for each in reads) + bool(not existing),
        existing=len(existing) + bool(not existing),
        how_counted="Existing: files of a walk with such names. Examined: read and understood.",
        missing=(*missing(reads), *kept),
    )
    entries = sum(each.entries for each in reads)
    return judged(
        f"{len(reads)} files, {entries} locked packages, {len(findings)} things not pinned.",
        coverage=coverage, findings=findings,
    )  # fmt: skip


def _asks(node: Node) -> bool:
    """Whether a project asks for packages at run time; what cannot be read asks."""
    if not node.name.endswith("pyproject.toml"):
        return True
    try:
        values = tomllib.loads(node.path.read_text("utf-8"))
    except (OSError, ValueError):
        return True
    poetry = values.get("tool", {}).get("poetry", {}).get("dependencies", {})
    return bool(values.get("project", {}).get("dependencies") or set(poetry) - {"python"})
