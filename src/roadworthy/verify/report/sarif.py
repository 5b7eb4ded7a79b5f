"""The report as SARIF 2.1.0. Passes stay out: code scanning would show them as alerts."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from roadworthy.verify.outcome import Finding, Severity, Status
from roadworthy.verify.policy import NAME
from roadworthy.verify.report import reading
from roadworthy.verify.report.record import CheckRecord, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 20_000
"""Code scanning reads 25,000 results of a run; the gravest are kept."""
_ORDER = ("error", "warning", "note")
_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}


def text(report: Report) -> str:
    """One run."""
    unknown = reading.unmeasured(report)
    results: list[dict[str, Any]] = []
    for check in report.checks:
        if check.status in (Status.FAIL, Status.WAIVED):
            results += [_of_finding(report, check, each) for each in reading.grave(check)]
        elif check.status in (Status.NOT_MEASURED, Status.ERROR):
            results.append(_of_check(check))
    kept = sorted(results, key=lambda each: _ORDER.index(each["level"]))[:MOST_RESULTS]
    left_out = len(results) - len(kept)
    run = {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": [_rule(each) for each in report.checks],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not unknown,
                "startTimeUtc": report.started,
                "endTimeUtc": report.finished,
                "properties": {"decision": str(report.verdict.decision), "notMeasured": len(unknown),
                               "leftOut": left_out},
            }
        ],
        "results": kept,
    }  # fmt: skip
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _rule(check: CheckRecord) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": check.id,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": f"Passes when: {check.rule}. Source: {check.source}."},
        "properties": {"category": str(check.category), "weight": str(check.weight), "tags": list(check.tags)},
    }
    if check.remediation:
        rule["help"] = {"text": check.remediation}
    return rule


def _of_check(check: CheckRecord) -> dict[str, Any]:
    return {
        "ruleId": check.id,
        "kind": "fail",
        "level": "error",
        "message": {"text": f"{check.id} {reading.WORD[check.status]}: {check.reason}"},
        "locations": [_place(NAME)],
        "properties": {"status": str(check.status)},
    }


def _of_finding(report: Report, check: CheckRecord, finding: Finding) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": check.id,
        "kind": "fail",
        "level": _LEVEL[finding.severity],
        "message": {"text": finding.message},
        "partialFingerprints": {"roadworthy/v1": finding.fingerprint},
        "locations": [_place(NAME)],
        "properties": {"status": str(check.status), "rule": finding.rule},
    }
    if finding.location is not None:
        result["locations"] = [_place(finding.location.path, finding.location.line)]
    if check.status is Status.WAIVED:
        result["suppressions"] = [_suppression(report, check.id, finding.fingerprint)]
    return result


def _place(path: str, line: int | None = None) -> dict[str, Any]:
    """A place; code scanning takes no result without one, so what is nowhere in particular is at the policy."""
    return {"physicalLocation": {"artifactLocation": {"uri": quote(path)}, "region": {"startLine": line or 1}}}


def _suppression(report: Report, check: str, fingerprint: str) -> dict[str, Any]:
    waiver = next(
        each for each in report.waivers if each.check == check and each.fingerprint == fingerprint and not each.problem
    )
    return {
        "kind": "external",
        "status": "accepted",
        "justification": waiver.reason,
        "properties": {"owner": waiver.owner, "approver": waiver.approver, "expires": waiver.expires},
    }
