"""Which waivers hold, and what is wrong with the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from roadworthy.verify.definition import Automation, Definition, Weight
from roadworthy.verify.outcome import Finding, Outcome, Severity, Status
from roadworthy.verify.policy import Waiver

LONGEST_DAYS = 90
LONGEST_DAYS_HIGH = 30
"""For checks of weight H or C, and for those that a person makes."""
_LEAST_REASON = 15
_FINGERPRINT = re.compile(r"[0-9a-f]{32}\Z")


class Judged(NamedTuple):
    """What became of the waivers.

    Attributes:
        outcomes: By check, with `waived` where every finding of a failed check is waived.
        problems: Per waiver in the order of the policy, what is wrong with it; empty when it holds.
    """

    outcomes: dict[str, Outcome]
    problems: tuple[str, ...]


def applied(
    waivers: Sequence[Waiver], outcomes: Mapping[str, Outcome], definitions: Mapping[str, Definition], today: date
) -> Judged:
    """Apply waivers to outcomes.

    A waiver holds for one finding of one check. Only a failure can be waived: what was not measured cannot.

    Args:
        waivers: Of the policy.
        outcomes: By check, settled.
        definitions: By check.
        today: The day of UTC.
    """
    problems: list[str] = []
    held: dict[str, set[str]] = {}
    for index, waiver in enumerate(waivers):
        problem = problem_of(waiver, definitions[waiver.check], today)
        if not problem and waiver in waivers[:index]:
            problem = "It is there twice."
        matched = [each for each in _grave(outcomes.get(waiver.check)) if each.fingerprint == waiver.fingerprint]
        if not problem and not matched:
            problem = "It matches no finding: mended, changed, or the check did not run."
        if not problem and matched[0].contradicts:
            problem = "What is stated and false is not waived: take the statement back."
        if not problem:
            held.setdefault(waiver.check, set()).add(waiver.fingerprint)
        problems.append(problem)
    return Judged({id: _waived(each, held.get(id, set())) for id, each in outcomes.items()}, tuple(problems))


def problem_of(waiver: Waiver, definition: Definition, today: date) -> str:
    """What is wrong with a waiver by itself; empty when nothing is."""
    grave = definition.weight in (Weight.C, Weight.H) or definition.automation is Automation.H
    longest = LONGEST_DAYS_HIGH if grave else LONGEST_DAYS
    rules = (
        (not definition.waivable, f"{definition.id} cannot be waived."),
        (not _FINGERPRINT.match(waiver.fingerprint), "The fingerprint is not 32 hexadecimal digits."),
        (not waiver.owner.strip() or not waiver.approver.strip(), "It has no owner or no approver."),
        (_same_person(waiver.owner, waiver.approver), "Owner and approver are the same."),
        (len(waiver.reason.strip()) < _LEAST_REASON, "It gives no reason."),
        (waiver.created > today, "It was created in the future."),
        (waiver.expires < waiver.created, "It ends before it begins."),
        ((waiver.expires - waiver.created).days > longest, f"It lasts longer than {longest} days."),
        (waiver.expires < today, f"It ended on {waiver.expires}."),
    )
    return next((text for wrong, text in rules if wrong), "")


def _same_person(owner: str, approver: str) -> bool:
    return "".join(owner.casefold().split()) == "".join(approver.casefold().split())


def _grave(outcome: Outcome | None) -> tuple[Finding, ...]:
    if outcome is None or outcome.status is not Status.FAIL:
        return ()
    return tuple(each for each in outcome.findings if each.severity is not Severity.NOTE)


def _waived(outcome: Outcome, held: set[str]) -> Outcome:
    grave = _grave(outcome)
    if not grave or not all(each.fingerprint in held for each in grave):
        return outcome
    said = "1 finding is waived." if len(grave) == 1 else f"{len(grave)} findings are waived."
    return msgspec.structs.replace(outcome, status=Status.WAIVED, reason=f"{said} {outcome.reason}", share=None)
