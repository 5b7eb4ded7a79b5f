"""The report for a terminal: verdict, what failed, what was not measured, and the score last."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.verify.laxity import Choice
from roadworthy.verify.outcome import Status
from roadworthy.verify.report import reading
from roadworthy.verify.report.record import CheckRecord, Report

_MOST_FINDINGS = 5
_MOST_UNMEASURED = 12
_MOST_CHOICES = 40
_WIDEST = 120
_BAR = 24


def text(report: Report) -> str:
    """All of it, as plain text."""
    verdict = report.verdict
    lines = [f"{verdict.decision}  {reading.SENTENCE[verdict.decision]}"]
    lines += [f"  {reason}" for reason in verdict.reasons]
    lines += _failed(report) + _waived(report) + chosen(report.policy.choices)
    lines += ["", reading.outside(report.apart)] if report.apart else []
    lines += _unmeasured(report) + _changes(report) + _score(report)
    return "\n".join(_inert(line) for line in lines)


def _inert(line: str) -> str:
    """Nothing that moves the cursor, colours, or turns the direction of writing: a plug-in may quote the subject."""
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


def _failed(report: Report) -> list[str]:
    lines: list[str] = []
    for check in reading.of_status(report, Status.FAIL):
        lines += ["", f"FAILED {_name(check)}", f"  {check.reason}"]
        found = reading.grave(check)
        for each in found[:_MOST_FINDINGS]:
            lines.append(f"  {each.severity:8} {reading.place(each)} {each.message} [{each.fingerprint}]")
        if len(found) > _MOST_FINDINGS:
            lines.append(f"  and {len(found) - _MOST_FINDINGS} more; see the report")
        lines.append(f"  mend: {check.remediation or check.rule}")
        lines += [f"  evidence: {item.sha256[:16]} {item.label}" for item in check.evidence[:3]]
    return lines


def _name(check: CheckRecord) -> str:
    return f"{check.id}{' (blocker)' if check.blocker else ''}: {check.title}"


def _waived(report: Report) -> list[str]:
    if not report.waivers:
        return []
    lines = ["", "WAIVERS"]
    for each in report.waivers:
        held = each.problem or f"{each.days_left} days left"
        lines.append(f"  {each.check} {each.fingerprint}: {each.owner}, agreed by {each.approver}: {held}")
    return lines


def chosen(choices: Sequence[Choice]) -> list[str]:
    """What the policy changes: it is written by those who are judged by it, so it is always shown."""
    if not choices:
        return []
    lines = ["", f"CHOSEN BY THE POLICY, other than the defaults: {len(choices)}"]
    lines += [f"  {each.where}: {each.text[:_WIDEST]}" for each in choices[:_MOST_CHOICES]]
    more = len(choices) - _MOST_CHOICES
    return [*lines, f"  and {more} more; see the report"] if more > 0 else lines


def _unmeasured(report: Report) -> list[str]:
    found = reading.unmeasured(report)
    if not found:
        return ["", "Everything that applies was measured."]
    blockers = sum(each.blocker for each in found)
    lines = ["", f"NOT MEASURED {len(found)} of {len(report.checks)} checks, {blockers} of them blockers"]
    for reason, checks in reading.by_reason(found).items():
        ids = [each.id + ("*" if each.blocker else "") for each in checks]
        more = f" and {len(ids) - _MOST_UNMEASURED} more" if len(ids) > _MOST_UNMEASURED else ""
        lines.append(f"  {reason} {', '.join(ids[:_MOST_UNMEASURED])}{more}")
    return [*lines, "  (* blocker)"]


def _changes(report: Report) -> list[str]:
    previous = report.previous
    if previous is None:
        return []
    lines = ["", f"SINCE RUN {previous.number} ({previous.decision}, {reading.number(previous.overall)})"]
    lines += [f"  {each.check}: {each.before or 'new'} -> {each.after or 'gone'}" for each in previous.deltas[:12]]
    return lines if previous.deltas else [*lines, "  no check ended otherwise"]


def _score(report: Report) -> list[str]:
    score = report.score
    lines = ["", "SCORE"]
    for bar in reading.bars(report):
        filled = int(bar.earned * _BAR)
        lost = min(_BAR - filled, round(bar.lost * _BAR))
        drawn = "#" * filled + "x" * lost + "." * (_BAR - filled - lost)
        lines.append(f"  {bar.name:18} {drawn} {reading.number(bar.score):>5}")
    lines.append("  (# earned, x lost, . not measured)")
    capped = f" ({'; '.join(score.caps)})" if score.overall != score.uncapped else ""
    lines.append(
        f"  {reading.number(score.overall)} of 100{capped}; measured {reading.share(score.coverage)}; "
        f"ML Test Score {score.ml_test_score:g} of 7"
    )
    return lines
