"""What a check found out: one of six statuses, with what was looked at, measured and found."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Status(StrEnum):
    """How a check ended. Only `pass` is good news; only `not_applicable` leaves the divisor of the score."""

    PASS = "pass"  # noqa: S105  a word, no password
    FAIL = "fail"
    ERROR = "error"
    NOT_MEASURED = "not_measured"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"


class Severity(StrEnum):
    """How bad one finding is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NOTE = "note"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Plain data that goes to JSON and back; unknown fields are refused."""


class Location(Record, frozen=True):
    """Where a finding is.

    Attributes:
        path: Relative to the subject's root, escaped as by `tree.shown`; or the name of what is no file.
        line: From 1; None when there is none.
        column: From 1; None when there is none.
    """

    path: str
    line: int | None = None
    column: int | None = None


class Finding(Record, frozen=True):
    """One thing that is wrong. Make it by `finding`.

    Attributes:
        fingerprint: 32 hexadecimal digits that stay the same while the thing stays the same; a waiver names it.
        severity: How bad it is. A `note` is told, and does not make a check fail.
        rule: Which rule of the check found it, such as `pickle.reduce`.
        message: One sentence, without secrets and without the subject's raw text.
        location: Where; None when it is nowhere in particular.
        contradicts: What the subject states about itself and what was measured or counted cannot both be true. A
            check that failed with such a finding stops a GO whatever its weight, and no waiver holds for it: who
            states what is false cannot be believed in the rest, and mends it by taking the statement back.
    """

    fingerprint: str
    severity: Severity
    rule: str
    message: str
    location: Location | None = None
    contradicts: bool = False


class Measure(Record, frozen=True):
    """A number that was measured.

    Attributes:
        name: Such as `recall`.
        value: None when it could not be measured; never 0 for that.
        unit: Such as `1` (a share), `s`, `bytes`, `files`.
        n: Sample size; None where it makes no sense.
        ci_low: Lower end of the 95 % interval.
        ci_high: Upper end.
    """

    name: str
    value: float | int | None
    unit: str
    n: int | None = None
    ci_low: float | None = None
    ci_high: float | None = None


class Missing(Record, frozen=True):
    """Something that exists and was not examined, or a group of such things.

    Attributes:
        name: What it is, escaped.
        reason: Why it may be left out; empty when nobody gave a reason. Then the check was not measured.
        count: How many things this entry stands for.
    """

    name: str
    reason: str = ""
    count: int = 1


class Coverage(Record, frozen=True):
    """How much of what exists was examined. Both numbers come from counts of their own.

    Attributes:
        examined: Things looked at, as counted by what looked.
        existing: Things that are there, as counted by somebody else, for example a walk of the tree.
        how_counted: One sentence.
        missing: What was not examined.
    """

    examined: int
    existing: int
    how_counted: str
    missing: tuple[Missing, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether there was something, and all of it was examined or has a reason why not."""
        excused = sum(each.count for each in self.missing if each.reason)
        return 0 < self.examined <= self.existing and self.examined + excused >= self.existing


class Applicability(Record, frozen=True):
    """Why a check does not apply: a predicate that ran.

    Attributes:
        predicate: One sentence that a machine decided, such as `a file of the subject imports torch`.
        result: What it said. False means that the check does not apply.
        detail: What was seen.
    """

    predicate: str
    result: bool
    detail: str


class Outcome(Record, frozen=True):
    """What a probe returns. Make it by `judged`, `not_measured`, `not_applicable` or `error`.

    Attributes:
        status: How it ended.
        reason: One sentence for people: what was seen.
        share: Credit of a proportional check, 0 to 1; None for pass or nothing.
        findings: What is wrong.
        measured: Numbers.
        coverage: None only where nothing was examined.
        applicability: Present exactly with `not_applicable`.
    """

    status: Status
    reason: str
    share: float | None = None
    findings: tuple[Finding, ...] = ()
    measured: tuple[Measure, ...] = ()
    coverage: Coverage | None = None
    applicability: Applicability | None = None

    @property
    def contradicted(self) -> bool:
        """Whether a finding worse than a note shows that a statement of the subject about itself is false."""
        return any(each.contradicts and each.severity is not Severity.NOTE for each in self.findings)


class NotMeasured(Exception):
    """Raised anywhere in a probe: what was to be measured cannot be. The check ends as `not_measured`.

    Args:
        reason: One sentence for people, without secrets.
    """


def finding(
    check: str,
    rule: str,
    message: str,
    *,
    key: Sequence[str],
    severity: Severity = Severity.HIGH,
    location: Location | None = None,
    contradicts: bool = False,
) -> Finding:
    """A finding with its fingerprint.

    Args:
        check: Id of the check, such as `ART-04`.
        rule: Which rule found it.
        message: One sentence.
        key: What makes it this finding and no other: path and digest of the content, for example. No line numbers,
            which move when something else is changed.
        severity: How bad it is.
        location: Where.
        contradicts: It shows that a statement of the subject about itself is false; see `Finding`.
    """
    text = "\0".join((check, rule, *key)).encode("utf-8", "surrogatepass")
    return Finding(
        fingerprint=hashlib.sha256(text).hexdigest()[:32],
        severity=severity,
        rule=rule,
        message=message,
        location=location,
        contradicts=contradicts,
    )


def judged(
    reason: str,
    *,
    coverage: Coverage,
    findings: Sequence[Finding] = (),
    measured: Sequence[Measure] = (),
    share: float | None = None,
    passed: bool = True,
) -> Outcome:
    """The outcome of a check that ran to its end.

    It fails when something worse than a note was found or `passed` is false; else it was not measured when the coverage
    is not complete; else it passes.

    Args:
        reason: One sentence: what was seen.
        coverage: What was examined.
        findings: What is wrong.
        measured: Numbers.
        share: Credit of a proportional check, 0 to 1.
        passed: The rule of the check over what was measured.
    """
    status = Status.PASS
    if not passed or any(each.severity is not Severity.NOTE for each in findings):
        status = Status.FAIL
    elif not coverage.complete:
        status = Status.NOT_MEASURED
        reason = f"{reason} {uncovered(coverage)}".strip()
    return Outcome(
        status=status,
        reason=reason,
        share=share,
        findings=tuple(findings),
        measured=tuple(measured),
        coverage=coverage,
    )


def uncovered(coverage: Coverage) -> str:
    """What is wrong with a coverage that is not complete, in a sentence."""
    if coverage.existing == 0 and coverage.examined == 0:
        return "Nothing was there to examine."
    if coverage.examined > coverage.existing:
        return f"{coverage.examined} examined of {coverage.existing} that exist: the counts contradict each other."
    return f"Only {coverage.examined} of {coverage.existing} were examined."


def not_measured(reason: str, *, coverage: Coverage | None = None, measured: Sequence[Measure] = ()) -> Outcome:
    """It did not run, there is no data, the data is too old, or nothing was covered."""
    return Outcome(status=Status.NOT_MEASURED, reason=reason, coverage=coverage, measured=tuple(measured))


def not_applicable(reason: str, *, predicate: str, detail: str) -> Outcome:
    """The predicate ran and is false, so the check has no object here.

    Args:
        reason: One sentence for people.
        predicate: What was asked of the subject.
        detail: What was seen; also write it as evidence.
    """
    return Outcome(
        status=Status.NOT_APPLICABLE,
        reason=reason,
        applicability=Applicability(predicate=predicate, result=False, detail=detail),
    )


def error(reason: str) -> Outcome:
    """It ran and did not come to an end."""
    return Outcome(status=Status.ERROR, reason=reason)
