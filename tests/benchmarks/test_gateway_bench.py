"""The bench itself must be right: the mock provider does what its plans say, and the judges can say WRONG."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "benchmarks" / "gateway"
sys.path.insert(0, str(BENCH))

import faults  # noqa: E402
import load  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
from target import Target  # noqa: E402
from upstream import Upstream  # noqa: E402


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in ("gcc", "taskset"):
        if not shutil.which(tool):
            if os.environ.get("CI") == "true":
                pytest.fail(f"{tool} is missing, and CI must have it")
            pytest.skip(machine.missing(tool) or tool)
    folder = tmp_path_factory.mktemp("bench")
    machine.compile_tools(folder)
    return folder


@pytest.fixture(scope="module")
def upstream(home: Path) -> Iterator[Upstream]:
    with Upstream(home, free_port()) as started:
        yield started


@pytest.fixture
def bare(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """The provider itself in the place of a gateway: it fails over never, so every judge must say so."""
    monkeypatch.setattr(faults, "GIVE_UP_S", 0.3)
    yield Target("bare", (), upstream.port)
    upstream.follow("none")


def seen(target: Target, upstream: Upstream, plan: str, **how: bool) -> faults.Seen:
    upstream.follow(plan)
    return faults.ask(target, **how)


def test_healthy_answers_name_the_provider(bare: Target, upstream: Upstream) -> None:
    before = upstream.chats()
    assert seen(bare, upstream, "none").said_by("primary")
    assert seen(bare, upstream, "none", wants_json=True).said_by("primary")
    stream = seen(bare, upstream, "none", stream=True)
    assert (stream.tokens("primary"), stream.finished, stream.end) == (20, True, "clean")
    assert upstream.chats() == before + 3


@pytest.mark.parametrize(("plan", "status"), [("http-500", 500), ("http-429", 429), ("http-401", 401)])
def test_refusals(bare: Target, upstream: Upstream, plan: str, status: int) -> None:
    found = seen(bare, upstream, plan)
    assert found.status == status
    assert found.headers.get("retry-after") == ("1" if status == 429 else None)
    assert "error" in json.loads(found.text)


@pytest.mark.parametrize(
    ("plan", "end", "text"),
    [
        ("cut", "cut", ""),
        ("hang", "silent for 0.3 s, no", ""),
        ("html", "clean", "<html>"),
        ("empty", "clean", '"content":""'),
        ("half-json", "clean", r'{\"answer\": \"prim"'),
    ],
)
def test_answers_that_are_none(bare: Target, upstream: Upstream, plan: str, end: str, text: str) -> None:
    found = seen(bare, upstream, plan, wants_json=plan == "half-json")
    assert found.end == end
    assert text in found.text
    assert not found.said_by("primary")


@pytest.mark.parametrize(
    ("plan", "tokens", "end"),
    [("stream-cut-0", 0, "cut"), ("stream-cut-5", 5, "cut"), ("stream-stall-5", 5, "silent for 0.3 s, no")],
)
def test_broken_streams(bare: Target, upstream: Upstream, plan: str, tokens: int, end: str) -> None:
    found = seen(bare, upstream, plan, stream=True)
    assert (found.tokens("primary"), found.end, found.finished) == (tokens, end, False)


def test_an_unknown_plan_is_refused(upstream: Upstream) -> None:
    with pytest.raises(OSError, match="404"):
        upstream.follow("no-such-plan")


@pytest.mark.parametrize("fault", [row[0] for row in faults.ROWS if "heals" not in row[0]])
def test_no_judge_lets_a_gateway_pass_that_only_passes_on(bare: Target, upstream: Upstream, fault: str) -> None:
    _, plan, judge = next(row for row in faults.ROWS if row[0] == fault)
    upstream.follow(plan)
    on = faults.Stage(bare, None, upstream, upstream)  # type: ignore[arg-type]
    assert judge(on).row(fault)["verdict"] == "WRONG"


def test_streams_are_counted_whole(home: Path, upstream: Upstream) -> None:
    scenario = load.Scenario("stream-4", "mock-stream", 4, stream=True)
    upstream.follow("none")
    sample = load.measure(scenario, upstream.port, 1, home)
    assert sample["requests"] >= 4
    assert (sample["cut"], sample["without_done"], sample["not_200"], sample["error_events"]) == (0, 0, 0, 0)
    # 1 role event, 40 tokens, 1 end; streams still open at the end add some
    assert sample["requests"] * 42 <= sample["events"] <= (sample["requests"] + 4) * 42
    # the provider waits 20 ms, then 5 ms between role and first token
    assert sample["first_p50_ms"] >= 25
    assert sample["p50_ms"] >= 20 + 41 * 5


def test_broken_streams_are_counted(home: Path, upstream: Upstream) -> None:
    upstream.follow("stream-cut-5")
    sample = load.measure(load.Scenario("s", "mock-stream", 2, stream=True), upstream.port, 1, home)
    upstream.follow("none")
    assert sample["requests"] == 0
    assert sample["cut"] > 0


def test_the_request_is_of_ordinary_size() -> None:
    assert 900 <= len(load.body("mock-plain")) <= 1200


def test_counters_see_the_work_of_children(home: Path) -> None:
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\ntime.sleep(60)"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    with machine.Pinned([sys.executable, "-c", start], machine.GATEWAY_CORE, home / "burn.log") as program:
        for _ in range(1000):
            found = program.usage()
            if found.cpu_s >= 0.3:
                break
            time.sleep(0.02)
        assert found.cpu_s >= 0.3
        assert found.processes == 2
        assert found.rss_mb > 5
        pids = machine.family(program.pid)
    for _ in range(100):
        left = [pid for pid in pids if alive(pid)]
        if not left:
            break
        time.sleep(0.02)
    assert left == []


def alive(pid: int) -> bool:
    """Whether it still runs; one that only waits for its parent to read its exit code does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def run_of(rps: float, direct: float, cpu: float) -> dict[str, Any]:
    def sample(rate: float, p99: float = 1.0) -> dict[str, Any]:
        return {
            "rps": rate,
            "p50_ms": 0.2,
            "p99_ms": p99,
            "cpu_us": cpu,
            "cpu_us_event": cpu,
            "first_p50_ms": 26.0,
            "other_cores": 0.0,
            "not_200": 0,
        }

    names = ("plain-1", "plain-16", "plain-64", "slow-64", "stream-16", "stream-64")
    pairs = {n: {"target": sample(rps, 2.5), "direct": sample(direct), "nginx": sample(direct / 2)} for n in names}
    return {"start_s": 0.4, "rss_idle_mb": 50.0, "rss_after_mb": 70.0, "scenarios": pairs}


def test_ratios_are_made_inside_a_run() -> None:
    summary = report.summarise([run_of(10, 100, 50), run_of(30, 100, 20), run_of(40, 400, 90)])
    assert summary["rps"] == 30
    assert summary["rps_of_direct"] == pytest.approx(0.1)
    assert summary["rps_of_nginx"] == pytest.approx(0.2)
    assert summary["cpu_us"] == 50
    assert summary["added_p99_ms"] == pytest.approx(1.5)


def test_a_missed_budget_and_an_unknown_one_are_not_held() -> None:
    held = {what: held for what, _, _, held in report.judge({"rps_of_nginx": 0.29, "cpu_us": 60.0})}
    assert held["requests per second at 16 clients, share of nginx"] is False
    assert held["CPU per request at 16 clients, us"] is True
    assert held["memory idle, MB"] is None


def test_what_is_unknown_is_a_dash() -> None:
    assert report.show(None, 2) == "-"
    assert report.middle([None, None]) is None


def test_report_prints_the_tables(tmp_path: Path) -> None:
    results: dict[str, Any] = {
        "kind": "duel",
        "made": "2026-01-01",
        "machine": {"cpu": "x", "cores": 2, "python": "3.11", "nginx": "1", "commit": "c"},
        "settings": {"runs": 1, "secs": 1},
        "summary": {"own": report.summarise([run_of(10, 100, 50)])},
        "not_measured": {"litellm": "not installed"},
    }
    file, plot = tmp_path / "duel.json", tmp_path / "duel.svg"
    file.write_text(json.dumps(results))
    argv = [sys.executable, str(BENCH / "report.py"), str(file), "--svg", str(plot)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "| CPU us/request" in done.stdout
    assert "NOT QUIET" not in done.stdout
    results["summary"]["own"]["other_cores"] = 0.5
    assert "other programs used up to 0.50 cores" in report.duel_text(results)
    assert "litellm: not measured. not installed" in done.stdout
    assert plot.read_text().startswith("<svg")


@pytest.mark.parametrize("script", ["own.sh", "own_faults.sh", "own_start.sh"])
def test_scripts_are_well_formed(script: str) -> None:
    subprocess.run(["bash", "-n", str(BENCH / script)], check=True)
