"""Parts of pages that show reports of sections: how far one is, what passed, and what did not and why.

For applications' pages. Everything that a model or a caller wrote is escaped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from roadworthy.client.report import Report, Section
from roadworthy.console import words
from roadworthy.console.markup import Markup, Tone, badge, code, join, note, soft, table, text, tile, tiles
from roadworthy.runtime.document.html import fragment

TONES: Mapping[str, Tone] = {"passed": "good", "failed": "bad", "running": "info", "cancelled": "warn"}
_MIME = {
    "md": "text/markdown", "html": "text/html", "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # fmt: skip
_PLAIN = {
    "empty": "It is empty.", "stub": "It is a placeholder, not an answer.", "refusal": "The model refused.",
    "error_page": "It is an error page, not an answer.", "invalid_json": "It is not the JSON that was asked for.",
    "cut": "The token limit cut it before its end.", "filtered": "The provider's filter left out a part of it.",
    "unjudged": "It holds more than text, and was not judged.",
}  # fmt: skip
_LISTED = {
    "missing_terms": "It lacks", "forbidden_terms": "It says what is forbidden:",
    "missing_sections": "It has no section",
}  # fmt: skip


def state(word: str) -> Markup:
    """A state with the mark of its tone."""
    return badge(word, TONES.get(word, "mute"))


def figures(report: Report, now: float) -> Markup:
    """The report at a glance.

    Args:
        report: Which.
        now: Seconds since the Unix epoch.
    """
    stub: Tone | None = None if report.stub_used is None else "bad" if report.stub_used else "good"
    unjudged = "" if stub else "no answer passed" if report.over else "no answer passed yet"
    estimated = "estimated in part" if report.cost_estimated else ""
    took = words.duration((report.updated_at if report.over else now) - report.created_at)
    return tiles([
        tile("Report", report.state, f"{took} in all" if report.over else f"for {took}", TONES.get(report.state)),
        tile("Sections", f"{report.done} of {len(report.sections)}",
             f"{sum(one.state == 'passed' for one in report.sections)} passed"),
        tile("quality_passed", words.yes(report.quality_passed) if report.over else "not judged yet"),
        tile("stub_used", words.yes(report.stub_used), unjudged, stub),
        tile("Written by", ", ".join(report.providers) or None),
        tile("Cost", words.dollars(report.cost), estimated),
    ])  # fmt: skip


def progress(report: Report) -> Markup:
    """A row for each section: its state, who wrote it, how long that took, and how often it was asked for again."""
    rows = [
        (one.title, state(one.state), _writer(one), words.milliseconds(one.latency_ms) if one.attempts else "",
         one.attempts if one.attempts is not None else "", one.repairs if one.attempts else "")
        for one in report.sections
    ]  # fmt: skip
    return table(["section", "state", "written by", "time", "attempts", "repairs"], rows, (3, 4, 5))


def sections(report: Report) -> Markup:
    """What is there so far, in order: texts that passed, and for those that did not why."""
    return join(_section(one) for one in report.sections if one.state in {"passed", "failed"})


def issues(found: Mapping[str, Any]) -> list[str]:
    """What is wrong, in sentences.

    Args:
        found: `quality_issues` of an answer or of a whole report.
    """
    return [sentence for name, value in found.items() if name != "sections" for sentence in _sentences(name, value)]


def marked(said: str, places: Iterable[Sequence[Any]]) -> Markup:
    """A text with its faults marked.

    Args:
        said: The text.
        places: First code point, end, and key of the issue, in order and apart.
    """
    pieces: list[object] = []
    behind = 0
    for start, end, issue in places:
        title = text(str(issue).replace("_", " "))
        pieces += [said[behind:start], Markup(f'<mark title="{title}">{text(said[start:end])}</mark>')]
        behind = end
    return join([*pieces, said[behind:]])


def failure(report: Report) -> Markup:
    """Why a report that is over has not passed."""
    if report.state == "cancelled":
        return note("Sections that were written stay. Retry writes the others.", "warn", "The report was cancelled.")
    bad = sum(one.state == "failed" for one in report.sections)
    if bad:
        what = f"{bad} of {len(report.sections)} sections did not pass."
        return note("Each says why below. Retry writes only these again.", "bad", what)
    told = [*issues(report.quality_issues), report.debug_hint or ""]
    return note(" ".join(told), "bad", "The report did not pass.")


def history(reports: Sequence[Report], path: str, offset_min: int) -> Markup:
    """Former reports with links.

    Args:
        reports: Newest first.
        path: Of the page that shows one by `?report=`.
        offset_min: Minutes that the reader's clock is behind UTC.
    """
    rows = [
        (Markup(f'<a href="{text(path)}?report={text(one.report_id)}" target="_self">{text(one.title)}</a>'),
         state(one.state), f"{one.done} of {len(one.sections)}", words.dollars(one.cost),
         words.clock(one.created_at, offset_min, day=True))
        for one in reports
    ]  # fmt: skip
    return table(["report", "state", "sections", "cost", "ordered"], rows, (2, 3), "None yet.")


def downloads(fetch: Callable[[str], bytes], name: str, label: str = "Download") -> None:
    """A button for each format; a file is made when its button is pressed.

    Args:
        fetch: Gives the file of a format.
        name: Of the file, without its ending.
        label: On the buttons, before the format.
    """
    for column, form in zip(st.columns(len(_MIME)), _MIME, strict=True):
        column.download_button(
            f"{label} {form}", functools.partial(fetch, form), f"{name}.{form}", _MIME[form], on_click="ignore",
            key=f"rw_{label}_{form}", width="stretch",
        )  # fmt: skip


def _writer(one: Section) -> object:
    if one.model:
        return code(f"{one.provider}/{one.model}" if one.provider else one.model)
    if one.rejected is not None and one.rejected.served_by:
        return Markup(f"{code(one.rejected.served_by)} {soft('rejected')}")
    return {"running": soft("being written"), "failed": soft("no model")}.get(one.state, "")


def _section(one: Section) -> Markup:
    head = f'<h3>{text(one.title)}</h3><span class="rw-beside">{state(one.state)} {_writer(one)}</span>'
    if one.state == "passed":
        body: object = Markup(fragment(one.text or ""))
    else:
        body = join([_why(one), _rejected(one)])
    tone = TONES[one.state]
    return Markup(f'<section class="rw-section rw-edge-{tone}"><div class="rw-head">{head}</div>{text(body)}</section>')


def _why(one: Section) -> Markup:
    told = issues(one.quality_issues)
    if told:
        lines = join(Markup(f"<li>{text(sentence)}</li>") for sentence in told)
        return Markup(f'<p class="rw-why">Not in the report, because:</p><ul>{lines}</ul>')
    return Markup(f'<p class="rw-why">No answer: {text(one.debug_hint or one.error_type)}</p>')


def _rejected(one: Section) -> Markup:
    found = one.rejected
    if found is None or not found.text:
        return Markup("")
    by = f" Written by {found.served_by}." if found.served_by else ""
    return Markup(
        f'<figure class="rw-rejected"><figcaption>Rejected: not part of the report.{text(by)}</figcaption>'
        f"<del>{marked(found.text, found.marks)}</del></figure>"
    )


def _sentences(name: str, value: Any) -> list[str]:
    if name in _PLAIN:
        return [_PLAIN[name]]
    if name in _LISTED:
        return [f"{_LISTED[name]} {', '.join(f'“{one}”' for one in value)}."]
    if name == "brand_mentions":
        return [f"It names {' / '.join(value['terms'])} {_times(value['found'])}; wanted: {_bounds(value)}."]
    if name == "word_count":
        return [f"{one.get('section') or 'It'} has {words.count(one['found'], 'word')}; wanted: {_bounds(one)}."
                for one in value]  # fmt: skip
    if name == "language":
        return [f"Its language is {value['found']}; wanted: {value['expected']}."]
    return [f"{name.replace('_', ' ')}: {value}"]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times" if number else "not once"


def _bounds(span: Mapping[str, Any]) -> str:
    least, most = span.get("min"), span.get("max")
    if least is None:
        return f"at most {most}"
    return f"at least {least}" if most is None else f"{least} to {most}"
