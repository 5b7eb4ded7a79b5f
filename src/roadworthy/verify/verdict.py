"""GO, NO-GO or INCOMPLETE, and why."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

from roadworthy.verify.outcome import Record, Status
from roadworthy.verify.policy import Thresholds
from roadworthy.verify.score import Scored, mean, measured_share

_SHOWN = 12


class Decision(StrEnum):
    """What a pipeline does: deploy, do not, or find out first."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


class Verdict(Record, frozen=True):
    """The decision.

    Attributes:
        decision: GO, NO-GO or INCOMPLETE.
        reasons: In words, the gravest first; never empty.
        blockers: Ids of the checks that stop a GO alone: blockers that are short of a pass or a waiver, and failures
            that contradict what the subject says of itself.
    """

    decision: Decision
    reasons: tuple[str, ...]
    blockers: tuple[str, ...]


def verdict(checks: Sequence[Scored], thresholds: Thresholds) -> Verdict:
    """Decide.

    GO: no blocker short of a pass or a waiver, no failure that contradicts what the subject says of itself, every
    category and the coverage at their thresholds. Else NO-GO when a check failed, and INCOMPLETE when none did.

    Args:
        checks: After waivers.
        thresholds: Of the policy.
    """
    applicable = [each for each in checks if each.status is not Status.NOT_APPLICABLE]
    failed = [each for each in applicable if each.status is Status.FAIL]
    short = [each for each in applicable if each.decides and each.status not in (Status.PASS, Status.WAIVED)]
    reasons = [
        *_blockers(short, "failed", (Status.FAIL,)),
        *_blockers(short, "not measured", (Status.NOT_MEASURED,)),
        *_blockers(short, "ended in an error", (Status.ERROR,)),
        *_categories(applicable, thresholds.category),
        *_coverage(applicable, thresholds.coverage),
    ]
    if not reasons:
        kept = f"Every blocker passed or is waived; every category reaches {thresholds.category:g}."
        said = [f"{len(failed)} checks that do not block failed: {_named(failed)}."] if failed else []
        unknown = [each for each in applicable if each.status in (Status.NOT_MEASURED, Status.ERROR)]
        said += [f"{len(unknown)} checks that do not block are not known: {_named(unknown)}."] if unknown else []
        return Verdict(decision=Decision.GO, reasons=(kept, *said), blockers=())
    false = [each for each in failed if each.contradicted]
    if false:
        reasons.append(f"What the subject says of itself is not what was found: {_named(false)}.")
    if failed and not any(each.decides for each in failed):
        reasons.append(f"Failed: {_named(failed)}.")
    decision = Decision.NO_GO if failed else Decision.INCOMPLETE
    return Verdict(decision=decision, reasons=tuple(reasons), blockers=tuple(each.id for each in short))


def _blockers(short: Sequence[Scored], what: str, statuses: Sequence[Status]) -> list[str]:
    found = [each for each in short if each.status in statuses]
    count = "1 blocker" if len(found) == 1 else f"{len(found)} blockers"
    return [f"{count} {what}: {_named(found)}."] if found else []


def _categories(checks: Sequence[Scored], least: float) -> list[str]:
    low: list[str] = []
    for name in sorted({each.category for each in checks}):
        value = mean([each for each in checks if each.category == name])
        if value is not None and value < Fraction(str(least)):
            low.append(name.replace("_", " "))
    if not low:
        return []
    return [
        f"{len(low)} of {len({each.category for each in checks})} categories are below {least:g}: {', '.join(low)}."
    ]


def _coverage(checks: Sequence[Scored], least: float) -> list[str]:
    share = measured_share(checks)
    if share is None:
        return ["No check applies, so nothing is known."]
    if share < Fraction(str(least)):
        return [f"Only {100 * float(share):.0f} % of what applies was measured; {100 * least:g} % is needed."]
    return []


def _named(checks: Sequence[Scored]) -> str:
    ids = sorted(each.id for each in checks)
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more
