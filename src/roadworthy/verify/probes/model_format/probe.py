"""ART-05: the share of weight bytes that lie in formats which cannot hold code."""

from __future__ import annotations

from roadworthy.verify.artifact.record import FileReport
from roadworthy.verify.artifact.subject import PICKLED, PURE, judge_subject, place
from roadworthy.verify.outcome import Location, Measure, Outcome, Severity, finding, judged, not_applicable
from roadworthy.verify.probe import Context


def probe(context: Context) -> Outcome:
    """Count bytes; every file with a pickle in it is a finding."""
    subject = judge_subject(context)
    pickled = [report for report in subject.models if set(report.formats) & PICKLED]
    pure = [report for report in subject.models if set(report.formats) & PURE and report not in pickled]
    total = _bytes(pickled) + _bytes(pure)
    if not total and subject.coverage.complete:
        return not_applicable(
            "There are no weights here.",
            predicate="the subject holds a file in a format of weights",
            detail=f"{subject.coverage.examined} files looked into",
        )
    share = _bytes(pure) / total if total else None
    findings = [
        finding(
            context.check, "pickle", "It is a pickle, or holds one.", key=(report.path, subject.identity(report)),
            severity=Severity.MEDIUM, location=Location(path=place(report)),
        )
        for report in pickled
    ]  # fmt: skip
    return judged(
        f"{_bytes(pure):,} of {total:,} bytes of weights lie in formats without pickle.",
        coverage=subject.coverage,
        findings=findings,
        measured=[Measure(name="share of bytes without pickle", value=share, unit="1", n=len(pickled) + len(pure))],
        share=share,
    )


def _bytes(reports: list[FileReport]) -> int:
    return sum(report.size or 0 for report in reports)
