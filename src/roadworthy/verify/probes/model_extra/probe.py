"""ART-03: below the models' folder there is what the manifest names, as plain files, and nothing else."""

from __future__ import annotations

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify.integrity.baseline import name_below
from roadworthy.verify.integrity.manifest import Manifest
from roadworthy.verify.integrity.subject import manifest, place
from roadworthy.verify.integrity.walk import HARMLESS, UNKNOWN, Walked, walk
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    finding,
    judged,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown


def probe(context: Context) -> Outcome:
    """Walk the models' folder."""
    at = place(context)
    if isinstance(at, Outcome):
        return at
    walked = walk(at.root, [at.manifest])
    findings = _odd(context.check, walked)
    listed, why = None, ""
    try:
        listed = manifest(at).manifest
    except NotMeasured as reason:
        why = str(reason)
    except RoadworthyError as broken:
        why = str(broken)
    if listed is not None:
        findings += _extra(context.check, walked, listed, name_below(at.root, at.manifest))
    unknown = [odd for odd in walked.oddities if odd.problem in UNKNOWN]
    context.evidence.write_json(
        {
            "files": [shown(entry.name) for entry in walked.entries],
            "problems": [
                {"problem": odd.problem, "name": shown(odd.name), "detail": odd.detail} for odd in walked.oddities
            ],
        },
        "what lies below the models' folder",
    )
    named = len(walked.entries)
    coverage = Coverage(
        examined=named if listed is not None else 0,
        existing=named + len(unknown),
        how_counted="Existing: a walk of the models' folder. Examined: names that could be looked up in the manifest.",
        missing=tuple(Missing(name=shown(odd.name)) for odd in unknown),
    )
    return judged(f"{named} files, {len(findings)} findings. {why}".strip(), coverage=coverage, findings=findings)


def _odd(check: str, walked: Walked) -> list[Finding]:
    return [
        finding(
            check, str(odd.problem), f"It is {odd.detail}." if odd.detail.startswith("a ") else f"It {odd.detail}.",
            key=(shown(odd.name),), location=Location(path=shown(odd.name) or "."),
            severity=Severity.NOTE if odd.problem in HARMLESS else Severity.HIGH,
        )
        for odd in walked.oddities
        if odd.problem not in UNKNOWN
    ]  # fmt: skip


def _extra(check: str, walked: Walked, listed: Manifest, own: str | None) -> list[Finding]:
    known = {content.name for content in listed.contents}
    extra = [entry.name for entry in walked.entries if entry.name not in known]
    found = [
        finding(
            check, "extra", "The manifest does not name it.", key=(shown(name),), location=Location(path=shown(name))
        )
        for name in extra
    ]
    return found + [
        finding(check, "left_out", f"The manifest leaves {shown(name)} out.", key=(name,))
        for name in listed.ignored
        if name != own
    ]
