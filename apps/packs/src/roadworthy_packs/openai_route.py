"""Packs behind the shape of OpenAI's API: a model is a pack, its answer a report in Markdown."""

from __future__ import annotations

from roadworthy.core.application import Call, Later, Reply, Route
from roadworthy.runtime.jobs.order import Record
from roadworthy.runtime.openai_shape import completion, models, read_asked
from roadworthy.runtime.request_body import read_value
from roadworthy_packs.brief import Request, wanted_of
from roadworthy_packs.route import PREFIX, Routes
from roadworthy_packs.shelf import pick


def routes(reports: Routes) -> list[Route]:
    """`models` and `chat/completions` below /api/aicmo/v1."""

    def complete(call: Call) -> Reply | Later:
        asked = read_asked(call.body)
        pack, brief = pick(reports.packs, asked.model), asked.fields()
        told = brief if "client_brief" in brief else {"client_brief": brief}
        name = reports.place(call, wanted_of(pack, read_value({**told, "pack_key": pack.key}, Request)))
        place = f"{PREFIX}/reports/{name}"
        return reports.orders.answer(call._replace(headers={}), name, place, lambda: _shaped(reports.reply(call, name)))

    return [
        Route("GET", f"{PREFIX}/v1/models", lambda call: Reply(models(reports.packs, "packs"))),
        Route("POST", f"{PREFIX}/v1/chat/completions", complete),
    ]


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
