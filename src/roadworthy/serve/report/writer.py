"""Writes a report: its sections side by side, each kept at once, then the whole, judged and mended at most once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from html import unescape
from typing import Any, NamedTuple

from roadworthy.client.asked import QUALITY_FAILED, ask, both
from roadworthy.core.application import Chat
from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobRun
from roadworthy.gateway.quality import judge, marks
from roadworthy.gateway.quality.mend import Part, choose
from roadworthy.runtime.document.markdown import tame
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy.serve.report.outline import Outline, blank, rows_of, stitched


class Pace(NamedTuple):
    """How hard a writer tries.

    Attributes:
        parallel: Sections at the same time.
        tries: Times that a section is asked for from the start while no answer passes its rules. Weak models, told what
            was wrong with their answer, seldom mend it, and pass at the next try.
    """

    parallel: int
    tries: int = 1


class Writer:
    """Does the jobs that write reports: resumed after a kill, it asks for no section again that was kept.

    Args:
        chat: Asks models.
        orders: Of reports.
        outline_of: Makes a report's outline out of its record.
        pace: How hard it tries.
    """

    def __init__(self, chat: Chat, orders: Orders, outline_of: Callable[[Record], Outline], pace: Pace) -> None:
        self.chat, self.orders, self.outline_of, self.pace = chat, orders, outline_of, pace

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

    def __init__(self, by: Writer, run: JobRun, tenant: str, report_id: str, record: Record) -> None:
        self.by, self.run, self.tenant, self.id = by, run, tenant, report_id
        self.outline, self.rows = by.outline_of(record), rows_of(by.orders.records, tenant, report_id)
        self.record = by.orders.change(tenant, report_id, record, state="running")

    def end(self) -> str:
        keys = [key for key, _ in self.outline.sections]
        missing = [key for key in keys if self.rows.get(key, {}).get("state") not in OVER]
        with ThreadPoolExecutor(self.by.pace.parallel, "report-section") as pool:
            for done in as_completed([pool.submit(self.section, key) for key in missing]):
                done.result()
                self.run.progressed()
        self.run.check()
        bad = [row for key in keys if (row := self.rows[key])["state"] == "failed"]
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
        return self.over("passed", markdown=stitched(self.outline, self.rows))

    def section(self, key: str) -> None:
        self.put(blank(key, dict(self.outline.sections)[key], "running"))
        row = self.ask(key)
        for _ in range(1, self.by.pace.tries):
            if row["error_type"] != QUALITY_FAILED or "stub" in row["quality_issues"]:
                break  # the chain has asked again already, and each placeholder counts against its provider
            self.run.check()
            again = self.ask(key)
            row = {**again, **both(row, again)}
        self.put(row)

    def ask(self, key: str, rules: Mapping[str, Any] | None = None, more: Sequence[Json] = ()) -> Record:
        base, every = (
            blank(key, dict(self.outline.sections)[key], "passed"),
            {**self.outline.rules(key), **(rules or {})},
        )
        body = self.outline.request(key)
        body |= {"messages": [*body["messages"], *more], "quality": {**every, "keep_rejected": True}}
        row = ask(self.by.chat, self.tenant, body, self.run.check)
        if row["rejected"]:
            text = row["rejected"].get("text") or ""
            row["rejected"] = {**row["rejected"], "text": text, "marks": [list(one) for one in marks(text, every)]}
        if row["error_type"]:
            return {**base, **row, "state": "failed"}
        return {**base, **row, "text": tame(row["text"], base["title"])}

    def judge(self) -> dict[str, object]:
        return judge(unescape(stitched(self.outline, self.rows)), self.outline.rules(None))

    def mend(self, issues: Mapping[str, Any]) -> str:
        """Write one section again; it takes the old one's place when it passed. Says what came of it."""
        parts = {key: Part(self.rows[key]["text"], self.outline.rules(key)) for key, _ in self.outline.sections}
        mend = choose(issues, parts, self.outline.language)
        if mend is None:
            return "The sections passed, the whole did not, and no section can mend it within its own bounds."
        old = self.rows[mend.part]
        more: list[Json] = [{"role": "assistant", "content": old["text"]}, {"role": "user", "content": mend.message}]
        new = self.ask(mend.part, mend.rules, more)
        self.put({**(new if new["state"] == "passed" else old), **both(old, new), "mended": True})
        return f"The whole did not pass; {mend.part} was written again: {new['error_type'] or 'passed'}."

    def put(self, row: Record) -> None:
        self.by.orders.records.put(self.tenant, "section", f"{self.id}/{row['key']}", row)
        self.rows[row["key"]] = row

    def over(self, state: str, **changes: Any) -> str:
        self.by.orders.change(self.tenant, self.id, self.record, state=state, **changes)
        return state
