"""What is signed: an in-toto statement about the subject that names the report, the policy and every record."""

from __future__ import annotations

from typing import Any

from roadworthy.verify.report.record import Report
from roadworthy.verify.signing import statement

PREDICATE_TYPE = "urn:roadworthy:attestation:readiness:v1"


def predicate(report: Report, digest: str) -> dict[str, Any]:
    """What the statement says.

    Args:
        report: The report.
        digest: SHA-256 of the bytes of report.json.
    """
    return {
        "report": {"name": "report.json", "digest": {"sha256": digest}},
        "policy": {"digest": {"sha256": report.policy.sha256}},
        "catalogue": {"digest": {"sha256": report.tool.catalogue_sha256}},
        "records": {each.id: each.record for each in report.checks},
        "decision": str(report.verdict.decision),
        "number": report.number,
        "previous": report.previous.report_sha256 if report.previous is not None else None,
        "finished": report.finished,
        "validUntil": report.valid_until,
    }


def readiness(report: Report, digest: str) -> bytes:
    """The statement as canonical JSON."""
    return statement(report.subject, PREDICATE_TYPE, predicate(report, digest))
