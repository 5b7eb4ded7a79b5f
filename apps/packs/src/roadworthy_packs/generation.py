"""Writes a report: its sections side by side, each kept at once, then the whole, judged and mended at most once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import msgspec

from roadworthy.client.asked import QUALITY_FAILED, ask, both
from roadworthy.core.application import Chat
from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobRun
from roadworthy.gateway.quality.gate import Gate
from roadworthy.gateway.quality.rule import Quality
from roadworthy.runtime.document.markdown import tame
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy_packs.brief import Wanted
from roadworthy_packs.mend import choose
from roadworthy_packs.pack import Section, said
from roadworthy_packs.report import blank, sections_of, wanted_in
from roadworthy_packs.rule import messages, section_rules, whole_rules


class Generation:
    """Does the jobs `packs.report`: resumed after a kill, it asks for no section again that was kept.

    Args:
        chat: Asks models.
        orders: Of reports.
        model: Route or mode to ask where a pack names none.
        parallel: Sections at the same time.
    """

    def __init__(self, chat: Chat, orders: Orders, model: str, parallel: int) -> None:
        self.chat, self.orders, self.model, self.parallel = chat, orders, model, parallel

    def __call__(self, run: JobRun, payload: Payload) -> Json:
        """Do one job; see `core.ports.JobHandler`."""
        return self.write(run, str(payload["tenant"]), str(payload["id"]))

    def write(self, run: JobRun, tenant: str, report_id: str) -> str | None:
        """Bring a report to its end; returns its state, None when there is no such report."""
        record = self.orders.records.get(tenant, "report", report_id)
        if record is None or record["state"] in OVER:
            return None if record is None else str(record["state"])
        return _Writing(self, run, tenant, report_id, record).end()


class _Writing:
    """One report being written."""

    def __init__(self, by: Generation, run: JobRun, tenant: str, report_id: str, record: Record) -> None:
        self.by, self.run, self.tenant, self.id, self.record = by, run, tenant, report_id, record
        self.wanted = wanted_in(record)
        self.rows = sections_of(by.orders.records, tenant, report_id)

    def end(self) -> str:
        self.keep(state="running")
        sections = self.wanted.pack.sections
        missing = [one for one in sections if self.rows.get(one.key, {}).get("state") not in OVER]
        with ThreadPoolExecutor(self.by.parallel, "packs-section") as pool:
            for done in as_completed([pool.submit(self.section, one) for one in missing]):
                done.result()
                self.run.progressed()
        self.run.check()
        bad = [row for one in sections if (row := self.rows[one.key])["state"] == "failed"]
        if bad:
            first = next((row for row in bad if row["error_type"] != QUALITY_FAILED), bad[0])
            hint = "; ".join(f"{row['key']}: {row['debug_hint']}" for row in bad)
            return self.keep(state="failed", error_type=first["error_type"], debug_hint=hint)
        hint = "The sections passed, the whole did not."
        issues = judge(self.wanted, self.rows)
        if issues and not any(row.get("mended") for row in self.rows.values()):
            hint = self.mend(issues)
            issues = judge(self.wanted, self.rows)
        if issues:
            return self.keep(state="failed", quality_issues=issues, error_type=QUALITY_FAILED, debug_hint=hint)
        return self.keep(state="passed", markdown=stitched(self.wanted, self.rows))

    def section(self, section: Section) -> None:
        self.put(blank(section, self.wanted.language, "running"))
        self.put(self.ask(section))

    def ask(self, section: Section, rules: Mapping[str, Any] | None = None, more: Sequence[Json] = ()) -> Record:
        pack, base = self.wanted.pack, blank(section, self.wanted.language, "passed")
        row = ask(self.by.chat, self.tenant, {
            "model": pack.model or self.by.model, "messages": [*messages(self.wanted, section), *more],
            "temperature": pack.temperature, "max_tokens": pack.max_tokens,
            "quality": {**section_rules(self.wanted, section), **(rules or {})}, "keep_rejected": True,
        }, self.run.check)  # fmt: skip
        if row["rejected"]:
            row["rejected"] = {**row["rejected"], "text": tame(row["rejected"].get("text") or "", base["title"])}
        if row["error_type"]:
            return {**base, **row, "state": "failed"}
        return {**base, **row, "text": tame(row["text"], base["title"])}

    def mend(self, issues: Record) -> str:
        """Write one section again; it takes the old one's place when it passed. Says what came of it."""
        mend = choose(self.wanted, issues, {key: row["text"] for key, row in self.rows.items()})
        if mend is None:
            return "The sections passed, the whole did not, and no section can mend it within its own bounds."
        key, old = mend.section.key, self.rows[mend.section.key]
        before: Json = {"role": "assistant", "content": old["text"]}
        new = self.ask(mend.section, mend.rules, [before, {"role": "user", "content": mend.message}])
        self.put({**(new if new["state"] == "passed" else old), **both(old, new), "mended": True})
        return f"The whole did not pass; {key} was written again: {new['error_type'] or 'passed'}."

    def put(self, row: Record) -> None:
        self.by.orders.records.put(self.tenant, "section", f"{self.id}/{row['key']}", row)
        self.rows[row["key"]] = row

    def keep(self, **changes: Any) -> str:
        self.record = self.by.orders.change(self.tenant, self.id, self.record, **changes)
        return str(self.record["state"])


def stitched(wanted: Wanted, rows: Mapping[str, Record]) -> str:
    """The report as one Markdown text, without its title."""
    parts = [f"## {said(one.title, wanted.language)}\n\n{rows[one.key]['text']}" for one in wanted.pack.sections]
    return "\n\n".join(parts) + "\n"


def judge(wanted: Wanted, rows: Mapping[str, Record]) -> Record:
    """What is wrong with the whole of a report whose sections passed; empty when nothing is."""
    return Gate(msgspec.convert(whole_rules(wanted), Quality), {}).issues(stitched(wanted, rows))
