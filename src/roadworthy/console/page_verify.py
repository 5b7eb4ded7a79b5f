"""The page *Verify*: the newest verdict of the project, and before any number what nobody measured."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from roadworthy.client.verdict import VerdictReport, read_page, read_verdict
from roadworthy.console import markup, verdict, words
from roadworthy.console.markup import Markup, badge, code, details, heading, join, note, soft, table, tile, tiles
from roadworthy.console.page_now import offset
from roadworthy.console.session import Session

_SHOWN = 200


def render(session: Session) -> None:
    """Draw the page."""
    st.html(heading("Verify", level=1))
    folder = Path(session.settings.verify_dir)
    report = read_verdict(folder)
    if report is None:
        command = code("roadworthy verify run .")
        st.html(note(
            Markup(f"Run {command} in the project's folder; it writes to {code('.roadworthy/verify')}. This page looks "
                   f"into {code(folder)}; set {code('console.verify_dir')} to look elsewhere."),
            "info", "There is no verdict yet.",
        ))  # fmt: skip
        return
    now = time.time()
    st.html(_decision(report, now))
    st.html(_unmeasured(report))
    st.html(_numbers(report, now))
    st.html(_failures(report))
    st.html(_changes(report))
    _whole(folder)


def _decision(report: VerdictReport, now: float) -> Markup:
    tone = verdict.TONES.get(report.decision, "mute")
    over = report.valid_until is not None and report.valid_until < now
    when = f"{words.ago(report.finished, now)}, at {words.clock(report.finished, offset(), day=True)}"
    age = f"Run {report.number or 'unknown'} ended {when}."
    reasons = join(Markup(f"<li>{markup.prose(one)}</li>") for one in report.reasons)
    subject = ", ".join(report.subject) or "unknown"
    asked = f" and of the service {report.service}" if report.service else "; no running service was asked"
    box = Markup(
        f'<div class="rw-mode rw-edge-{tone}"><div class="rw-word">{markup.text(report.decision)}</div>'
        f'<div class="rw-note">{markup.text(verdict.SENTENCES.get(report.decision, ""))}'
        f'</div><ul class="rw-list">{reasons}</ul>'
        f"<div>{soft(age)} {soft(f'Of {subject}{asked}.')}</div></div>"
    )
    if not over:
        return box
    spent = note("It proves nothing any more. Run it again.", "bad", "This verdict has expired.")
    return Markup(spent + markup.stale(box, True))


def _unmeasured(report: VerdictReport) -> Markup:
    found = verdict.gaps(report)
    count = sum(len(gap.checks) for gap in found)
    title = heading("Not measured", soft(f"{count} of {len(report.checks)} checks: nothing is known about them"))
    if not found:
        return Markup(title + note("Everything that applies was measured.", "good"))
    pieces = []
    for gap in found:
        blockers = Markup(f" {badge(words.count(gap.blockers, 'blocker'), 'bad')}") if gap.blockers else Markup("")
        names = join(Markup(f"<li>{code(one.id)} {markup.text(one.title)}</li>") for one in gap.checks)
        summary = Markup(f"{markup.prose(gap.reason)} {soft(words.count(len(gap.checks), 'check'))}{blockers}")
        pieces.append(details(summary, Markup(f'<ul class="rw-list">{names}</ul>')))
    return Markup(title + join(pieces))


def _numbers(report: VerdictReport, now: float) -> Markup:
    found = verdict.counts(report)
    share = None if report.coverage is None else f"{int(report.coverage * 1000) / 10:g} %"
    overall = None if report.overall is None else f"{report.overall:g}"
    left = None if report.valid_until is None else words.duration(report.valid_until - now)
    return Markup(heading("In numbers") + tiles([
        tile("Measured", share, "of the weight of what applies"),
        tile("Score", overall, "of 100; what was not measured counts as nothing"),
        tile("Passed", found["passed"], f"of {len(report.checks)} checks"),
        tile("Failed", found["failed"], "", "bad" if found["failed"] else None),
        tile("Waived", found["waived"]),
        tile("Valid for", left, "or until the project changes"),
    ]))  # fmt: skip


def _failures(report: VerdictReport) -> Markup:
    rows = verdict.failures(report)
    more = f"the gravest {_SHOWN} of {len(rows)}" if len(rows) > _SHOWN else words.count(len(rows), "finding")
    cells = [
        (
            badge(row.severity, row.tone),
            Markup(f"{code(row.check)} {soft('blocker') if row.blocker else ''}"),
            Markup(f"{markup.prose(row.message)}<br>{soft(markup.prose(row.remediation))}"),
            code(row.place) if row.place else "",
        )
        for row in rows[:_SHOWN]
    ]  # fmt: skip
    listed = table(["severity", "check", "what is wrong, and how to mend it", "where"], cells, empty="Nothing failed.")
    return Markup(heading("Failures", soft(more)) + listed)


def _changes(report: VerdictReport) -> Markup:
    if report.previous is None:
        return Markup(heading("Since the last run") + note("This is the first run of its chain."))
    decision, overall, number = report.previous
    score = "unknown" if overall is None else f"{overall:g}"
    beside = soft(f"run {number or 'unknown'} was {decision} with a score of {score}")
    cells = [(code(row.check), row.title, row.before, badge(row.after, row.tone)) for row in verdict.changes(report)]
    listed = table(["check", "what it asks", "before", "now"], cells, empty="No check ended otherwise.")
    return Markup(heading("Since the last run", beside) + listed)


def _whole(folder: Path) -> None:
    page = read_page(folder)
    if page is None:
        return
    st.html(heading("The whole report", soft("one page with all evidence, without scripts; it opens anywhere")))
    st.download_button("Download the report", page, "roadworthy-report.html", "text/html")
    if st.toggle("Read it here"):
        st.iframe(page, height=700)
