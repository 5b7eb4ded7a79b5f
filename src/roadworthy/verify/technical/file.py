"""GOV-05: the headings of the technical file, each with what is written under it and what the run says about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

from roadworthy.verify import regular, tree
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    Outcome,
    Record,
    Severity,
    Status,
    finding,
    judged,
    not_measured,
)
from roadworthy.verify.policy import Written
from roadworthy.verify.probe import EvidenceWriter
from roadworthy.verify.report.record import Kept
from roadworthy.verify.technical import text
from roadworthy.verify.technical.heading import HEADINGS, Heading

CHECK = "GOV-05"
LABEL = "headings of the technical file"
"""Of the piece of evidence from which the file is written."""
MOST_BYTES = 1 << 20
"""Of a page."""
_MEASURED = (Status.PASS, Status.FAIL)


class Entry(Record, frozen=True):
    """A heading, as it was found.

    Attributes:
        number: In the Annex.
        key: In the policy.
        fault: Why it counts as empty, as the end of a sentence; empty when something stands there.
        page: Of the subject, with its section, where the text comes from; empty for text of the policy, and for none.
        by: Who wrote it.
        on: When, as ISO 8601.
        text: SHA-256 of the text in the evidence; empty when there is none.
        measured: Checks of the heading that were measured.
    """

    number: str
    key: str
    fault: str
    page: str = ""
    by: str = ""
    on: str = ""
    text: str = ""
    measured: tuple[str, ...] = ()


class Index(Record, frozen=True):
    """All headings, in order."""

    headings: tuple[Entry, ...]


class _Said(Record, frozen=True):
    """A text with what is wrong with it."""

    text: str = ""
    fault: str = ""


class Place(NamedTuple):
    """Where pages may lie.

    Attributes:
        root: The subject.
        left_out: Names of folders that are no part of it.
        apart: Our output, which is none either.
    """

    root: Path
    left_out: tuple[str, ...]
    apart: Path


def built(
    written: Mapping[str, Written], kept: Mapping[str, Kept], place: Place, today: date, write: EvidenceWriter
) -> Outcome:
    """Gather the headings, keep them as evidence, and judge whether one of them is empty.

    Args:
        written: By key, what the policy says that persons wrote.
        kept: By check, what the run found out.
        place: Where pages lie.
        today: The day of UTC.
        write: Keeps texts and headings.
    """
    entries: list[Entry] = []
    findings: list[Finding] = []
    unknown: list[Missing] = []
    seen: dict[str, str] = {}
    for heading in HEADINGS:
        given = written.get(heading.key)
        said = _Said() if given is None else _said(given, place, today)
        said = _once(said, heading, seen)
        measured = tuple(id for id in heading.checks if id in kept and kept[id].outcome.status in _MEASURED)
        fault = said.fault
        if given is None and heading.by_hand:
            fault = "nothing is written"
        elif given is None and not measured:
            unknown.append(Missing(name=f"{heading.number} {heading.title}: none of its checks was measured"))
        entries.append(_entry(heading, given, said, fault, measured, write))
        if fault:
            findings.append(_finding(heading, given, fault))
    index = Index(headings=tuple(entries))
    write.write(msgspec.json.encode(index), LABEL, media_type="application/json")
    coverage = Coverage(
        examined=len(HEADINGS) - len(unknown), existing=len(HEADINGS), missing=tuple(unknown),
        how_counted="Existing: headings of Annex IV. Examined: those that persons fill, and of the others those of "
        "which a check was measured.",
    )  # fmt: skip
    empty = [each.number for each in entries if each.fault]
    reason = f"{len(empty)} of {len(HEADINGS)} headings of the technical file are empty"
    if not written:  # whether one is owed, no machine can tell; nobody says that there is one
        return not_measured(f"{reason}: the policy has no technical_file, so nobody began one.", coverage=coverage)
    return judged(f"{reason}{': ' + ', '.join(empty) if empty else ''}.", coverage=coverage, findings=findings)


def _entry(
    heading: Heading, given: Written | None, said: _Said, fault: str, measured: tuple[str, ...], write: EvidenceWriter
) -> Entry:
    digest = ""
    if said.text:
        digest = write.write(said.text.encode("utf-8", "replace"), f"{heading.number} {heading.title}",
                             media_type="text/markdown; charset=utf-8")  # fmt: skip
    if given is None:
        return Entry(number=heading.number, key=heading.key, fault=fault, measured=measured)
    return Entry(
        number=heading.number, key=heading.key, fault=fault, page=tree.shown(given.page), by=tree.shown(given.by),
        on=given.on.isoformat(), text=digest, measured=measured,
    )  # fmt: skip


def _said(given: Written, place: Place, today: date) -> _Said:
    said = _of_page(given.page, place) if given.page else _Said(text=given.text.strip())
    if said.fault:
        return said
    fault = text.fault(said.text) or text.fault_of_author(given.by)
    if not fault and given.on > today:
        fault = "it is dated in the future"
    return msgspec.structs.replace(said, fault=fault)


def _of_page(name: str, place: Place) -> _Said:
    file, _, anchor = name.partition("#")
    root = place.root.resolve()
    path = tree.inside(root, file)
    if path is None or path != root / file:
        return _Said(fault="its page lies outside of the subject, or behind a link")
    if not set(path.relative_to(root).parts[:-1]).isdisjoint(place.left_out) or path.is_relative_to(place.apart):
        return _Said(fault="its page lies in a folder that is no part of the subject, so no digest holds it")
    try:
        content = regular.read(path, MOST_BYTES)
    except OSError as problem:
        return _Said(fault=f"its page cannot be read: {problem.strerror or 'input/output error'}")
    if len(content) > MOST_BYTES:
        return _Said(fault=f"its page has more than {MOST_BYTES:,} bytes")
    try:
        page = content.decode("utf-8")
    except UnicodeDecodeError:
        return _Said(fault="its page is no text in UTF-8")
    if not anchor:
        return _Said(text=page.strip())
    part = text.section(page, anchor)
    return _Said(fault="its page has no such section") if part is None else _Said(text=part)


def _once(said: _Said, heading: Heading, seen: dict[str, str]) -> _Said:
    """A text that stands under another heading already says nothing about this one."""
    if said.fault or not said.text:
        return said
    first = seen.setdefault(text.same(said.text), heading.number)
    return said if first == heading.number else msgspec.structs.replace(
        said, fault=f"the same text stands under {first}")  # fmt: skip


def _finding(heading: Heading, given: Written | None, fault: str) -> Finding:
    message = f"{heading.number} {heading.title}: {tree.shown(fault)}."
    file = "" if given is None else given.page.partition("#")[0]
    where = Location(path=tree.shown(file)) if file else None
    return finding(CHECK, "empty", message, key=(heading.key, fault), severity=Severity.LOW, location=where)
