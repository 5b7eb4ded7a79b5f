"""The report as Markdown for a comment on a change: at most 60 lines."""

from __future__ import annotations

import re
from collections import Counter

from roadworthy.verify.outcome import Status
from roadworthy.verify.report import reading
from roadworthy.verify.report.record import Report

MOST_LINES = 60
_MOST_FAILED = 12
_MOST_REASONS = 8
_ACTIVE = re.compile(r"([\\`*_\[\]<>|#@!~])")


def text(report: Report) -> str:
    """The comment. What comes from the subject cannot become markup, links or mentions."""
    verdict, score = report.verdict, report.score
    lines = [f"## {verdict.decision}", "", reading.SENTENCE[verdict.decision], ""]
    lines += [f"- {escaped(reason)}" for reason in verdict.reasons[:8]]
    lines += _unmeasured(report) + _failed(report) + _waivers(report) + _chosen(report)
    lines += ["", "| category | score | not measured |", "| --- | ---: | ---: |"]
    lines += [
        f"| {bar.name} | {reading.number(bar.score)} | {reading.share(bar.unknown)} |" for bar in reading.bars(report)
    ]
    capped = f" ({'; '.join(score.caps)})" if score.overall != score.uncapped else ""
    lines += ["", f"Score {reading.number(score.overall)} of 100{capped}; measured {reading.share(score.coverage)}."]
    subject = report.subject[0]
    lines.append(f"Subject {escaped(subject.name)}, sha256 `{subject.digest['sha256'][:16]}`; run {report.number}.")
    lines += [escaped(reading.outside(report.apart))] if report.apart else []
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], "The rest is in report.html."]
    return "\n".join(lines) + "\n"


def _failed(report: Report) -> list[str]:
    failed = reading.of_status(report, Status.FAIL)
    if not failed:
        return []
    lines = ["", "**Failed**", ""]
    for check in failed[:_MOST_FAILED]:
        first = next(iter(reading.grave(check)), None)
        seen = f" {escaped(reading.place(first))} {escaped(first.message)}" if first is not None else ""
        lines.append(f"- {check.id} {escaped(check.title)}: {escaped(check.reason)}{seen}"[:400])
    if len(failed) > _MOST_FAILED:
        lines.append(f"- and {len(failed) - _MOST_FAILED} more")
    return lines


def _unmeasured(report: Report) -> list[str]:
    found = reading.unmeasured(report)
    if not found:
        return []
    lines = ["", f"**Not measured**: {len(found)} of {len(report.checks)} checks", ""]
    groups = list(reading.by_reason(found).items())
    for reason, checks in groups[:_MOST_REASONS]:
        ids = [each.id for each in checks]
        more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
        lines.append(f"- {escaped(reason)} {', '.join(ids[:10])}{more}"[:400])
    if len(groups) > _MOST_REASONS:
        lines.append(f"- and {len(groups) - _MOST_REASONS} more reasons")
    return lines


def _waivers(report: Report) -> list[str]:
    if not report.waivers:
        return []
    broken = sum(bool(each.problem) for each in report.waivers)
    return ["", f"{len(report.waivers)} waivers, {broken} of them do not hold."]


def _chosen(report: Report) -> list[str]:
    choices = report.policy.choices
    if not choices:
        return []
    names = [f"{escaped(name)} ({number})" for name, number in Counter(each.where for each in choices).items()]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ["", f"**Chosen by the policy**, other than the defaults: {', '.join(names[:10])}{more}"]


def escaped(text: str) -> str:
    """A text in one line, of which nothing becomes markup, a link or a mention."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return _ACTIVE.sub(r"\\\1", " ".join(plain.split()))
