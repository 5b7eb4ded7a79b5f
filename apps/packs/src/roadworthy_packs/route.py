"""The routes of packs below /api/aicmo: reports, packs, smoke runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from roadworthy.core.application import Call, Later, Reply, Route
from roadworthy.core.errors import CODES, RoadworthyError, UsageError
from roadworthy.gateway.edge.answer import error_object
from roadworthy.runtime.document.export import FORMATS, export
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy.runtime.request_body import read_body
from roadworthy_packs.brief import Request, Wanted, wanted_of
from roadworthy_packs.pack import Pack
from roadworthy_packs.report import content, sections_of, view
from roadworthy_packs.rule import section_rules
from roadworthy_packs.shelf import pick
from roadworthy_packs.smoke import Smoke, SmokeRequest

PREFIX = "/api/aicmo"
WAIT_S = 800.0
_MARK = {"en": "DRAFT, NOT PASSED", "ko": "초안, 검수 미통과"}


class Routes:
    """Answers the platform.

    Args:
        packs: By key.
        orders: Of reports.
        smoke: Smoke runs.
        smoke_orders: Their orders.
    """

    def __init__(self, packs: Mapping[str, Pack], orders: Orders, smoke: Smoke, smoke_orders: Orders) -> None:
        self.packs, self.orders, self._smoke, self._smoke_orders = packs, orders, smoke, smoke_orders

    def all(self) -> list[Route]:
        """Paths and what answers them."""
        report, smoke = f"{PREFIX}/reports", f"{PREFIX}/smoke_runs"
        return [
            Route("POST", f"{PREFIX}/generate_report", self.generate),
            Route("GET", report, self.list_reports),
            Route("GET", f"{report}/{{id}}", lambda call: Reply(self.seen(call.tenant, call.path["id"]))),
            Route("GET", f"{report}/{{id}}/download", self.download),
            Route("POST", f"{report}/{{id}}/cancel", self.cancel),
            Route("POST", f"{report}/{{id}}/retry", self.retry),
            Route("GET", f"{PREFIX}/packs", lambda call: Reply({"packs": [_row(one) for one in self.packs.values()]})),
            Route("GET", f"{PREFIX}/packs/{{key}}", lambda call: Reply(msgspec.to_builtins(self._pack(call)))),
            Route("POST", smoke, self.run_smoke),
            Route("GET", f"{smoke}/{{id}}", lambda call: Reply(self._smoke.view(call.tenant, call.path["id"]))),
            Route("POST", f"{smoke}/{{id}}/cancel", self.cancel_smoke),
        ]

    def generate(self, call: Call) -> Reply | Later:
        """Have a report written, and wait for it unless the caller prefers not to."""
        request = read_body(call.body, Request)
        name = self.place(call, wanted_of(pick(self.packs, request.pack_key), request))
        return self.waited(call, name)

    def place(self, call: Call, wanted: Wanted) -> str:
        """Order a report; gives its id."""
        for section in wanted.pack.sections:  # a brief that contradicts the pack fails here, before anything is asked
            section_rules(wanted, section)
        key = call.headers.get("idempotency-key")
        return self.orders.place(call.tenant, wanted.digest, key, content(wanted))

    def waited(self, call: Call, name: str) -> Reply | Later:
        """The report when it is over; at once, as far as it is, when the caller prefers that."""
        def late() -> Reply:
            headers = {"location": f"{PREFIX}/reports/{name}"}
            if "respond-async" in call.headers.get("prefer", ""):
                headers["preference-applied"] = "respond-async"
            return Reply(self.seen(call.tenant, name), 202, headers=headers)

        if "respond-async" in call.headers.get("prefer", ""):
            return late()
        return Later(lambda: self.over(call, name), WAIT_S, late)

    def over(self, call: Call, name: str) -> Reply | None:
        """The answer for a report that is over; None before."""
        if self.orders.truth(call.tenant, name)["state"] not in OVER:
            return None
        report = self.seen(call.tenant, name)
        if report["state"] == "passed":
            return Reply(report)
        error = fault(report)
        return Reply({**report, "error": error_object(error, call.request_id)}, error.spec.http_status)

    def seen(self, tenant: str, name: str) -> Record:
        """A report as its caller sees it."""
        record = self.orders.truth(tenant, name)
        return view(name, record, sections_of(self.orders.records, tenant, name))

    def list_reports(self, call: Call) -> Reply:
        """The newest reports; those of smoke runs are not among them."""
        limit = call.query.get("limit", "20")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise UsageError("limit cannot be used.", "It must be 1 to 100.", param="limit")
        found = self.orders.records.all_of(call.tenant, "report", "report_", int(limit))
        return Reply({"reports": [self.seen(call.tenant, name) for name, _ in found]})

    def download(self, call: Call) -> Reply:
        """A report as a file; one that did not pass only as a draft that says so, without what was rejected."""
        report, form = self.seen(call.tenant, call.path["id"]), call.query.get("format", "md")
        if form not in FORMATS:
            raise UsageError("format cannot be used.", f"It must be {', '.join(FORMATS)}.", param="format")
        mark = "" if report["state"] == "passed" else _MARK[report["client_brief"]["language"]]
        if mark and call.query.get("draft") != "1":
            raise UsageError(f"The report is {report['state']}.", "Only one that passed is given out as a file.",
                             "Retry it, or ask with draft=1 for a marked draft.", code="wrong_state")  # fmt: skip
        text = "\n\n".join(f"## {row['title']}\n\n{row['text'] or '—'}" for row in report["sections"])
        body = export(form, report["title"], text, report["client_brief"]["language"], mark)
        file = quote(f"{report['pack_key']}-{report['client_brief']['brand_name']}.{form}", safe="")
        return Reply(body, content_type=FORMATS[form],
                     headers={"content-disposition": f"attachment; filename*=UTF-8''{file}"})  # fmt: skip

    def cancel(self, call: Call) -> Reply:
        """Stop a report; sections that are there stay."""
        self.orders.cancel(call.tenant, call.path["id"])
        return Reply(self.seen(call.tenant, call.path["id"]))

    def retry(self, call: Call) -> Reply:
        """Write failed sections again; those that passed stay as they are."""
        tenant, name, records = call.tenant, call.path["id"], self.orders.records
        if self.orders.truth(tenant, name)["state"] in {"failed", "cancelled"}:
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
        self._smoke_orders.cancel(call.tenant, call.path["id"])
        return Reply(self._smoke.view(call.tenant, call.path["id"]))

    def _pack(self, call: Call) -> Pack:
        return pick(self.packs, call.path["key"])


def fault(report: Mapping[str, Any]) -> RoadworthyError:
    """Why a report that is over has not passed."""
    if report["state"] == "cancelled":
        return UsageError("The report was cancelled.", "Somebody stopped it.", code="wrong_state")
    code = report["error_type"] if report["error_type"] in CODES else "unexpected_error"
    passed = sum(row["state"] == "passed" for row in report["sections"])
    what = f"The report did not pass: {passed} of {len(report['sections'])} sections did."
    return RoadworthyError(what, report["debug_hint"] or "", code=code)


def _row(pack: Pack) -> Record:
    told: Record = {"key": pack.key, "version": pack.version, "title": pack.title, "language": pack.language}
    sections = [{"key": one.key, "title": one.title, "words": msgspec.to_builtins(one.words)} for one in pack.sections]
    return {**told, "description": pack.description, "sections": sections}
