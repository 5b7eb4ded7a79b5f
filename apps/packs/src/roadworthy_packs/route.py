"""The routes of packs below /api/aicmo: reports, packs, smoke runs."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from msgspec import to_builtins

from roadworthy.core.application import Call, Later, Reply, Route
from roadworthy.core.errors import CODES, RoadworthyError, UsageError
from roadworthy.runtime.document.export import FORMATS, Sheet, export
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy.runtime.request_body import read_body, unusable
from roadworthy_packs.brief import Request, Wanted, wanted_of
from roadworthy_packs.generation import stitched
from roadworthy_packs.pack import Pack
from roadworthy_packs.report import content, sections_of, view, wanted_in
from roadworthy_packs.rule import section_rules
from roadworthy_packs.shelf import pick
from roadworthy_packs.smoke import BRIEFS, Smoke, SmokeRequest

PREFIX = "/api/aicmo"
_DRAFT = {"en": "DRAFT, NOT PASSED", "ko": "초안, 검수 미통과"}


class Routes:
    """Answers the platform.

    Args:
        packs: By key.
        orders: Of reports.
        smoke: Smoke runs.
    """

    def __init__(self, packs: Mapping[str, Pack], orders: Orders, smoke: Smoke) -> None:
        self.packs, self.orders, self._smoke = packs, orders, smoke

    def all(self) -> list[Route]:
        """Paths and what answers them."""
        report, smoke = f"{PREFIX}/reports", f"{PREFIX}/smoke_runs"
        shelf: Record = {"packs": [_row(one) for one in self.packs.values()], "example_briefs": to_builtins(BRIEFS)}
        return [
            Route("POST", f"{PREFIX}/generate_report", self.generate),
            Route("GET", report, self.list_reports),
            Route("GET", f"{report}/{{id}}", lambda call: Reply(self.seen(call.tenant, call.path["id"]))),
            Route("GET", f"{report}/{{id}}/download", self.download),
            Route("POST", f"{report}/{{id}}/cancel", self.cancel),
            Route("POST", f"{report}/{{id}}/retry", self.retry),
            Route("GET", f"{PREFIX}/packs", lambda call: Reply(shelf)),
            Route("GET", f"{PREFIX}/packs/{{key}}",
                  lambda call: Reply(to_builtins(pick(self.packs, call.path["key"])))),
            Route("POST", smoke, self.run_smoke),
            Route("GET", f"{smoke}/{{id}}", lambda call: Reply(self._smoke.view(call.tenant, call.path["id"]))),
            Route("POST", f"{smoke}/{{id}}/cancel", self.cancel_smoke),
        ]  # fmt: skip

    def generate(self, call: Call) -> Reply | Later:
        """Have a report written, and wait for it unless the caller prefers not to."""
        request = read_body(call.body, Request)
        name = self.place(call, wanted_of(pick(self.packs, request.pack_key), request))
        return self.orders.answer(call, name, f"{PREFIX}/reports/{name}", lambda: self.reply(call, name))

    def place(self, call: Call, wanted: Wanted) -> str:
        """Order a report; gives its id."""
        for section in wanted.pack.sections:  # a brief that contradicts the pack fails before anything is asked
            section_rules(wanted, section)
        return self.orders.place(call.tenant, wanted.digest, call.headers.get("idempotency-key"), content(wanted))

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
        return view(name, record, sections_of(self.orders.records, tenant, name))

    def list_reports(self, call: Call) -> Reply:
        """The newest reports; those of smoke runs are not among them."""
        limit = call.query.get("limit", "20")
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            raise unusable("limit", "It must be 1 to 100.")
        found = self.orders.records.all_of(call.tenant, "report", "report_", int(limit))
        return Reply({"reports": [self.seen(call.tenant, name) for name, _ in found]})

    def download(self, call: Call) -> Reply:
        """A report as a file; one that did not pass only as a draft that says so, without what was rejected."""
        name, form = call.path["id"], call.query.get("format", "md")
        record = self.orders.truth(call.tenant, name)
        if form not in FORMATS:
            raise unusable("format", f"It must be {', '.join(FORMATS)}.")
        rows, wanted = sections_of(self.orders.records, call.tenant, name), wanted_in(record)
        mark = "" if record["state"] == "passed" else _DRAFT[wanted.language]
        if mark and call.query.get("draft") != "1":
            why, mend = "Only one that passed is given out.", "Retry it, or ask with draft=1 for a marked draft."
            raise UsageError(f"The report is {record['state']}.", why, mend, code="wrong_state")
        sheet = Sheet(view(name, record, rows)["title"], stitched(wanted, rows), wanted.language, mark)
        file = quote(f"{wanted.pack.key}-{wanted.brief['brand_name']}.{form}", safe="")
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
            for key, row in sections_of(records, tenant, name).items():
                if row["state"] != "passed":
                    records.delete(tenant, "section", f"{name}/{key}")
                elif row.get("mended"):
                    records.put(tenant, "section", f"{name}/{key}", {**row, "mended": False})
        self.orders.again(tenant, name, quality_issues={})
        return Reply(self.seen(tenant, name), 202, headers={"location": f"{PREFIX}/reports/{name}"})

    def run_smoke(self, call: Call) -> Reply:
        """Start a smoke run, or only say what it would take."""
        plan = self._smoke.plan(read_body(call.body or b"{}", SmokeRequest))
        if call.query.get("estimate") == "1":
            return Reply(self._smoke.estimate(call.tenant, plan))
        name = self._smoke.place(call.tenant, plan, call.headers.get("idempotency-key"))
        return Reply(self._smoke.view(call.tenant, name), 202, headers={"location": f"{PREFIX}/smoke_runs/{name}"})

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


def _row(pack: Pack) -> Record:
    told = {name: getattr(pack, name) for name in ("key", "version", "title", "language", "description")}
    sections = [{"key": one.key, "title": one.title, "words": to_builtins(one.words)} for one in pack.sections]
    return {**told, "sections": sections}
