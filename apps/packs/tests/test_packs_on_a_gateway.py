"""Packs on a real gateway, worker and store: what the gate holds back, kills in the middle, providers that are down."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from packs_gateway import Writer, gateway, good, site

from doubles import Fault
from rig import Gateway, await_true
from rig.gateway import needs_model
from roadworthy_packs import shelf
from roadworthy_packs.brief import Request, Wanted, wanted_of
from roadworthy_packs.pack import Section, said
from roadworthy_packs.smoke import BRIEFS

pytestmark = pytest.mark.slow

PLAN = [
    wanted_of(pack, Request(pack.key, BRIEFS[language]))
    for pack in shelf.load().values()
    for language in pack.languages
]
FILLERS = {
    "en": ("In today's fast-paced world, ", "Lorem ipsum dolor sit amet. ", "[insert the name here] ", "TBD. ",
           "This is a game-changer. ", "As a language model, I say: ", "<brief> brand_name "),
    "ko": ("급변하는 시대에 ", "[여기에 이름을 넣으세요] ", "추후 작성 예정입니다. ", "게임 체인저입니다. "),
}  # fmt: skip
FOREIGN = {
    "en": "집에서 커피를 내려 마시는 고객에게 갓 볶은 원두를 보내는 방법을 자세히 설명하는 글입니다. ",
    "ko": "This is a long English text about people who make their own coffee at home and want to have it fresh. ",
}


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    with Writer() as made:
        yield made


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short name: sockets lie below it."""
    return tmp_path_factory.mktemp("packs")


@pytest.fixture(scope="module")
def running(writer: Writer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("packs"), writer, parallel=4) as made:
        yield made


def order(wanted: Wanted, **more: Any) -> dict[str, Any]:
    return {"pack_key": wanted.pack.key, "client_brief": wanted.brief, **more}


def post(gateway: Gateway, path: str, body: object, **headers: str) -> Any:
    await_true(lambda: gateway.get("/api/aicmo/packs").status_code == 200)  # the worker starts beside the edge
    return httpx2.post(
        f"{gateway.url}/api/aicmo/{path}", json=body, headers=headers, timeout=400, trust_env=False, verify=False
    )


def bad(wanted: Wanted, section: Section, at: int) -> tuple[str, str]:
    """A text with one planted fault that this section can have, and the issue that must be told."""
    text, brand = good(wanted, section), wanted.brief["brand_name"]
    fillers = FILLERS[wanted.language]
    planted = [
        ("forbidden_terms", fillers[at % len(fillers)] + text),
        (
            "word_count",
            " ".join(text.split()[:-1][:8]) + f" {brand} {' '.join(section.required_terms).replace('*', '')}.",
        ),
        ("language", FOREIGN[wanted.language] * 2 + f"{brand} {' '.join(section.required_terms).replace('*', '')}"),
        ("word_count", text + " " + good(wanted, section).replace(brand, "it") * 12),
    ]
    if section.required_terms:
        planted.append(("missing_terms", text.replace(section.required_terms[0].rstrip("*"), "thing")))
    if section.brand_mentions.min:
        planted.append(("brand_mentions", text.replace(brand, "The client")))
    if section.forbidden_terms:
        planted.append(("forbidden_terms", f"{section.forbidden_terms[0].title()}! {text}"))
    return planted[at % len(planted)]


def sections() -> list[tuple[Wanted, Section]]:
    return [(wanted, section) for wanted in PLAN for section in wanted.pack.sections]


def test_good_sections_pass_and_planted_faults_are_all_caught(
    running: Gateway, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every section of every pack once good and twice bad, each through the gateway's own gate."""
    caught: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    missed: list[Any] = []
    passed = reports = 0
    for wanted in PLAN:
        titles = {said(one.title, wanted.language): one for one in wanted.pack.sections}
        writer.say = lambda title, wanted=wanted, titles=titles: good(wanted, titles[title])  # type: ignore[misc]
        answer = post(running, "generate_report", order(wanted))
        report = answer.json()
        assert answer.status_code == 200, (wanted.pack.key, report["debug_hint"], report["quality_issues"])
        assert report["stub_used"] is False
        passed += sum(row["state"] == "passed" for row in report["sections"])
        reports += report["state"] == "passed"
        for turn in range(2):
            plan = {title: bad(wanted, one, at * 2 + turn * 3 + len(one.key))
                    for at, (title, one) in enumerate(titles.items())}  # fmt: skip
            writer.say = lambda title, plan=plan: plan[title][1]  # type: ignore[misc]
            answer = post(running, "generate_report", order(wanted, stage=f"turn {turn}"))
            report = answer.json()
            assert answer.status_code == 422, report["debug_hint"]
            assert report["markdown"] is None
            for row in report["sections"]:
                issue = plan[row["title"]][0]
                planted[issue] += 1
                before = caught[issue]
                # Placeholders and refusals fail on every route, before any rule of ours is looked at.
                told = issue in row["quality_issues"] or {"stub", "refusal"} & row["quality_issues"].keys()
                told = bool(told) and row["error_type"] == "runtime_quality_failed"
                caught[issue] += row["state"] == "failed" and row["text"] is None and told
                if caught[issue] == before:
                    missed.append(
                        (wanted.pack.key, issue, plan[row["title"]][1], row["quality_issues"], row["debug_hint"])
                    )
    with capsys.disabled():
        print(f"\ngood: {passed} of {len(sections())} sections and {reports} of {len(PLAN)} reports passed")
        for issue, count in sorted(planted.items()):
            print(f"planted {issue}: {caught[issue]} of {count} caught")
    assert passed == len(sections()) >= 60
    assert caught == planted, missed
    assert sum(planted.values()) >= 60
    assert planted.keys() == {"forbidden_terms", "word_count", "language", "missing_terms", "brand_mentions"}


def test_a_killed_worker_repeats_no_section_that_was_kept(folder: Path) -> None:
    wanted = next(one for one in PLAN if one.pack.key == "strategy_campaign_standard")
    titles = {said(one.title, "en"): one for one in wanted.pack.sections}
    with Writer() as writer, gateway(folder, writer, parallel=2) as running:
        writer.say = lambda title: good(wanted, titles[title])
        writer.faults = Fault("delay", seconds=1.0)
        told = post(running, "generate_report", order(wanted), prefer="respond-async")
        assert told.status_code == 202
        place = told.headers["location"]

        def report() -> dict[str, Any]:
            try:
                return dict(json.loads(running.get(place).content))
            except httpx2.TransportError:
                return {}

        def kept() -> list[str]:
            return [row["title"] for row in report().get("sections", ()) if row["state"] == "passed"]

        await_true(lambda: len(kept()) >= 2)
        pid = running.pids["worker"]
        os.kill(pid, signal.SIGKILL)
        await_true(lambda: running.pids.get("worker") not in {None, pid})
        await_true(lambda: report().get("state") is not None)
        before, asked = kept(), len(writer.asked)
        await_true(lambda: report().get("state") not in {None, "queued", "running"})
        assert report()["state"] == "passed", report()
        times = Counter(writer.asked)
        assert times.keys() == titles.keys()
        assert all(times[title] == 1 for title in before[:2]), times
        assert len(writer.asked) <= len(titles) + 2, times  # two were under way when it was killed
        assert asked >= 2
        assert report()["markdown"].count("## ") == len(titles)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault("status", status=500), 502, "llm_chain_failed"),
        (Fault("html"), 502, "llm_chain_failed"),
        (Fault("empty"), 502, "llm_chain_failed"),
        (Fault("length"), 422, "runtime_quality_failed"),
    ],
)
def test_providers_that_fail_are_told_as_that(folder: Path, fault: Fault, status: int, code: str) -> None:
    wanted = next(one for one in PLAN if one.pack.key == "quick_social_basic")
    titles = {said(one.title, wanted.language): one for one in wanted.pack.sections}
    with Writer() as writer, gateway(folder, writer) as running:
        writer.say = lambda title: good(wanted, titles[title])
        writer.faults = [fault] * 60
        answer = post(running, "generate_report", order(wanted))
        report = answer.json()
        assert answer.status_code in {status, 503}, report
        assert report["error"]["code"] in {code, "llm_unavailable"}
        assert [row["text"] for row in report["sections"]] == [None] * 3
        assert report["stub_used"] is False
        assert report["quality_passed"] is False
        writer.faults = None
        await_true(lambda: _retried(running, report["report_id"]) == "passed")


def _retried(running: Gateway, name: str) -> str:
    answer = post(running, f"reports/{name}/retry", None)
    if answer.status_code == 202:
        await_true(lambda: running.get(f"/api/aicmo/reports/{name}").json()["state"] not in {"queued", "running"})
    return str(running.get(f"/api/aicmo/reports/{name}").json()["state"])


@needs_model
def test_the_embedded_model_writes_a_report_or_says_why_not(folder: Path) -> None:
    config = "version: 1\ngateway:\n  routes:\n    chat: {chain: [embedded/smollm2-135m-instruct], deadline_s: 100, " \
             "try_timeout_s: 90}\n  providers:\n    embedded: {kind: embedded}\n"  # fmt: skip
    wanted = next(one for one in PLAN if one.pack.key == "quick_social_basic" and one.language == "en")
    with Gateway(folder / "gateway", config, environ=site(folder), jobs=True, workers=1) as running:
        answer = post(running, "generate_report", order(wanted))
        report = answer.json()
        assert answer.status_code == {"passed": 200}.get(report["state"], answer.status_code)
        assert report["progress"] == {"done": 3, "total": 3}
        for row in report["sections"]:
            assert (row["state"] == "passed") == (row["text"] is not None) == (row["error_type"] is None), row
            assert row["state"] == "passed" or row["quality_issues"] or row["debug_hint"]
            assert row["provider"] in {None, "embedded"}
        assert report["stub_used"] in {False, None}
        assert (report["markdown"] is not None) == report["quality_passed"]
