"""Smoke runs: all packs as one job, what it takes told before, progress, cancel."""

from __future__ import annotations

from typing import Any

import pytest
from packs_app import BRIEF, GOOD, App

from rig.order_jobs import QuietRun
from roadworthy.core.errors import UsageError
from roadworthy.core.job import JobInterrupted

PATH = "/api/aicmo/smoke_runs"


def body(app: App, method: str, path: str, given: Any = None, **more: Any) -> dict[str, Any]:
    told = app.call(method, path, given, **more).body
    assert isinstance(told, dict)
    return told


def of_small(asked: dict[str, Any]) -> bool:
    return any(f'section "{title}"' in asked["messages"][1]["content"] for title in ("First", "Second"))


def test_an_estimate_runs_nothing_and_says_only_what_is_known(app: App) -> None:
    told = body(app, "POST", f"{PATH}?estimate=1")
    assert (told["reports"], told["requests"]) == (14, 67)
    assert told["prompt_tokens"] > 67 * 100
    assert (told["seconds"], told["cost"], told["measured"]) == (None, None, 0)
    assert not app.jobs.jobs
    app.generate()
    told = body(app, "POST", f"{PATH}?estimate=1", {"packs": ["small", "small"], "brief": BRIEF})
    assert (told["reports"], told["requests"], told["measured"], told["cost"]) == (1, 2, 2, 0.002)
    assert told["seconds"] >= 0


def test_a_run_tells_every_report_and_why_it_failed(app: App) -> None:
    app.model.say = lambda asked: GOOD if of_small(asked) else "Too short."
    reply = app.call("POST", PATH, {"packs": ["small", "quick_social_basic"]})
    assert reply.status == 202
    name = reply.body["smoke_id"]  # type: ignore[index,call-overload]
    assert reply.headers["location"] == f"{PATH}/{name}"
    told = body(app, "GET", f"{PATH}/{name}")
    assert told["state"] == "failed"
    assert [(row["pack_key"], row["language"], row["state"], row["sections_passed"]) for row in told["reports"]] == [
        ("small", "en", "failed", 1), ("quick_social_basic", "en", "failed", 0),
        ("quick_social_basic", "ko", "failed", 0),
    ]  # fmt: skip
    assert told["progress"] == {"done": 3, "total": 3}
    assert (told["sections_passed"], told["sections"]) == (1, 8)
    assert told["reports"][1]["error_type"] == "runtime_quality_failed"
    assert body(app, "GET", "/api/aicmo/reports") == {"reports": []}
    assert body(app, "GET", f"/api/aicmo/reports/{told['reports'][0]['report_id']}")["state"] == "failed"
    with pytest.raises(UsageError):
        app.call("GET", f"{PATH}/{name}", tenant="bert")


def test_all_good_is_passed(app: App) -> None:
    told = body(app, "POST", PATH, {"packs": ["small"], "brief": BRIEF})
    again = body(app, "GET", f"{PATH}/{told['smoke_id']}")
    assert (again["state"], again["reports"][0]["stub_used"], again["cost"]) == ("passed", False, 0.002)


def test_a_run_goes_on_after_a_kill_and_stops_when_cancelled(app: App) -> None:
    told = body(app, "POST", PATH, {"packs": ["small", "launch_gtm"], "brief": BRIEF}, run=False)
    [job] = app.jobs.jobs.values()

    def say(asked: dict[str, Any]) -> str:
        if not of_small(asked):
            raise JobInterrupted
        return GOOD

    app.model.say = say
    with pytest.raises(JobInterrupted):
        app.service.handlers["packs.smoke"](QuietRun(job.id), app.jobs.payloads[job.id])
    before = body(app, "GET", f"{PATH}/{told['smoke_id']}", run=False)
    assert [row["state"] for row in before["reports"]] == ["passed", "running"]
    assert sum(of_small(one) for one in app.model.asked) == 2
    app.model.say = lambda asked: "no"
    assert (
        body(app, "POST", PATH, {"packs": ["small", "launch_gtm"], "brief": BRIEF}, run=False)["smoke_id"]
        == told["smoke_id"]
    )
    after = body(app, "POST", f"{PATH}/{told['smoke_id']}/cancel", run=False)
    assert [row["state"] for row in after["reports"]] == ["passed", "cancelled"]
    assert sum(of_small(one) for one in app.model.asked) == 2


def test_what_was_never_begun_is_cancelled_too_and_not_done(app: App) -> None:
    told = body(app, "POST", PATH, {"packs": ["small", "launch_gtm"], "brief": BRIEF}, run=False)
    after = body(app, "POST", f"{PATH}/{told['smoke_id']}/cancel", run=False)
    assert [(row["state"], row["report_id"]) for row in after["reports"]] == [("cancelled", None)] * 2
    assert after["progress"] == {"done": 0, "total": 2}


@pytest.mark.parametrize("given", [{"packs": ["nope"]}, {"packs": "small"}, {"brief": {}}, {"pack": []}, []])
def test_what_cannot_be_run(app: App, given: Any) -> None:
    with pytest.raises(UsageError):
        app.call("POST", PATH, given)
    assert not app.jobs.jobs
