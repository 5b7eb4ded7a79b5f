"""What is signed: an in-toto statement about the subject that names the report, the policy and every record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify import plain
from roadworthy.verify.report.record import Report
from roadworthy.verify.signing import STATEMENT_TYPE, opened, statement

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

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


def signs(envelope: bytes, digest: str, keys: Sequence[Ed25519PublicKey]) -> bool:
    """Whether an envelope is a statement of readiness about a report, by one of the keys.

    Args:
        envelope: DSSE.
        digest: SHA-256 of the bytes of report.json.
        keys: Those that are trusted.
    """
    try:
        said = plain.read_object(opened(envelope, keys)[0])
        about = said["predicate"]["report"]["digest"]["sha256"]
    except (RoadworthyError, ValueError, KeyError, TypeError):
        return False
    return about == digest and (said.get("_type"), said.get("predicateType")) == (STATEMENT_TYPE, PREDICATE_TYPE)
