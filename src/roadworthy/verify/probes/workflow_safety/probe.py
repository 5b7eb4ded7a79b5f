"""SUP-08: pipelines grant little, and what strangers write is never run."""

from __future__ import annotations

from roadworthy.verify.outcome import Coverage, Outcome, judged, not_applicable
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.pipeline import SAFETY, finding_of, kind, missing, read
from roadworthy.verify.tree import shown

KINDS = ("github", "gitlab")


def probe(context: Context) -> Outcome:
    """Read the pipelines of GitHub and GitLab."""
    nodes = list(context.files())
    existing = [node.name for node in nodes if kind(node.name) in KINDS]
    reads = list(read(nodes, KINDS))
    context.evidence.write_json(
        [{"file": shown(each.name), "kind": each.kind, "unread": each.unread} for each in reads], "pipelines"
    )
    if not existing:
        return not_applicable(
            "There is no pipeline of GitHub or GitLab.", predicate="the subject holds a pipeline of GitHub or GitLab",
            detail=f"{len(nodes)} files, none of these",
        )  # fmt: skip
    findings = [finding_of(context.check, fault) for each in reads for fault in each.faults if fault.rule in SAFETY]
    coverage = Coverage(
        examined=sum(not each.unread for each in reads),
        existing=len(existing),
        how_counted="Existing: files of a walk with such names. Examined: read and understood.",
        missing=missing(reads),
    )
    return judged(f"{len(reads)} pipelines, {len(findings)} findings.", coverage=coverage, findings=findings)
