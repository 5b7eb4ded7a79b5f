"""Smoke runs: several reports as one durable job, and what it will take, told before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from roadworthy.client.asked import forecast, total
from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobRun
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy.serve.report.outline import Outline, content, rows_of, view
from roadworthy.serve.report.writer import Writer

MEASURED = 200
"""So many of the newest sections say how long one takes and what it costs."""
_TOLD = ("state", "stub_used", "quality_passed", "quality_issues", "error_type", "debug_hint", "cost", "providers")


class SmokeRuns:
    """Places smoke runs and does their jobs.

    Args:
        writer: Writes the reports.
        orders: Of smoke runs.
    """

    def __init__(self, writer: Writer, orders: Orders) -> None:
        self._writer, self.orders = writer, orders

    def estimate(self, tenant: str, plan: Sequence[Outline]) -> Record:
        """What a run will take: requests and tokens by count, seconds and dollars by what was measured here before."""
        asked = [one.request(section) for one in plan for section, _ in one.sections]
        rows = [row for _, row in self.orders.records.all_of(tenant, "section", "", MEASURED)]
        return {
            "reports": len(plan), "requests": len(asked),
            "prompt_tokens": sum(len(str(one["messages"])) for one in asked) // 4,
            "most_completion_tokens": sum(one["max_tokens"] for one in asked),
            **forecast(rows, len(asked), self._writer.pace.parallel),
        }  # fmt: skip

    def place(self, tenant: str, plan: Sequence[Outline], key: str | None) -> str:
        """Start a run; gives its id. One that is equal and not over is joined."""
        digest = hashlib.sha256("".join(one.digest for one in plan).encode()).hexdigest()
        kept = {"plan": [one.kept() for one in plan], "estimate": self.estimate(tenant, plan)}
        return self.orders.place(tenant, digest, key, kept)

    def __call__(self, run: JobRun, payload: Payload) -> Json:
        """Do one job; see `core.ports.JobHandler`."""
        tenant, name, states = str(payload["tenant"]), str(payload["id"]), set()
        record = self.orders.truth(tenant, name)
        if record["state"] in OVER:
            return None
        record = self.orders.change(tenant, name, record, state="running")
        for outline in self._planned(record):
            run.check()
            report_id = _report_id(name, outline)
            self._writer.orders.add(tenant, report_id, outline.digest, record["job"], content(outline))
            states.add(self._writer.write(run, tenant, report_id))
        state = "passed" if states == {"passed"} else "failed"
        return str(self.orders.change(tenant, name, record, state=state)["state"])

    def view(self, tenant: str, name: str) -> Record:
        """A run as its caller sees it: a row for every report, with why it did not pass.

        Raises:
            UsageError: `not_found`.
        """
        record = self.orders.truth(tenant, name)
        rows = [self._row(tenant, _report_id(name, one), one, record) for one in self._planned(record)]
        done = [row for row in rows if row["report_id"] and row["state"] in OVER]
        told = ("state", "created_at", "updated_at", "estimate", "error_type", "debug_hint")
        return {
            "smoke_id": name, **{field: record[field] for field in told}, "reports": rows,
            "progress": {"done": len(done), "total": len(rows)}, "cost": total([row["cost"] for row in done]),
            **{field: sum(row[field] for row in rows) for field in ("sections_passed", "sections")},
        }  # fmt: skip

    def _planned(self, record: Record) -> list[Outline]:
        return [self._writer.outline_of(one) for one in record["plan"]]

    def _row(self, tenant: str, report_id: str, outline: Outline, run: Record) -> Record:
        records = self.orders.records
        report = records.get(tenant, "report", report_id)
        row: Record = {"name": outline.name, **outline.label, "language": outline.language, "report_id": report_id,
                       "sections_passed": 0, "sections": len(outline.sections)}  # fmt: skip
        if report is None:
            state = "cancelled" if run["state"] in OVER else "waiting"
            return {**row, "report_id": None, **dict.fromkeys(_TOLD), "state": state}
        if report["state"] not in OVER and run["state"] in OVER:
            report["state"] = "cancelled"
        seen = view(report_id, outline, report, rows_of(records, tenant, report_id))
        row["sections_passed"] = sum(one["state"] == "passed" for one in seen["sections"])
        return {**row, **{name: seen[name] for name in _TOLD}}


def _report_id(name: str, outline: Outline) -> str:
    return f"{name}.{outline.name}.{outline.language}"
