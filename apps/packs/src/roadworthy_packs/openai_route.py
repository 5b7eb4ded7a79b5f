"""Packs behind the shape of OpenAI's API: a model is a pack, its answer a report in Markdown."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from roadworthy.core.application import Call, Later, Reply, Route
from roadworthy.core.errors import UsageError
from roadworthy.runtime.jobs.order import Record
from roadworthy.runtime.request_body import read_body, read_value
from roadworthy_packs.brief import Request, wanted_of
from roadworthy_packs.route import PREFIX, Routes
from roadworthy_packs.shelf import pick

_LINE = re.compile(r"^\s*[\"']?(\w+)[\"']?\s*[:=]\s*(.+?)\s*$", re.MULTILINE)


class _Message(Struct):
    role: str
    content: str | list[dict[str, Any]]


class _Ask(Struct):
    model: str
    messages: list[_Message]
    stream: bool = False


def routes(reports: Routes) -> list[Route]:
    """`models` and `chat/completions` below /api/aicmo/v1."""

    def models(call: Call) -> Reply:
        rows = [{"id": key, "object": "model", "created": 0, "owned_by": "packs"} for key in reports.packs]
        return Reply({"object": "list", "data": rows})  # type: ignore[dict-item]

    def complete(call: Call) -> Reply | Later:
        asked = read_body(call.body, _Ask)
        if asked.stream:
            raise UsageError("A report is not streamed.", code="unsupported_parameter", param="stream")
        pack = pick(reports.packs, asked.model)
        name = reports.place(call, wanted_of(pack, read_value({"pack_key": pack.key, **_brief(asked)}, Request)))
        later = reports.waited(call._replace(headers={}), name)
        assert isinstance(later, Later)

        def ready() -> Reply | None:
            reply = reports.over(call, name)
            return None if reply is None else _shaped(reply)

        return Later(ready, later.wait_s, later.late)

    return [Route("GET", f"{PREFIX}/v1/models", models), Route("POST", f"{PREFIX}/v1/chat/completions", complete)]


def _brief(asked: _Ask) -> Record:
    """The brief in the last message of the user: a JSON object, or a line `field: value` for each field."""
    said = next((one.content for one in reversed(asked.messages) if one.role == "user"), "")
    text = said if isinstance(said, str) else "\n".join(str(part.get("text", "")) for part in said)
    try:
        told = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        told = {name.lower(): value for name, value in _LINE.findall(text)}
    return told if "client_brief" in told else {"client_brief": told}


def _shaped(reply: Reply) -> Reply:
    assert isinstance(reply.body, dict)
    report: Record = reply.body
    extra = {name: value for name, value in report.items() if name not in {"markdown", "error"}}
    extra |= {"quality": "passed" if report["quality_passed"] else "failed", "attempts": []}
    if "error" in report:
        return Reply({"error": report["error"], "roadworthy": extra}, reply.status)
    tokens = [sum(row[name] or 0 for row in report["sections"]) for name in ("prompt_tokens", "completion_tokens")]
    message = {"role": "assistant", "content": report["markdown"]}
    return Reply({
        "id": report["report_id"], "object": "chat.completion", "created": int(report["created_at"]),
        "model": ", ".join(sorted({row["model"] for row in report["sections"] if row["model"]})),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
        "roadworthy": extra,
    })  # fmt: skip
