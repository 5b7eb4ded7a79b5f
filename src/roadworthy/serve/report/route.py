"""The routes of reports: look, download, cancel, retry; the same for smoke runs; and an answer in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from roadworthy.core.application import Call, Later, Reply, Route
from roadworthy.core.errors import CODES, RoadworthyError, UsageError
from roadworthy.runtime.document.export import FORMATS, Sheet, export
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy.runtime.openai_shape import completion
from roadworthy.runtime.request_body import unusable
from roadworthy.serve.report.outline import Outline, content, rows_of, stitched, view
from roadworthy.serve.report.smoke import SmokeRuns


class ReportRoutes:
    """Answers for the reports of an application.

    Args:
        prefix: Where its routes are, for example `/api/aicmo`.
        orders: Of reports.
        outline_of: Makes a report's outline out of its record.
        smoke: Its smoke runs.
        plan: The outlines that the body of a smoke run's request asks for.
    """

    def __init__(
        self,
        prefix: str,
        orders: Orders,
        outline_of: Callable[[Record], Outline],
        smoke: SmokeRuns,
        plan: Callable[[bytes], list[Outline]],
    ) -> None:
        self.prefix, self.orders, self.outline_of, self._smoke, self._plan = prefix, orders, outline_of, smoke, plan

    def all(self) -> list[Route]:
        """Paths and what answers them."""
        report, smoke = f"{self.prefix}/reports", f"{self.prefix}/smoke_runs"
        return [
            Route("GET", report, self.list_reports),
            Route("GET", f"{report}/{{id}}", lambda call: Reply(self.seen(call.tenant, call.path["id"]))),
            Route("GET", f"{report}/{{id}}/download", self.download),
            Route("POST", f"{report}/{{id}}/cancel", self.cancel),
            Route("POST", f"{report}/{{id}}/retry", self.retry),
            Route("POST", smoke, self.run_smoke),
            Route("GET", f"{smoke}/{{id}}", lambda call: Reply(self._smoke.view(call.tenant, call.path["id"]))),
            Route("POST", f"{smoke}/{{id}}/cancel", self.cancel_smoke),
        ]

    def order(self, call: Call, outline: Outline) -> Reply | Later:
        """Have a report written; its caller waits unless he prefers not to."""
        name = self._place(call, outline)
        return self.orders.answer(call, name, f"{self.prefix}/reports/{name}", lambda: self.reply(call, name))

    def complete(self, call: Call, outline: Outline) -> Reply | Later:
        """The same in the shape of OpenAI's chat completions: the Markdown as the message, the report beside it."""
        name, call = self._place(call, outline), call._replace(headers={})
        place = f"{self.prefix}/reports/{name}"
        return self.orders.answer(call, name, place, lambda: _shaped(self.reply(call, name)))

    def _place(self, call: Call, outline: Outline) -> str:
        for key, _ in outline.sections:  # what contradicts itself fails before anything is asked
            outline.rules(key)
        return self.orders.place(call.tenant, outline.digest, call.headers.get("idempotency-key"), content(outline))

    def reply(self, call: Call, name: str) -> Reply:
        """A report as it is; one that is over and did not pass with an error and its status."""
        report = self.seen(call.tenant, name)
        if report["state"] not in OVER - {"passed"}:
            return Reply(report)
        error = _fault(report)
        told: Record = {**error.as_dict(), "message": str(error), "request_id": call.request_id}
        return Reply({**report, "error": told}, error.spec.http_status)

    def seen(self, tenant: str, name: str) -> Record:
        """A report as its caller sees it."""
        record = self.orders.truth(tenant, name)
        return view(name, self.outline_of(record), record, rows_of(self.orders.records, tenant, name))

    def list_reports(self, call: Call) -> Reply:
        """The newest reports; those of smoke runs are not among them."""
        limit = call.query.get("limit", "20")
        if not (limit.isascii() and limit.isdecimal()) or not 1 <= int(limit) <= 100:
            raise unusable("limit", "It must be 1 to 100.")
        found = self.orders.records.all_of(call.tenant, "report", "report_", int(limit))
        return Reply({"reports": [self.seen(call.tenant, name) for name, _ in found]})

    def download(self, call: Call) -> Reply:
        """A report as a file; one that did not pass only as a draft that says so, without what was rejected."""
        name, form = call.path["id"], call.query.get("format", "md")
        record = self.orders.truth(call.tenant, name)
        if form not in FORMATS:
            raise unusable("format", f"It must be {', '.join(FORMATS)}.")
        rows, outline = rows_of(self.orders.records, call.tenant, name), self.outline_of(record)
        mark = "" if record["state"] == "passed" else outline.draft
        if mark and call.query.get("draft") != "1":
            why, mend = "Only one that passed is given out.", "Retry it, or ask with draft=1 for a marked draft."
            raise UsageError(f"The report is {record['state']}.", why, mend, code="wrong_state")
        sheet = Sheet(outline.title, stitched(outline, rows), outline.language, mark)
        file = quote(f"{outline.name}-{outline.title.rpartition(': ')[2]}.{form}", safe="")
        lines = {"content-disposition": f"attachment; filename*=UTF-8''{file}"}
        return Reply(export(form, sheet), content_type=FORMATS[form], headers=lines)

    def cancel(self, call: Call) -> Reply:
        """Stop a report; sections that are there stay."""
        self.orders.cancel(call.tenant, call.path["id"])
        return Reply(self.seen(call.tenant, call.path["id"]))

    def retry(self, call: Call) -> Reply:
        """Write failed sections again; those that passed stay as they are."""
        tenant, name, records = call.tenant, call.path["id"], self.orders.records
        if self.orders.truth(tenant, name)["state"] in OVER - {"passed"}:
            for key, row in rows_of(records, tenant, name).items():
                if row["state"] != "passed":
                    records.delete(tenant, "section", f"{name}/{key}")
                elif row.get("mended"):
                    records.put(tenant, "section", f"{name}/{key}", {**row, "mended": False})
        self.orders.again(tenant, name, quality_issues={})
        return Reply(self.seen(tenant, name), 202, headers={"location": f"{self.prefix}/reports/{name}"})

    def run_smoke(self, call: Call) -> Reply:
        """Start a smoke run, or only say what it would take."""
        plan = self._plan(call.body or b"{}")
        if call.query.get("estimate") == "1":
            return Reply(self._smoke.estimate(call.tenant, plan))
        name = self._smoke.place(call.tenant, plan, call.headers.get("idempotency-key"))
        return Reply(self._smoke.view(call.tenant, name), 202, headers={"location": f"{self.prefix}/smoke_runs/{name}"})

    def cancel_smoke(self, call: Call) -> Reply:
        """Stop a smoke run; reports that are there stay."""
        self._smoke.orders.cancel(call.tenant, call.path["id"])
        return Reply(self._smoke.view(call.tenant, call.path["id"]))


def _fault(report: Record) -> RoadworthyError:
    """Why a report that is over has not passed."""
    if report["state"] == "cancelled":
        return UsageError("The report was cancelled.", "Somebody stopped it.", code="wrong_state")
    code = report["error_type"] if report["error_type"] in CODES else "unexpected_error"
    passed = sum(row["state"] == "passed" for row in report["sections"])
    what = f"The report did not pass: {passed} of {len(report['sections'])} sections did."
    return RoadworthyError(what, report["debug_hint"] or "", code=code)


def _shaped(reply: Reply) -> Reply:
    assert isinstance(reply.body, dict)
    report: Record = reply.body
    extra = {name: value for name, value in report.items() if name not in {"markdown", "error"}}
    extra |= {"quality": "passed" if report["quality_passed"] else "failed", "attempts": []}
    if "error" in report:
        return reply._replace(body={"error": report["error"], "roadworthy": extra})
    who = ", ".join(sorted({row["model"] for row in report["sections"] if row["model"]}))
    counts = [[row[name] for row in report["sections"]] for name in ("prompt_tokens", "completion_tokens")]
    asked, said = (None if None in count else sum(count) for count in counts)
    told = completion(report["report_id"], report["created_at"], who, report["markdown"] or "", (asked, said))
    return reply._replace(body={**told, "roadworthy": extra})
