"""What every form of the report says in the same words: order, groups, bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from roadworthy.verify.outcome import Finding, Severity, Status
from roadworthy.verify.report.record import CheckRecord, Report
from roadworthy.verify.score import WEIGHTS
from roadworthy.verify.tree import Apart

WORD = {
    Status.PASS: "passed",
    Status.FAIL: "failed",
    Status.ERROR: "ended in an error",
    Status.NOT_MEASURED: "not measured",
    Status.NOT_APPLICABLE: "not applicable",
    Status.WAIVED: "waived",
}
SENTENCE = {
    "GO": "Every rule of the policy holds.",
    "NO-GO": "A rule failed. Do not deploy.",
    "INCOMPLETE": "Nothing is known to be wrong, and not enough is known. Do not deploy.",
}


class Bar(NamedTuple):
    """A category as parts of its weight; they add up to 1.

    Attributes:
        name: Of the category.
        earned: Credit.
        lost: Measured, and no credit.
        unknown: Not measured.
        score: 0 to 100.
        checks: How many apply.
    """

    name: str
    earned: float
    lost: float
    unknown: float
    score: float | None
    checks: int


def of_status(report: Report, *statuses: Status) -> list[CheckRecord]:
    """The checks that ended so, blockers first, then by weight."""
    found = [each for each in report.checks if each.status in statuses]
    return sorted(found, key=lambda each: (not each.blocker, -WEIGHTS[each.weight], each.id))


def unmeasured(report: Report) -> list[CheckRecord]:
    """What is not known: not measured, or ended in an error."""
    return of_status(report, Status.NOT_MEASURED, Status.ERROR)


def grave(check: CheckRecord) -> list[Finding]:
    """The findings that make a check fail, gravest first."""
    order = list(Severity)
    found = [each for each in check.findings if each.severity is not Severity.NOTE]
    return sorted(found, key=lambda each: order.index(each.severity))


def place(finding: Finding) -> str:
    """Where a finding is, as `path:line`."""
    where = finding.location
    if where is None:
        return ""
    return where.path if where.line is None else f"{where.path}:{where.line}"


def by_reason(checks: Sequence[CheckRecord]) -> dict[str, list[CheckRecord]]:
    """Checks grouped by the reason that they give, in the order in which the reasons come."""
    groups: dict[str, list[CheckRecord]] = {}
    for each in checks:
        groups.setdefault(each.reason, []).append(each)
    return groups


def bars(report: Report) -> list[Bar]:
    """Every category that has a check that applies, the lowest first."""
    made: list[Bar] = []
    for name, category in report.score.by_category.items():
        own = [each for each in report.checks if each.category == name and each.status is not Status.NOT_APPLICABLE]
        weight = sum(WEIGHTS[each.weight] for each in own)
        earned = sum(WEIGHTS[each.weight] * each.credit for each in own) / weight
        unknown = (
            sum(WEIGHTS[each.weight] for each in own if each.status in (Status.NOT_MEASURED, Status.ERROR)) / weight
        )
        lost = max(0.0, 1 - earned - unknown)
        made.append(Bar(name.replace("_", " "), earned, lost, unknown, category.score, category.checks))
    return sorted(made, key=lambda bar: (bar.score or 0, bar.name))


def number(value: float | None, unit: str = "") -> str:
    """A number for people; `unknown` for None."""
    return "unknown" if value is None else f"{value:g}{unit}"


def share(value: float | None) -> str:
    """A share as per cent, rounded down; `unknown` for None."""
    return "unknown" if value is None else f"{int(value * 1000) / 10:g} %"


def command(argv: Sequence[str]) -> str:
    """A command line that can be copied."""
    import shlex

    return shlex.join(argv)


def outside(apart: Sequence[Apart]) -> str:
    """What lies in the folder and is no part of the subject, in a sentence; empty when nothing does."""
    if not apart:
        return ""
    named = ", ".join(f"{each.name} ({each.files} files)" for each in apart[:8])
    more = f" and {len(apart) - 8} more" if len(apart) > 8 else ""
    return f"Not part of the subject, and not looked at: {named}{more}."
