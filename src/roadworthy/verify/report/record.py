"""What report.json holds. Its JSON Schema is made from these records; unknown fields are refused."""

from __future__ import annotations

from typing import Any

import msgspec

from roadworthy.verify.definition import Automation, Category, Definition, Weight
from roadworthy.verify.evidence import Item
from roadworthy.verify.laxity import Choice
from roadworthy.verify.outcome import (
    Applicability,
    Coverage,
    Finding,
    Measure,
    Outcome,
    Record,
    Status,
)
from roadworthy.verify.policy import Thresholds
from roadworthy.verify.score import Score
from roadworthy.verify.signing import Subject
from roadworthy.verify.tree import Apart
from roadworthy.verify.verdict import Verdict

FORM = "roadworthy.readiness/v1"
"""Names the form of report.json."""


class Tool(Record, frozen=True):
    """What made the report.

    Attributes:
        name: `roadworthy`.
        version: Of the package.
        sha256: Over its files, as by `tree.tree_digest`.
        catalogue_sha256: Of the catalogue of checks.
    """

    name: str
    version: str
    sha256: str
    catalogue_sha256: str


class PolicyRecord(Record, frozen=True):
    """What the subject was held to.

    Attributes:
        name: Of the policy.
        sha256: Of its bytes, which lie in the evidence; those of nothing when the defaults hold.
        thresholds: What GO needs.
        plug_ins: Checks of apps that the policy asks for.
        choices: Everything that it changes of what is examined and accepted by default.
    """

    name: str
    sha256: str
    thresholds: Thresholds
    plug_ins: tuple[str, ...]
    choices: tuple[Choice, ...] = ()


class Environment(Record, frozen=True):
    """Where the run took place.

    Attributes:
        os: Name and version.
        cpus: Cores that the run could use.
        python: Version.
        locks: SHA-256 by name of the lock files in the subject's root.
    """

    os: str
    cpus: int
    python: str
    locks: dict[str, str]


class Kept(Record, frozen=True):
    """What is known about one check before waivers; kept as evidence, and what a gate recomputes from.

    Attributes:
        definition: Of the check.
        outcome: Settled.
        evidence: What was kept.
        manual: Whether a person gave the evidence.
        started: ISO 8601 in UTC.
        ended: The same.
        valid_until: The same; None when nothing was measured, or it holds as long as the subject stays the same.
    """

    definition: Definition
    outcome: Outcome
    evidence: tuple[Item, ...]
    manual: bool
    started: str
    ended: str
    valid_until: str | None


class CheckRecord(Record, frozen=True):
    """One check, for readers.

    Attributes:
        id: Of the check.
        title: What it asks.
        category: Where it counts.
        weight: How much.
        blocker: Whether it can stop a GO alone.
        automation: What it needs.
        status: After waivers.
        credit: 0 to 1, what it adds to the score.
        manual: Whether a person gave the evidence.
        reason: What was seen.
        rule: When it passes.
        measured: Numbers.
        coverage: What was examined.
        findings: What is wrong.
        applicability: Why it does not apply.
        evidence: What was kept.
        started: ISO 8601 in UTC.
        ended: The same.
        valid_until: The same; None when it holds as long as the subject stays the same, or nothing was measured.
        remediation: How to mend a failure.
        source: Who says that this matters.
        tags: Free words.
        record: SHA-256 of what is kept about it as evidence.
    """

    id: str
    title: str
    category: Category
    weight: Weight
    blocker: bool
    automation: Automation
    status: Status
    credit: float
    manual: bool
    reason: str
    rule: str
    measured: tuple[Measure, ...]
    coverage: Coverage | None
    findings: tuple[Finding, ...]
    applicability: Applicability | None
    evidence: tuple[Item, ...]
    started: str
    ended: str
    valid_until: str | None
    remediation: str
    source: str
    tags: tuple[str, ...]
    record: str


class WaiverRecord(Record, frozen=True):
    """A waiver, and what became of it.

    Attributes:
        check: Id of the check.
        fingerprint: Of the finding.
        owner: Who answers for it.
        approver: Who agreed.
        reason: Why.
        created: The day.
        expires: The last day on which it holds.
        days_left: From the day of the run.
        ticket: Where it is followed up.
        problem: Why it does not hold; empty when it does.
    """

    check: str
    fingerprint: str
    owner: str
    approver: str
    reason: str
    created: str
    expires: str
    days_left: int
    ticket: str
    problem: str


class Delta(Record, frozen=True):
    """A check that ended otherwise than in the run before; None where there was no such check."""

    check: str
    before: Status | None
    after: Status | None


class Previous(Record, frozen=True):
    """The run before.

    Attributes:
        report_sha256: Of its report.json.
        number: Its place in the chain.
        decision: Its verdict.
        overall: Its score.
        deltas: What changed since.
    """

    report_sha256: str
    number: int
    decision: str
    overall: float | None
    deltas: tuple[Delta, ...]


class Report(Record, frozen=True):
    """The whole report.

    Attributes:
        schema: Name of this form.
        report_id: Random.
        number: Place in the chain of runs, from 1.
        tool: What made it.
        policy: What the subject was held to.
        subject: What was verified, by digest.
        left_out: Names of folders that are not part of the subject.
        service: URL of the running service; None when there was none.
        environment: Where.
        started: ISO 8601 in UTC.
        finished: The same.
        valid_until: The report is in force until then, or until the subject changes.
        verdict: The decision.
        score: The numbers.
        checks: All of them, in order.
        waivers: All of them, in the order of the policy.
        previous: The run before; None for the first of a chain.
        apart: Folders below the root that are no part of the subject, with how much lies in them.
    """

    schema: str
    report_id: str
    number: int
    tool: Tool
    policy: PolicyRecord
    subject: tuple[Subject, ...]
    left_out: tuple[str, ...]
    service: str | None
    environment: Environment
    started: str
    finished: str
    valid_until: str
    verdict: Verdict
    score: Score
    checks: tuple[CheckRecord, ...]
    waivers: tuple[WaiverRecord, ...]
    previous: Previous | None
    apart: tuple[Apart, ...] = ()


def encoded(report: Report) -> bytes:
    """The bytes of report.json: keys sorted, indented, one line end at the end."""
    return msgspec.json.format(msgspec.json.encode(report, order="sorted"), indent=1) + b"\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of report.json."""
    made = msgspec.json.schema(Report)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"report.json, {FORM}", **made}
