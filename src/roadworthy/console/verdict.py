"""What the page *Verify* says, as records: the verdict, what nobody measured, what failed and where, what changed."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.client.verdict import VerdictCheck, VerdictDelta, VerdictFinding, VerdictReport
from roadworthy.console.markup import Tone

SEVERITIES = ("critical", "high", "medium", "low", "note")
TONES: dict[str, Tone] = {"GO": "good", "NO-GO": "bad", "INCOMPLETE": "warn"}
SENTENCES = {
    "GO": "Every rule of the policy holds.",
    "NO-GO": "A rule failed. Do not deploy.",
    "INCOMPLETE": "Nothing is known to be wrong, and not enough is known. Do not deploy.",
}
_WORDS = {
    "pass": "passed", "fail": "failed", "error": "error", "not_measured": "not measured",
    "not_applicable": "not applicable", "waived": "waived",
}  # fmt: skip
_WORTH = {"pass": 3, "waived": 2, "not_applicable": 2, "not_measured": 1, "error": 1, "fail": 0}


@dataclass(frozen=True)
class Gap:
    """Checks that were not measured for one reason."""

    reason: str
    checks: tuple[VerdictCheck, ...]
    blockers: int


@dataclass(frozen=True)
class FailureRow:
    """One finding of a failed check."""

    severity: str
    tone: Tone
    check: str
    title: str
    message: str
    place: str
    blocker: bool
    remediation: str


@dataclass(frozen=True)
class DeltaRow:
    """What changed for one check since the run before."""

    check: str
    title: str
    before: str
    after: str
    tone: Tone


def gaps(report: VerdictReport) -> tuple[Gap, ...]:
    """What is not known, by reason; reasons that hold blockers first, then those that hold most."""
    groups: dict[str, list[VerdictCheck]] = {}
    for check in report.checks:
        if check.status in ("not_measured", "error"):
            groups.setdefault(check.reason or "No reason is given.", []).append(check)
    found = [Gap(reason, tuple(group), sum(one.blocker for one in group)) for reason, group in groups.items()]
    return tuple(sorted(found, key=lambda gap: (-gap.blockers, -len(gap.checks), gap.reason)))


def failures(report: VerdictReport) -> tuple[FailureRow, ...]:
    """Findings of failed checks, the gravest first; a check that names none stands for itself."""
    rows: list[FailureRow] = []
    for check in report.checks:
        if check.status == "fail":
            grave = [one for one in check.findings if one.severity != "note"]
            rows += [_failure(check, one) for one in grave or [VerdictFinding("unknown", check.reason, "")]]
    return tuple(sorted(rows, key=lambda row: (_rank(row.severity), not row.blocker, row.check, row.place)))


def changes(report: VerdictReport) -> tuple[DeltaRow, ...]:
    """What ended otherwise than in the run before, what became worse first."""
    titles = {check.id: check.title for check in report.checks}
    rows = [
        DeltaRow(one.check, titles.get(one.check, ""), word(one.before), word(one.after), _moved(one))
        for one in report.deltas
    ]
    order = {"bad": 0, "warn": 1, "good": 2}
    return tuple(sorted(rows, key=lambda row: (order.get(row.tone, 3), row.check)))


def counts(report: VerdictReport) -> dict[str, int]:
    """How many checks ended how, in words; what does not apply is told too."""
    found = dict.fromkeys(_WORDS.values(), 0)
    for check in report.checks:
        found[word(check.status)] = found.get(word(check.status), 0) + 1
    return found


def word(status: str | None) -> str:
    """A status in words."""
    return "not there" if status is None else _WORDS.get(status, status)


def _failure(check: VerdictCheck, one: VerdictFinding) -> FailureRow:
    return FailureRow(
        one.severity, _tone(one.severity), check.id, check.title, one.message, one.place, check.blocker,
        check.remediation,
    )  # fmt: skip


def _moved(delta: VerdictDelta) -> Tone:
    before, after = _WORTH.get(delta.before or "", 1), _WORTH.get(delta.after or "", 1)
    return "good" if after > before else "bad" if after < before else "mute"


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _tone(severity: str) -> Tone:
    return "bad" if severity in ("critical", "high") else "warn" if severity in ("medium", "low") else "mute"
