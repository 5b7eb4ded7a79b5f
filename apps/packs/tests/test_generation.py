"""A report section by section: kept at once, judged as a whole, mended once, resumed and retried."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from packs_app import BRIEF, GOOD, App

from rig.order_jobs import QuietRun
from roadworthy.core.errors import GatewayError
from roadworthy.core.job import JobInterrupted


def of(body: dict[str, Any]) -> str:
    return "first" if "Write the first" in body["messages"][1]["content"] else "second"


def test_a_good_report_says_who_wrote_what_and_what_it_cost(app: App) -> None:
    report = app.generate()
    assert (report["state"], report["quality_passed"], report["stub_used"]) == ("passed", True, False)
    assert report["progress"] == {"done": 2, "total": 2}
    assert [row["text"] for row in report["sections"]] == [GOOD, GOOD]
    assert {row["provider"] for row in report["sections"]} == {"double"} == set(report["providers"])
    assert (report["cost"], report["cost_estimated"]) == (0.002, False)
    assert report["markdown"] == f"## First\n\n{GOOD}\n\n## Second\n\n{GOOD}\n"
    assert [body["quality"]["keep_rejected"] for body in app.model.asked] == [True, True]
    assert app.model.asked[0]["tenant"] == "anna"


def test_a_section_that_fails_fails_the_report_and_its_text_is_in_no_file(app: App) -> None:
    app.model.say = lambda body: (
        "A cheap text that has enough words and measures nothing." if of(body) == "second" else GOOD
    )
    report = app.generate()
    first, second = report["sections"]
    assert (report["state"], report["quality_passed"], report["markdown"]) == ("failed", False, None)
    assert report["error_type"] == "runtime_quality_failed"
    assert (first["state"], second["state"], second["text"]) == ("passed", "failed", None)
    assert second["quality_issues"] == {"forbidden_terms": ["cheap"]}
    assert second["rejected"]["served_by"] == "double/m"
    assert report["quality_issues"] == {"sections": {"second": {"forbidden_terms": ["cheap"]}}}
    draft = app.call("GET", f"/api/aicmo/reports/{report['report_id']}/download?format=md&draft=1").body
    assert isinstance(draft, bytes)
    assert b"cheap" not in draft
    assert b"DRAFT, NOT PASSED" in draft


def test_a_section_is_asked_for_again_from_the_start_while_none_passes(app: App) -> None:
    app.settings["tries"] = 3
    app.service = app.start()
    said = iter(["Too cheap, but it measures enough words here.", "Short.", GOOD])
    app.model.say = lambda body: next(said) if of(body) == "second" else GOOD
    first, second = app.generate()["sections"]
    assert (first["attempts"], second["attempts"], second["repairs"], second["cost"]) == (1, 3, 0, 0.003)
    assert (second["state"], second["rejected"], second["quality_issues"]) == ("passed", None, {})
    asked = [body["messages"] for body in app.model.asked if of(body) == "second"]
    assert asked[0] == asked[1] == asked[2]


@pytest.mark.parametrize(
    ("say", "asked"),
    [(lambda body: "Short.", 4), (lambda body: GatewayError("Nobody.", code="llm_chain_failed"), 2)],
)
def test_only_what_the_gate_refused_is_asked_for_again(app: App, say: Any, asked: int) -> None:
    app.settings["tries"] = 2
    app.service = app.start()
    app.model.say = say
    assert app.generate()["state"] == "failed"
    assert len(app.model.asked) == asked


def test_what_the_model_was_told_is_no_text_of_a_report(app: App) -> None:
    app.model.say = lambda body: f"{GOOD} {body['messages'][1]['content'].splitlines()[-1]}"
    report = app.generate()
    assert {row["state"] for row in report["sections"]} == {"failed"}
    assert all("write one paragraph" in str(row["quality_issues"]).lower() for row in report["sections"])


def test_an_answer_that_the_limit_cut_is_no_section(app: App) -> None:
    app.model.finish = "length"
    report = app.generate()
    assert [row["quality_issues"] for row in report["sections"]] == [{"cut": True}, {"cut": True}]
    assert report["sections"][0]["text"] is None
    assert report["sections"][0]["rejected"]["text"] == GOOD


def test_a_provider_that_is_down_is_told_as_that(app: App) -> None:
    app.model.say = lambda body: GatewayError("Nobody.", code="llm_chain_failed")
    report = app.generate()
    assert report["error"]["code"] == report["error_type"] == "llm_chain_failed"
    assert {row["quality_passed"] for row in report["sections"]} == {None}
    assert (report["cost"], report["stub_used"], report["providers"]) == (None, None, [])


def test_the_whole_is_mended_once_by_the_section_that_has_room(app: App) -> None:
    """Each section may leave the brand out but the whole must name it twice."""
    told: list[list[Any]] = []

    def say(body: dict[str, Any]) -> str:
        told.append(body["messages"])
        if len(body["messages"]) > 2:
            return "Northwind writes, Northwind brews and Northwind sends beans that people like to measure with care."
        return (
            "Northwind writes a text that says how people measure what they like."
            if of(body) == "first"
            else ("Here is a text that says how people measure what they like.")
        )

    app.model.say = say
    text = SMALL_WHOLE
    (app_folder(app) / "small.yaml").write_text(text)
    app.service = app.start()
    report = app.generate()
    assert report["state"] == "passed", report
    assert len(told) == 3
    assert [one["role"] for one in told[-1]] == ["system", "user", "assistant", "user"]
    mended = [row for row in report["sections"] if row.get("mended")]
    assert len(mended) == 1
    assert (mended[0]["attempts"], mended[0]["cost"], mended[0]["prompt_tokens"]) == (2, 0.002, 20)


def test_a_whole_that_stays_wrong_fails_honestly(app: App) -> None:
    (app_folder(app) / "small.yaml").write_text(SMALL_WHOLE)
    app.service = app.start()
    app.model.say = lambda body: "Northwind writes a text that says how people measure what they like."
    report = app.generate()
    assert report["state"] == "failed"
    assert report["quality_issues"]["brand_mentions"]["found"] == 2
    assert "was written again: runtime_quality_failed" in report["debug_hint"]
    assert len(app.model.asked) == 3
    assert [row["state"] for row in report["sections"]] == ["passed", "passed"]


def test_what_a_killed_worker_kept_is_not_asked_again(app: App) -> None:
    """The first section is written; then the worker ends in the middle of the second."""
    kept = threading.Event()

    def say(body: dict[str, Any]) -> str:
        if of(body) == "second":
            kept.wait(5)
            raise JobInterrupted
        return GOOD

    app.model.say = say
    reply = app.call("POST", "/api/aicmo/generate_report", order(), run=False, prefer="respond-async")
    [job] = app.jobs.jobs.values()
    handler = app.service.handlers["packs.report"]
    real = app.records.put
    app.records.put = lambda *args: (real(*args), kept.set() if args[3].get("text") else None)[0]  # type: ignore[method-assign,func-returns-value]
    with pytest.raises(JobInterrupted):
        handler(QuietRun(job.id), app.jobs.payloads[job.id])
    app.model.say = lambda body: GOOD
    asked = [of(body) for body in app.model.asked]
    app.jobs.work(app.start().handlers)
    assert [of(body) for body in app.model.asked[len(asked) :]] == ["second"]
    report = app.call("GET", f"/api/aicmo/reports/{reply.body['report_id']}").body  # type: ignore[index,call-overload]
    assert report["state"] == "passed"  # type: ignore[index,call-overload]


def test_a_retry_asks_only_for_what_failed(app: App) -> None:
    app.model.say = lambda body: "cheap" if of(body) == "second" else GOOD
    report = app.generate()
    app.model.say = lambda body: GOOD
    before = len(app.model.asked)
    again = app.call("POST", f"/api/aicmo/reports/{report['report_id']}/retry")
    assert again.status == 202
    assert [of(body) for body in app.model.asked[before:]] == ["second"]
    assert app.call("GET", f"/api/aicmo/reports/{report['report_id']}").body["state"] == "passed"  # type: ignore[index,call-overload]


def order() -> dict[str, Any]:
    return {"pack_key": "small", "client_brief": BRIEF}


def app_folder(app: App) -> Path:
    return Path(app.settings["folder"])


SMALL_WHOLE = """
key: small
version: 1
title: Small report
language: en
description: For tests.
sections:
  - {key: first, title: First, instruction: Write the first., brand_mentions: {min: 1, max: 4}}
  - {key: second, title: Second, instruction: Write the second., required_terms: [measure*]}
whole: {brand_mentions: {min: 3, max: 9}}
"""
