"""SUP-01: the bill of materials holds every distribution that is installed and every model file."""

from __future__ import annotations

from datetime import UTC, datetime

from roadworthy.verify.outcome import Coverage, Measure, Missing, Outcome, finding, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.installed import counted
from roadworthy.verify.supply.sbom import bill
from roadworthy.verify.supply.subject import installed, subject_models, unread
from roadworthy.verify.tree import shown


def probe(context: Context) -> Outcome:
    """Make the bill and count again."""
    found = installed(context)
    models, lost = subject_models(context.root, context.files())
    made = bill(found, models, project=context.root.name, now=datetime.now(UTC))
    context.evidence.write_json(made, "bill of materials (CycloneDX 1.6)")
    references = [component["bom-ref"] for component in made["components"]]
    libraries = sum(component["type"] == "library" for component in made["components"])
    coverage = Coverage(
        examined=libraries + len(models),
        existing=counted(found.folders) + len(models) + len(lost),
        how_counted="Existing: importlib.metadata over the same folders, and models. Examined: components of the bill.",
        missing=(*unread(found), *(Missing(name=shown(name)) for name in lost)),
    )
    findings = []
    if len(set(references)) < len(references):
        findings.append(
            finding(context.check, "reference", "Two components have the same reference.", key=("reference",))
        )
    hashed = sum("hashes" in component for component in made["components"])
    return judged(
        f"{libraries} distributions and {len(models)} models; {hashed} have hashes.",
        coverage=coverage, findings=findings, measured=[Measure(name="components", value=len(references), unit="1")],
    )  # fmt: skip
