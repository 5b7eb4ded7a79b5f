"""ART-07: what in model files and their settings is code, or names code: found, or pinned by digest after a review."""

from __future__ import annotations

from roadworthy.verify.artifact.record import FileReport
from roadworthy.verify.artifact.subject import Judged, judge_subject, place
from roadworthy.verify.outcome import Finding, Location, Outcome, Severity, finding, judged
from roadworthy.verify.probe import Context

_RULES = ("template.", "config.", "keras.", "onnx.external", "onnx.operator", "onnx.python", "tensorflow.operator",
          "torchscript.", "hdf5.external")  # fmt: skip
_TEMPLATE = "It holds a chat template, which is code that nobody has reviewed."
_SCRIPT = "It holds TorchScript, which is code that nobody has reviewed."


def probe(context: Context) -> Outcome:
    """Active content that is dangerous is a finding always; what is harmless is one until somebody has pinned it."""
    subject = judge_subject(context)
    findings: list[Finding] = []
    active = 0
    for report in subject.reports:
        found = _active(report)
        active += bool(found)
        if found and not subject.pinned(report, context.settings["reviewed"]):
            findings += [_finding(context, subject, report, *each) for each in found]
    return judged(
        f"{active} files hold active content; {len({each.location for each in findings})} of them are not reviewed.",
        coverage=subject.coverage,
        findings=findings,
    )


def _active(report: FileReport) -> list[tuple[str, str, Severity, str]]:
    found = [
        (reason.rule, reason.what, Severity(reason.severity.value), reason.member)
        for reason in report.reasons
        if reason.rule.startswith(_RULES)
    ]
    if not found and "jinja" in report.formats:
        found.append(("template", _TEMPLATE, Severity.LOW, ""))
    if not found and "torchscript-code" in report.formats:
        found.append(("torchscript", _SCRIPT, Severity.LOW, ""))
    return found


def _finding(
    context: Context, subject: Judged, report: FileReport, rule: str, what: str, severity: Severity, member: str
) -> Finding:
    return finding(
        context.check, rule, what, key=(report.path, subject.identity(report), member, what), severity=severity,
        location=Location(path=place(report, member)),
    )  # fmt: skip
