"""The technical file as Markdown: each heading with its text, where that is from, and what the run says about it.

It gathers; it does not say that the system complies with anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify.evidence import evidence_bytes
from roadworthy.verify.outcome import Status
from roadworthy.verify.plain import read
from roadworthy.verify.report import reading
from roadworthy.verify.report.markdown import escaped
from roadworthy.verify.report.record import CheckRecord, Report
from roadworthy.verify.technical.file import CHECK, LABEL, Entry, Index
from roadworthy.verify.technical.heading import HEADINGS, PARTS, SOURCE, Heading

MOST_CHARACTERS = 20_000
"""Of one text; the whole of it is in the evidence."""
_ACTIVE = re.compile(r"<|!(?=\[)|\](?=\()|(?<![\w`])@(?=\w)")


def text(report: Report, evidence: Path) -> str:
    """The file.

    Args:
        report: Of a run.
        evidence: Folder of the store; texts are read from there, and their hashes checked.
    """
    checks = {each.id: each for each in report.checks}
    index, why = _index(checks.get(CHECK), evidence)
    lines = [*_head(report, index, why)]
    part = ""
    for heading in HEADINGS:
        number = heading.number[0]
        if number != part:
            part = number
            lines += ["", f"## {part} {PARTS[part]}"]
        if heading.number != part:
            lines += ["", f"### {heading.number} {heading.title}"]
        else:
            lines += ["", f"{heading.title}."]
        entry = index.get(heading.key)
        lines += ["", *_body(heading, entry, evidence), *_facts(heading, report), *_checks(heading, checks)]
    lines += ["", *_foot(report)]
    single = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(single) + "\n"


def _index(check: CheckRecord | None, evidence: Path) -> tuple[dict[str, Entry], str]:
    """The headings by key, and why there are none."""
    item = next((each for each in check.evidence if each.label == LABEL), None) if check is not None else None
    if check is None or item is None:
        return {}, "It was not built in this run: " + ("the check is not known." if check is None else check.reason)
    try:
        found = read(evidence_bytes(evidence, item.sha256), Index)
    except (RoadworthyError, ValueError) as problem:
        return {}, f"What was gathered cannot be read: {problem}"
    return {each.key: each for each in found.headings}, ""


def _head(report: Report, index: dict[str, Entry], why: str) -> Iterator[str]:
    subject = report.subject[0]
    yield f"# Technical file of {escaped(subject.name)}"
    yield ""
    yield f"Headings: {SOURCE}. This file gathers what persons wrote and what run {report.number} of"
    yield f"`roadworthy verify` ({report.finished}) measured. It does not say that the system complies with the"
    yield "Regulation, nor whether the Regulation is about it; that is for persons to say. What was not measured is"
    yield "shown as not measured."
    yield ""
    yield f"- subject: {escaped(subject.name)}, sha256 `{subject.digest['sha256']}`"
    yield f"- verdict of the run: {report.verdict.decision}"
    yield f"- in force until {report.valid_until}, or until the subject changes"
    if why:
        yield f"- {escaped(why)}"
        return
    empty = [f"{each.number} {each.fault}" for each in index.values() if each.fault]
    yield f"- headings: {len(index) - len(empty)} of {len(index)} filled"
    for each in empty:
        yield f"- **empty**: {escaped(each)}"


def _body(heading: Heading, entry: Entry | None, evidence: Path) -> Iterator[str]:
    if entry is None:
        yield "**Not gathered in this run.**"
        return
    if entry.fault:
        yield f"**Empty**: {escaped(entry.fault)}."
    if entry.text:
        yield ""
        yield from _quoted(entry.text, evidence)
    if entry.by:
        page = entry.page.replace("`", "'")
        place = f"`{page}`" if entry.page else f"`technical_file.{entry.key}` of the policy"
        kept = f", evidence `{entry.text}`" if entry.text else ""
        yield ""
        yield f"From {place}, by {escaped(entry.by)}, {entry.on}{kept}."
    elif not heading.by_hand and not entry.fault:
        said = ", ".join(entry.measured)
        yield f"From evidence of {said}." if said else "**Empty**: not measured."


def _quoted(digest: str, evidence: Path) -> Iterator[str]:
    try:
        whole = evidence_bytes(evidence, digest).decode("utf-8", "replace")
    except RoadworthyError as problem:
        yield f"**The text cannot be read**: {escaped(str(problem))}"
        return
    for line in whole[:MOST_CHARACTERS].splitlines():
        plain = "".join(char if char.isprintable() or char == "\t" else " " for char in line)
        yield "> " + _ACTIVE.sub(lambda found: "&lt;" if found[0] == "<" else "\\" + found[0], plain)
    if len(whole) > MOST_CHARACTERS:
        yield ">"
        yield f"> (the rest of {len(whole)} characters is in the evidence)"


def _facts(heading: Heading, report: Report) -> Iterator[str]:
    """What the report itself knows about a heading."""
    rows: list[str] = []
    if heading.key == "purpose":
        before = report.previous
        rows = [f"run {report.number}" + ("" if before is None else f", after run {before.number} ({before.decision})")]
    elif heading.key == "software":
        where = report.environment
        rows = [f"examined on {escaped(where.os)} with Python {escaped(where.python)}"]
        rows += [f"lock file {escaped(name)}, sha256 `{digest}`" for name, digest in where.locks.items()]
    elif heading.key == "risk":
        rows = [f"lived with until {each.expires}: {each.check}, {escaped(each.reason)} ({escaped(each.owner)}, "
                f"approved by {escaped(each.approver)})" for each in report.waivers if not each.problem]  # fmt: skip
    elif heading.key == "changes" and report.previous is not None:
        rows = [f"{each.check}: {_status(each.before)} before, {_status(each.after)} now"
                for each in report.previous.deltas]  # fmt: skip
    if rows:
        yield ""
        yield from (f"- {row}" for row in rows)


def _checks(heading: Heading, checks: dict[str, CheckRecord]) -> Iterator[str]:
    named = [checks[id] for id in heading.checks if id in checks]
    if not named:
        return
    yield ""
    yield "| check | asks | result | seen | evidence |"
    yield "| --- | --- | --- | --- | --- |"
    for each in named:
        kept = " ".join(f"`{item.sha256[:16]}`" for item in each.evidence[:4])
        more = f" and {len(each.evidence) - 4} more" if len(each.evidence) > 4 else ""
        seen = f"{_status(each.status)} | {escaped(each.reason)[:300]}"
        yield f"| {each.id} | {escaped(each.title)} | {seen} | {kept}{more} |"


def _status(status: Status | None) -> str:
    return "no such check" if status is None else reading.WORD[status]


def _foot(report: Report) -> Iterator[str]:
    yield "---"
    yield ""
    yield f"Report {report.report_id}, policy sha256 `{report.policy.sha256}`. Every digest names a file in `evidence/`"
    yield "beside the report; `sha256sum` must give the same."
