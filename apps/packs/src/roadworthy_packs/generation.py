"""Writes a report: its sections side by side, each kept at once, then the whole, judged and mended at most once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from html import unescape
from typing import Any

from roadworthy.client.asked import QUALITY_FAILED, ask, both
from roadworthy.core.application import Chat
from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobRun
from roadworthy.gateway.quality import judge, marks
from roadworthy.gateway.quality.mend import Part, choose
from roadworthy.runtime.document.markdown import tame
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy_packs.brief import Wanted
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

    def write(self, run: JobRun, tenant: str, report_id: str) -> str:
        """Bring a report to its end; returns its state."""
        record = self.orders.truth(tenant, report_id)
        if record["state"] in OVER:
            return str(record["state"])
        return _Writing(self, run, tenant, report_id, record).end()


class _Writing:
    """One report being written."""

    def __init__(self, by: Generation, run: JobRun, tenant: str, report_id: str, record: Record) -> None:
        self.by, self.run, self.tenant, self.id = by, run, tenant, report_id
        self.wanted, self.rows = wanted_in(record), sections_of(by.orders.records, tenant, report_id)
        self.record = by.orders.change(tenant, report_id, record, state="running")

    def end(self) -> str:
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
            return self.over("failed", error_type=first["error_type"], debug_hint=hint)
        hint, issues = "The sections passed, the whole did not.", self.judge()
        if issues and not any(row.get("mended") for row in self.rows.values()):
            hint = self.mend(issues)
            issues = self.judge()
        if issues:
            return self.over("failed", quality_issues=issues, error_type=QUALITY_FAILED, debug_hint=hint)
        return self.over("passed", markdown=stitched(self.wanted, self.rows))

    def section(self, section: Section) -> None:
        self.put(blank(section, self.wanted.language, "running"))
        self.put(self.ask(section))

    def ask(self, section: Section, rules: Mapping[str, Any] | None = None, more: Sequence[Json] = ()) -> Record:
        pack, base = self.wanted.pack, blank(section, self.wanted.language, "passed")
        every = {**section_rules(self.wanted, section), **(rules or {})}
        row = ask(self.by.chat, self.tenant, {
            "model": pack.model or self.by.model, "messages": [*messages(self.wanted, section), *more],
            "temperature": pack.temperature, "max_tokens": pack.max_tokens,
            "quality": {**every, "keep_rejected": True},
        }, self.run.check)  # fmt: skip
        if row["rejected"]:
            text = tame(row["rejected"].get("text") or "", base["title"])
            row["rejected"] = {**row["rejected"], "text": text, "marks": marks(text, every)}
        if row["error_type"]:
            return {**base, **row, "state": "failed"}
        return {**base, **row, "text": tame(row["text"], base["title"])}

    def judge(self) -> dict[str, object]:
        return judge(unescape(stitched(self.wanted, self.rows)), whole_rules(self.wanted))

    def mend(self, issues: Mapping[str, Any]) -> str:
        """Write one section again; it takes the old one's place when it passed. Says what came of it."""
        sections = {one.key: one for one in self.wanted.pack.sections}
        parts = {key: Part(self.rows[key]["text"], section_rules(self.wanted, one)) for key, one in sections.items()}
        mend = choose(issues, parts, self.wanted.language)
        if mend is None:
            return "The sections passed, the whole did not, and no section can mend it within its own bounds."
        old = self.rows[mend.part]
        more: list[Json] = [{"role": "assistant", "content": old["text"]}, {"role": "user", "content": mend.message}]
        new = self.ask(sections[mend.part], mend.rules, more)
        self.put({**(new if new["state"] == "passed" else old), **both(old, new), "mended": True})
        return f"The whole did not pass; {mend.part} was written again: {new['error_type'] or 'passed'}."

    def put(self, row: Record) -> None:
        self.by.orders.records.put(self.tenant, "section", f"{self.id}/{row['key']}", row)
        self.rows[row["key"]] = row

    def over(self, state: str, **changes: Any) -> str:
        self.by.orders.change(self.tenant, self.id, self.record, state=state, **changes)
        return state


def stitched(wanted: Wanted, rows: Mapping[str, Record]) -> str:
    """The report as one Markdown text, without its title; a section without a text is a dash."""
    parts = [(said(one.title, wanted.language), rows.get(one.key, {}).get("text")) for one in wanted.pack.sections]
    return "\n\n".join(f"## {title}\n\n{text or '—'}" for title, text in parts) + "\n"
