"""SEC-02: no credential that anybody would guess stands in code, environment files or configuration."""

from __future__ import annotations

from roadworthy.verify.credential.subject_text import decoded, sort_out
from roadworthy.verify.credential.weak import weak_credentials
from roadworthy.verify.outcome import Coverage, Finding, Location, Missing, Outcome, Severity, finding, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown

_SAID = {"value": "{name} has a value that anybody would guess.", "url": "The password of {name} is one to guess."}


def probe(context: Context) -> Outcome:
    """Look through every text."""
    found = sort_out(context.files(), context.settings["not_running"])
    findings: list[Finding] = []
    missing = list(found.missing)
    examined = 0
    for number, node in enumerate(found.texts):
        context.progress("weak credentials", number, len(found.texts))
        try:
            raw = node.path.read_bytes()
        except OSError as problem:
            missing.append(Missing(name=f"{shown(node.name)}: {problem.strerror}"))
            continue
        examined += 1
        findings += [
            finding(
                context.check, each.form, _SAID[each.form].format(name=each.name), key=(node.name, each.name),
                severity=Severity.CRITICAL, location=Location(path=shown(node.name), line=each.line),
            )
            for each in weak_credentials(node.name, decoded(raw))
        ]  # fmt: skip
    context.evidence.write_json(
        {"files": found.existing, "looked_through": examined, "findings": len(findings)},
        "texts that were looked through",
    )
    coverage = Coverage(
        examined=examined, existing=found.existing, missing=tuple(missing),
        how_counted="Existing: a walk of the tree. Examined: texts that were read to their end.",
    )  # fmt: skip
    return judged(f"{len(findings)} weak credentials in {examined} texts.", coverage=coverage, findings=findings)
