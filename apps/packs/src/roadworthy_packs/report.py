"""A report and its sections as records, and the two together as callers see them. Unknown is None."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from roadworthy.client.asked import UNKNOWN, summary
from roadworthy.core.application import RecordStore
from roadworthy.runtime.jobs.order import OVER, Record
from roadworthy_packs.brief import Wanted
from roadworthy_packs.pack import Language, Pack, Section, said


def content(wanted: Wanted) -> Record:
    """What the record of a report holds besides an order's own fields: the pack as it is now, too."""
    asked = {"pack": msgspec.to_builtins(wanted.pack), "client_brief": wanted.brief, "stage": wanted.stage}
    return {**asked, "services": list(wanted.services), "quality_issues": {}, "markdown": None}


def wanted_in(record: Record) -> Wanted:
    """The report that a record was made for."""
    pack = msgspec.convert(record["pack"], Pack)
    return Wanted(pack, record["client_brief"], record["stage"], tuple(record["services"]))


def blank(section: Section, language: Language, state: str) -> Record:
    """The record of a section of which nothing is known yet."""
    return {"key": section.key, "title": said(section.title, language), "state": state, **UNKNOWN}


def sections_of(records: RecordStore, tenant: str, report_id: str) -> dict[str, Record]:
    """The records of a report's sections by key, as far as they are there."""
    return {str(row["key"]): dict(row) for _, row in records.all_of(tenant, "section", f"{report_id}/")}


def view(report_id: str, record: Record, rows: Mapping[str, Record]) -> Record:
    """A report as callers see it."""
    wanted, over = wanted_in(record), record["state"] in OVER
    sections = [rows.get(one.key) or blank(one, wanted.language, "waiting") for one in wanted.pack.sections]
    sections = [row if row["state"] in OVER or not over else {**row, "state": "cancelled"} for row in sections]
    bad = {row["key"]: row["quality_issues"] for row in sections if row["quality_issues"]}
    kept = ("state", "created_at", "updated_at", "client_brief", "stage", "services", "error_type", "debug_hint")
    return {
        "report_id": report_id, "pack_key": wanted.pack.key, "pack_version": wanted.pack.version,
        "title": f"{said(wanted.pack.title, wanted.language)}: {wanted.brief['brand_name']}",
        **{name: record[name] for name in kept}, "sections": sections,
        "progress": {"done": sum(row["state"] in OVER for row in sections), "total": len(sections)},
        "quality_passed": {"passed": True, "failed": False}.get(record["state"]),
        "quality_issues": {**record["quality_issues"], **({"sections": bad} if bad else {})},
        **summary(sections), "warnings": [], "markdown": record["markdown"],
    }  # fmt: skip
