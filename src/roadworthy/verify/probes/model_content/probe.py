"""ART-04: every model file of the subject is walked byte by byte, and is clean."""

from __future__ import annotations

from roadworthy.verify.artifact.record import FileReport, Verdict
from roadworthy.verify.artifact.subject import Judged, judge_subject, place
from roadworthy.verify.outcome import Finding, Location, Measure, Outcome, Severity, finding, judged, not_applicable
from roadworthy.verify.probe import Context


def probe(context: Context) -> Outcome:
    """Judge the model files; unsafe and unverifiable ones are findings."""
    subject = judge_subject(context)
    if not subject.models and subject.coverage.complete:
        return not_applicable(
            "There is no model file here.",
            predicate="the subject holds a file that is a model's by its content",
            detail=f"{subject.coverage.examined} files looked into, 0 of them a model's",
        )
    findings = [each for report in subject.models for each in _findings(context, subject, report)]
    bad = sum(report.verdict is not Verdict.CLEAN for report in subject.models)
    return judged(
        f"{bad} of {len(subject.models)} model files are not clean.",
        coverage=subject.coverage,
        findings=findings,
        measured=[
            Measure(name=f"model files {verdict.value}", unit="files", n=len(subject.models),
                    value=sum(report.verdict is verdict for report in subject.models))
            for verdict in Verdict
        ],
    )  # fmt: skip


def _findings(context: Context, subject: Judged, report: FileReport) -> list[Finding]:
    digest = subject.identity(report) if report.reasons else ""
    return [
        finding(
            context.check, reason.rule, f"{reason.what} {reason.mend}",
            key=(report.path, digest, reason.member, reason.what, str(reason.offset)),
            severity=Severity(reason.severity.value), location=Location(path=place(report, reason.member)),
        )
        for reason in report.reasons
    ]  # fmt: skip
