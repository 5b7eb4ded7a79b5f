"""ART-01: the content of every model file is what the manifest says; none is missing."""

from __future__ import annotations

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify.integrity import baseline
from roadworthy.verify.integrity.baseline import Survey
from roadworthy.verify.integrity.compare import Difference, compare
from roadworthy.verify.integrity.subject import Place, manifest, place
from roadworthy.verify.integrity.walk import UNKNOWN
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Measure,
    Missing,
    Outcome,
    Severity,
    finding,
    judged,
    not_measured,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown


def probe(context: Context) -> Outcome:
    """Hash the models and compare."""
    at = place(context)
    if isinstance(at, Outcome):
        return at
    started = baseline.now()
    try:
        listed = manifest(at).manifest
    except RoadworthyError as problem:
        return _broken(context, problem)
    done = total = 0

    def counted(amount: int) -> None:
        nonlocal total
        total = amount

    def step(amount: int) -> None:
        nonlocal done
        done += amount
        context.progress("hashing", done, total)

    found = baseline.survey(at.root, apart=[at.manifest], step=step, total=counted)
    difference = compare(listed.contents, found.contents, found.oddities)
    context.evidence.write_json(
        {
            "manifest_digest": listed.root_digest,
            "created": listed.created.isoformat() if listed.created else None,
            "files": {shown(each.name): each.digest for each in found.contents},
        },
        "digests of the model files",
        covers=[listed.root_digest],
    )
    if listed.created is not None and listed.created >= started:
        return not_measured("The manifest was made by this run, or its time lies in the future.")
    return judged(
        f"{difference.same} of {len(listed.contents)} files are as the manifest says; {baseline.told(difference)}.",
        coverage=_coverage(at, found),
        findings=_findings(context.check, difference),
        measured=[Measure(name="hashed", value=total, unit="bytes", n=len(found.contents))],
    )


def _coverage(at: Place, found: Survey) -> Coverage:
    unknown = [odd for odd in found.oddities if odd.problem in UNKNOWN]
    missing = [Missing(name=shown(odd.name)) for odd in unknown] + [Missing(name=shown(name)) for name in at.elsewhere]
    folders = sum(odd.folder for odd in unknown)
    return Coverage(
        examined=len(found.contents),
        existing=found.existing + folders + len(at.elsewhere),
        how_counted="Existing: a walk of the models' folder, and models elsewhere in the subject. Examined: hashed.",
        missing=tuple(missing),
    )


def _findings(check: str, difference: Difference) -> list[Finding]:
    rows = [("changed", name, "The content is not what the manifest says.") for name in difference.changed]
    rows += [("missing", name, "The file is gone.") for name in difference.missing]
    rows += [("renamed", old, f"The content is now called {shown(new)}.") for old, new in difference.renamed]
    return [
        finding(check, rule, message, key=(name,), severity=Severity.CRITICAL, location=Location(path=shown(name)))
        for rule, name, message in rows
    ]


def _broken(context: Context, problem: RoadworthyError) -> Outcome:
    context.evidence.write_json(problem.as_dict(), "the manifest")
    return judged(
        str(problem),
        coverage=Coverage(examined=1, existing=1, how_counted="The manifest."),
        findings=[finding(context.check, "manifest", str(problem), key=("manifest",), severity=Severity.CRITICAL)],
    )
