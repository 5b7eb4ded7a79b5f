"""One question as a record; unknown stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.client.asked import UNKNOWN, ask, both, forecast, summary, total
from roadworthy.client.record import Attempt
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import GatewayError


def asked(answer: Any) -> dict[str, Any]:
    def chat(*_: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask(chat, "t", {}, lambda: None)


def test_an_answer_of_a_server_that_tells_little() -> None:
    told = asked({"choices": [{"message": {"content": "Hi"}}]})
    assert told.keys() == UNKNOWN.keys()
    assert (told["text"], told["cost"], told["stub_used"], told["provider"], told["error_type"]) == (
        "Hi",
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("finish", "quality", "issue"),
    [
        ("length", "passed", "cut"),
        ("content_filter", "passed", "filtered"),
        ("tool_calls", "not-gated", "unjudged"),
        ("stop", "not-gated", "unjudged"),
    ],
)
def test_what_is_no_whole_text_that_was_judged_is_none(finish: str, quality: str, issue: str) -> None:
    choice = {"message": {"content": "Half of"}, "finish_reason": finish}
    told = asked({"choices": [choice], "roadworthy": {"quality": quality}})
    assert (told["text"], told["error_type"]) == (None, "runtime_quality_failed")
    assert (told["quality_passed"], told["quality_issues"]) == (False, {issue: True})
    assert told["rejected"]["text"] == "Half of"


def test_errors_are_told_with_what_they_carry() -> None:
    told = asked(GatewayError("Away.", code="gateway_unreachable"))
    assert (told["error_type"], told["quality_passed"], told["attempts"], told["cost"]) == (
        "gateway_unreachable",
        None,
        None,
        None,
    )
    attempts = (Attempt("p", "m", "timeout", cost_usd=0.5), Attempt("q", "m", "quality_failed", cost_usd=0.25))
    told = asked(RemoteError("runtime_quality_failed", "x", "", "", attempts=attempts))
    assert (told["quality_passed"], told["attempts"], told["cost"]) == (False, 2, 0.75)
    told = asked(RemoteError("llm_chain_failed", "x", "", "", attempts=(*attempts, Attempt("r", "m", "timeout"))))
    assert (told["quality_passed"], told["attempts"], told["cost"]) == (None, 3, None)


def test_sums_never_take_unknown_for_nothing() -> None:
    row = {**UNKNOWN, "attempts": 1, "repairs": 0, "cost": 0.1, "latency_ms": 2_000.0, "cost_estimated": True}
    assert total([]) is total([1, None]) is None
    assert both(row, {**row, "cost": None})["cost"] is None
    assert both(row, row)["attempts"] == 2
    assert summary([UNKNOWN]) == {
        "stub_used": None,
        "cost": None,
        "cost_estimated": None,
        "cache": None,
        "providers": [],
    }
    assert summary([row, UNKNOWN])["cost"] == 0.1
    assert summary([{**row, "stub_used": True, "provider": "p"}, {**row, "stub_used": False}])["stub_used"] is True
    assert forecast([UNKNOWN], 10, 2) == {"measured": 0, "seconds": None, "cost": None}
    assert forecast([row, row], 10, 2) == {"measured": 2, "seconds": 10.0, "cost": 1.0}
