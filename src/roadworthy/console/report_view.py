"""One report on a page: live while it is being written, then as it ended, with what can be done about it."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from roadworthy.client.report import Report, ReportClient
from roadworthy.console import report_part as part
from roadworthy.console import words
from roadworthy.console.markup import heading, note, stale
from roadworthy.core.errors import RoadworthyError

LOOK_S = 1.0
"""Seconds between looks at a report that is being written; one that is over is not looked at again."""


def show_report(client: ReportClient[Any], report_id: str, file_name: str) -> None:
    """Draw it; every tab that draws the same report follows the same run.

    Args:
        client: Of the application.
        report_id: Which, for example from the query of the URL: whoever reloads sees it again.
        file_name: Of downloads, without the ending.
    """
    report = _look(client, report_id)[0]
    if report is None or not report.over:
        st.fragment(_follow, run_every=LOOK_S)(client, report_id)
        if report is not None and st.button("Cancel", help="Sections that are written stay."):
            _act(client.cancel, report_id)
        return
    _draw(report, "")
    _after(client, report, file_name)
    _sections(report)


def _follow(client: ReportClient[Any], report_id: str) -> None:
    report, fault = _look(client, report_id)
    if report is None:
        st.html(note(fault, "bad", "The report cannot be read."))
        return
    if report.over:
        st.rerun()
    _draw(report, fault)
    _sections(report)


def _look(client: ReportClient[Any], report_id: str) -> tuple[Report | None, str]:
    """The report as it is now; as it was, and why, when the gateway does not say."""
    seen = st.session_state.get("rw_report")
    last = seen if isinstance(seen, Report) and seen.report_id == report_id else None
    try:
        report = client.report(report_id)
    except RoadworthyError as error:
        if error.code == "not_found":
            raise
        at = words.clock(st.session_state.get("rw_report_at"))
        return last, f"{error.what} {error.why} What is below was read at {at}; it is asked again each second."
    st.session_state["rw_report"], st.session_state["rw_report_at"] = report, time.time()
    return report, ""


def _draw(report: Report, fault: str) -> None:
    if fault:
        st.html(note(fault, "bad", "The gateway does not answer."))
    st.html(stale(part.figures(report, time.time()), bool(fault)))
    if report.over and report.state != "passed":
        st.html(part.failure(report))
    st.html(heading("Sections"))
    st.html(part.progress(report))


def _sections(report: Report) -> None:
    shown = part.sections(report)
    if shown:  # the browser part refuses an empty one
        st.html(shown)


def _after(client: ReportClient[Any], report: Report, file_name: str) -> None:
    if report.state == "passed":
        part.downloads(lambda form: client.download(report.report_id, form), file_name)
        return
    if st.button("Retry failed sections", type="primary", help="Sections that passed stay as they are."):
        _act(client.retry, report.report_id)
    if any(one.state == "passed" for one in report.sections):
        with st.expander("Download what passed, as a marked draft"):
            part.downloads(lambda form: client.download(report.report_id, form, True), f"{file_name}-draft", "Draft")


def _act(action: Any, report_id: str) -> None:
    try:
        st.session_state["rw_report"] = action(report_id)
    except RoadworthyError as error:
        st.error(f"{error.what} {error.why} {error.mend}")
        return
    st.rerun()
