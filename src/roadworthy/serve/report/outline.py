"""What an application says of a report: its sections, what the model is told for each, and the rules that hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from roadworthy.client.asked import UNKNOWN, summary
from roadworthy.core.application import RecordStore
from roadworthy.core.job import Json
from roadworthy.gateway.quality.repair import Tongue
from roadworthy.runtime.jobs.order import OVER, Record


class Outline(Protocol):
    """One report that somebody asked for."""

    @property
    def name(self) -> str:
        """Of its kind, such as the key of a pack."""
        ...

    @property
    def label(self) -> Mapping[str, Json]:
        """The name as the application's callers know it: a field and its value."""
        ...

    @property
    def title(self) -> str:
        """In plain text."""
        ...

    @property
    def language(self) -> Tongue:
        """Of the report."""
        ...

    @property
    def digest(self) -> str:
        """Equal for reports that are the same in everything."""
        ...

    @property
    def sections(self) -> Sequence[tuple[str, str]]:
        """Key and heading of each, in order."""
        ...

    @property
    def draft(self) -> str:
        """Stands on every page of a download of a report that did not pass."""
        ...

    @property
    def facts(self) -> Mapping[str, Json]:
        """Further fields of the report as callers see it."""
        ...

    def kept(self) -> Record:
        """Fields of the record from which the outline can be made again."""
        ...

    def request(self, key: str) -> dict[str, Any]:
        """Body of the request for a section, without `quality`."""
        ...

    def rules(self, key: str | None) -> dict[str, Json]:
        """The `quality` of a section; of the whole for None.

        Raises:
            UsageError: `invalid_request`: what is asked for contradicts itself.
        """
        ...


def content(outline: Outline) -> Record:
    """What the record of a report holds besides an order's own fields."""
    return {**outline.kept(), "quality_issues": {}, "markdown": None}


def blank(key: str, title: str, state: str) -> Record:
    """The record of a section of which nothing is known yet."""
    return {"key": key, "title": title, "state": state, **UNKNOWN}


def rows_of(records: RecordStore, tenant: str, report_id: str) -> dict[str, Record]:
    """The records of a report's sections by key, as far as they are there."""
    return {str(row["key"]): dict(row) for _, row in records.all_of(tenant, "section", f"{report_id}/")}


def stitched(outline: Outline, rows: Mapping[str, Record]) -> str:
    """The report as one Markdown text, without its title; a section without a text is a dash."""
    parts = [(title, rows.get(key, {}).get("text")) for key, title in outline.sections]
    return "\n\n".join(f"## {title}\n\n{text or '—'}" for title, text in parts) + "\n"


def view(report_id: str, outline: Outline, record: Record, rows: Mapping[str, Record]) -> Record:
    """A report as callers see it."""
    over = record["state"] in OVER
    sections = [rows.get(key) or blank(key, title, "waiting") for key, title in outline.sections]
    sections = [row if row["state"] in OVER or not over else {**row, "state": "cancelled"} for row in sections]
    bad = {row["key"]: row["quality_issues"] for row in sections if row["quality_issues"]}
    kept = ("state", "created_at", "updated_at", "error_type", "debug_hint")
    return {
        "report_id": report_id, "title": outline.title, **outline.facts, **{name: record[name] for name in kept},
        "sections": sections,
        "progress": {"done": sum(row["state"] in OVER for row in sections), "total": len(sections)},
        "quality_passed": {"passed": True, "failed": False}.get(record["state"]),
        "quality_issues": {**record["quality_issues"], **({"sections": bad} if bad else {})},
        **summary(sections), "warnings": [], "markdown": record["markdown"],
    }  # fmt: skip
