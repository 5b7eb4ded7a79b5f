"""ART-09: what each model was made from, on what data, under which licence and by which run is written down."""

from __future__ import annotations

from roadworthy.verify.outcome import (
    Coverage,
    Location,
    Missing,
    Outcome,
    Severity,
    finding,
    judged,
    not_applicable,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.subject import subject_models
from roadworthy.verify.tree import shown


def probe(context: Context) -> Outcome:
    """Read what is said about each model."""
    found, lost = subject_models(context.root, context.files())
    context.evidence.write_json(
        [{"model": each.name, "sha256": each.sha256, **each.card._asdict()} for each in found], "entries of the models"
    )
    if not found and not lost:
        return not_applicable(
            "The subject holds no model file.",
            predicate="the subject holds a model file",
            detail="0 of its files are models",
        )
    findings = [
        finding(
            context.check, "entry", f"Nothing says its {', '.join(each.card.missing).replace('_', ' ')}.",
            key=(each.name, *each.card.missing), severity=Severity.MEDIUM, location=Location(path=each.name),
        )
        for each in found
        if each.card.missing
    ]  # fmt: skip
    coverage = Coverage(
        examined=len(found), existing=len(found) + len(lost), missing=tuple(Missing(name=shown(name)) for name in lost),
        how_counted="Existing: model files of a walk of the tree. Examined: hashed, and their cards read.",
    )  # fmt: skip
    whole = len(found) - len(findings)
    return judged(
        f"{whole} of {len(found)} models have a whole entry.", coverage=coverage, findings=findings,
        share=whole / len(found) if found else None,
    )  # fmt: skip
