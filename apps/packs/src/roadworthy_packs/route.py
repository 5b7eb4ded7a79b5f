"""The routes of packs below /api/aicmo; those of reports and smoke runs are the platform's."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import to_builtins

from roadworthy.core.application import Call, Later, Reply, Route
from roadworthy.runtime.jobs.order import Record
from roadworthy.runtime.openai_shape import models, read_asked
from roadworthy.runtime.request_body import read_body, read_value
from roadworthy.serve.report.route import ReportRoutes
from roadworthy_packs.brief import Request, wanted_of
from roadworthy_packs.client import PREFIX
from roadworthy_packs.pack import Pack
from roadworthy_packs.report import PackReport
from roadworthy_packs.shelf import pick
from roadworthy_packs.smoke import BRIEFS


def routes(packs: Mapping[str, Pack], reports: ReportRoutes, model: str) -> list[Route]:
    """Paths and what answers them.

    Args:
        packs: By key.
        reports: Answers for reports.
        model: Route or mode to ask where a pack names none.
    """
    shelf: Record = {"packs": [_row(one) for one in packs.values()], "example_briefs": to_builtins(BRIEFS)}

    def outline(request: Request) -> PackReport:
        return PackReport(wanted_of(pick(packs, request.pack_key), request), model)

    def generate(call: Call) -> Reply | Later:
        return reports.order(call, outline(read_body(call.body, Request)))

    def complete(call: Call) -> Reply | Later:
        asked = read_asked(call.body)
        pack, brief = pick(packs, asked.model), asked.fields()
        told = brief if "client_brief" in brief else {"client_brief": brief}
        return reports.complete(call, outline(read_value({**told, "pack_key": pack.key}, Request)))

    return [
        Route("POST", f"{PREFIX}/generate_report", generate),
        *reports.all(),
        Route("GET", f"{PREFIX}/packs", lambda call: Reply(shelf)),
        Route("GET", f"{PREFIX}/packs/{{key}}", lambda call: Reply(to_builtins(pick(packs, call.path["key"])))),
        Route("GET", f"{PREFIX}/v1/models", lambda call: Reply(models(packs, "packs"))),
        Route("POST", f"{PREFIX}/v1/chat/completions", complete),
    ]


def _row(pack: Pack) -> Record:
    told = {name: getattr(pack, name) for name in ("key", "version", "title", "language", "description")}
    sections = [{"key": one.key, "title": one.title, "words": to_builtins(one.words)} for one in pack.sections]
    return {**told, "sections": sections}
