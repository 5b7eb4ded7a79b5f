"""Packs behind OpenAI's shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from packs_app import BRIEF, GOOD, App

from roadworthy.core.errors import UsageError

PATH = "/api/aicmo/v1/chat/completions"


def ask(app: App, text: Any, **more: Any) -> Any:
    return app.call("POST", PATH, {"model": "small", "messages": [{"role": "user", "content": text}], **more})


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(BRIEF),
        json.dumps({"client_brief": BRIEF, "services": ["ads"]}),
        "\n".join(f"{name}: {value}" for name, value in BRIEF.items()),
        "\n".join(f"{name.title()} = {value}" for name, value in BRIEF.items()),
        [{"type": "text", "text": json.dumps(BRIEF)}],
    ],
)
def test_a_brief_in_the_last_message_becomes_a_report(app: App, text: Any) -> None:
    reply = ask(app, text)
    assert reply.status == 200
    assert reply.body["choices"][0]["message"]["content"].startswith(f"## First\n\n{GOOD}")
    assert reply.body["model"] == "m-2026"
    assert reply.body["usage"] == {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60}
    told = reply.body["roadworthy"]
    assert (told["quality"], told["stub_used"], told["cost"], told["pack_key"]) == ("passed", False, 0.002, "small")


def test_a_report_that_failed_is_an_error(app: App) -> None:
    app.model.say = lambda body: "cheap"
    reply = ask(app, json.dumps(BRIEF))
    assert reply.status == 422
    assert reply.body["error"]["code"] == "runtime_quality_failed"
    assert reply.body["error"]["message"]
    assert reply.body["roadworthy"]["quality"] == "failed"


def test_what_cannot_be_asked(app: App) -> None:
    for text, more, code in (
        ("write me a report", {}, "invalid_request"), (json.dumps(BRIEF), {"stream": True}, "unsupported_parameter"),
        (json.dumps(BRIEF), {"model": "gpt-4"}, "not_found"), (json.dumps({**BRIEF, "x": 1}), {}, "invalid_request"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as error:
            ask(app, text, **more)
        assert error.value.code == code


def test_models_are_packs(app: App) -> None:
    told = app.call("GET", "/api/aicmo/v1/models").body
    assert isinstance(told, dict)
    assert "small" in {one["id"] for one in told["data"]}  # type: ignore[union-attr,call-overload,index]
