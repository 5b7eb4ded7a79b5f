"""Whole nights by the command against a gateway's double: good, worse, refused, first, unreachable, kept, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from doubles.forge import REPOSITORY, TOKEN, forge
from doubles.scripted_server import Say, ScriptedServer, serving
from roadworthy.cli.main import run
from roadworthy.verify.instant import seconds
from roadworthy.verify.nightly.run import Night, State
from roadworthy.verify.nightly.store import DAY_S, Store, stamp

CHAT = "POST /v1/chat/completions"
CASES = {
    "version": 1, "name": "shop", "model": "chat", "repeats": 2, "floor": 0.2,
    "cases": [
        {"id": f"case-{number}", "ask": f"Question {number}?", "expect": {"mentions": ["lemon"], "most_words": 9}}
        for number in range(6)
    ],
}  # fmt: skip


def answer(text: str, **told: Any) -> Say:
    served = {"stub_used": False, "quality": "not-gated", "cache": "off", "attempts": [], **told}
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return Say({"model": "m", "choices": [choice], "roadworthy": served}, headers={"content-type": "application/json"})


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.yaml").write_text(json.dumps(CASES))
    with serving() as server:
        server.script[CHAT] = answer("a lemon")
        yield server


def night(gateway: ScriptedServer, *words: str) -> int:
    return run(["verify", "nightly", "cases.yaml", "--service", gateway.url, *words])


def newest() -> Night:
    return next(each for _, each in Store(Path(".roadworthy/nightly")).nights())


def test_first_then_good_then_worse(
    gateway: ScriptedServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1_800_000_000, 1_900_000_000, 100))
    monkeypatch.setattr("roadworthy.cli.verify_tests_text.time.time", lambda: float(next(clock)))
    assert night(gateway) == 4
    assert newest().state is State.UNKNOWN
    assert night(gateway, "--take-as-good") == 0
    assert night(gateway) == 0
    gateway.script[CHAT] = answer("a pear of quite some size, and nothing else at all")
    assert night(gateway) == 1
    worse = newest()
    assert worse.state is State.BAD
    assert {each.score for each in worse.compared if each.worse} == {"mentions", "most_words", "overall"}
    assert all(each.exact or each.p < 0.05 for each in worse.compared)
    assert night(gateway, "--take-as-good") != 0
    assert all(each.headers["cache-control"] == "no-store" for each in gateway.asked)
    assert "mentions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"stub_used": True}, "placeholder"),
        ({"stub_used": None}, "does not say"),
        ({"cache": "hit"}, "cache"),
        ({"cache": None}, "cache"),
    ],
)
def test_answers_that_do_not_count(told: dict[str, Any], why: str, gateway: ScriptedServer) -> None:
    gateway.script[CHAT] = answer("a lemon", **told)
    assert night(gateway, "--take-as-good") != 0
    assert night(gateway) == 1
    assert why in " ".join(newest().reasons)


def test_a_provider_that_fails_makes_the_night_bad_and_a_wrong_key_stops_it(gateway: ScriptedServer) -> None:
    gateway.script[CHAT] = Say({"error": {"code": "llm_chain_failed", "message": "all failed"}}, status=502)
    assert night(gateway) == 1
    assert "no answer: llm_chain_failed" in " ".join(newest().reasons)
    gateway.script[CHAT] = Say({"error": {"code": "unauthorized", "message": "no"}}, status=401)
    assert night(gateway) == 3


def test_no_gateway_and_no_cases(gateway: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "nightly", "cases.yaml", "--service", "http://127.0.0.1:9"]) == 4
    assert run(["verify", "nightly", "gone.yaml", "--service", gateway.url]) == 3
    Path("cases.yaml").write_text("version: 1\nname: shop\nmodel: chat\ncases: []\n")
    assert night(gateway) == 3
    assert not Path(".roadworthy/nightly").exists()


def test_a_bad_night_opens_an_issue(
    gateway: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.script[CHAT] = answer("a lemon", stub_used=True)
    monkeypatch.setenv("FORGE_TOKEN", TOKEN)
    with forge() as double:
        told = [
            "--forge",
            "github",
            "--repository",
            REPOSITORY,
            "--forge-api",
            double.url,
            "--token-env",
            "FORGE_TOKEN",
        ]
        assert night(gateway, *told, "--label", "nightly") == 1
        (issue,) = double.issues
        assert issue["title"] == "Nightly regression failed: shop"
        assert issue["names"] == ["nightly"]
        for part in ("Exit code 1", "## Steps", "12 of 12 answers do not count"):
            assert part in issue["text"]
        double.faults = [(401, {})] * 3
        assert night(gateway, *told) == 1  # the night's own result stands
    printed = "".join(capsys.readouterr())
    assert "Issue opened" in printed
    assert "No issue was opened" in printed
    assert TOKEN not in printed


@pytest.mark.parametrize(
    "words",
    [
        ["--forge", "github", "--token-env", "X"],
        ["--forge", "github", "--repository", REPOSITORY],
        ["--forge", "github", "--repository", REPOSITORY, "--token-env", "NOT_SET_ANYWHERE"],
        ["--forge", "github", "--repository", REPOSITORY, "--token-file", "gone"],
    ],
)
def test_misuse_is_told_before_anything_is_asked(words: list[str], gateway: ScriptedServer) -> None:
    assert night(gateway, *words) in (2, 3)
    assert not gateway.asked


def keep(store: Store, at: float, state: State) -> None:
    store.add(
        Night(name="shop", model="m", started=stamp(at), ended=stamp(at), state=state, reasons=(), answers=()), ""
    )


def test_good_nights_are_kept_7_days_bad_ones_30_and_the_last_good_one_always(tmp_path: Path) -> None:
    store, now = Store(tmp_path), 1_800_000_000.0
    for days, state in ((6, "good"), (8, "good"), (29, "bad"), (31, "bad"), (31, "unknown"), (40, "good")):
        keep(store, now - days * DAY_S - {"good": 0, "bad": 1, "unknown": 2}[state], State(state))
    store.prune(now)
    left = sorted(round((now - seconds(each.ended)) / DAY_S) for _, each in store.nights())
    assert left == [6, 29]
    store.prune(now + 60 * DAY_S)
    assert [each.state for _, each in store.nights()] == [State.GOOD]


def test_a_damaged_night_is_passed_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keep(store, 1_800_000_000.0, State.GOOD)
    (tmp_path / "20290101T000000Z-shop").mkdir()
    (tmp_path / "20290101T000000Z-shop" / "night.json").write_text("{")
    found = store.last_good("shop")
    assert found is not None
    assert found[1].state is State.GOOD


def test_nights_go_through_json(tmp_path: Path) -> None:
    keep(Store(tmp_path), 1_800_000_000.0, State.BAD)
    (file,) = tmp_path.glob("*/night.json")
    assert msgspec.json.decode(file.read_bytes(), type=Night).state is State.BAD
