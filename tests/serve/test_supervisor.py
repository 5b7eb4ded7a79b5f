"""Real processes: killed, crashing, stubborn, orphaned. All is awaited with a deadline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.serve.rundir import RunRecord, read_run_record
from roadworthy.serve.supervisor import describe_exit

CHILDREN = Path(__file__).parent / "children"
DEADLINE_S = 60.0


class Driven:
    """A supervisor in a process of its own."""

    def __init__(self, state_dir: Path, plan: dict[str, Any]) -> None:
        self.state_dir = state_dir
        self.output = state_dir.with_suffix(f".{time.monotonic_ns()}.out")
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(CHILDREN / "drive_supervisor.py"), str(state_dir), json.dumps(plan)],
                env={**os.environ, "PYTHONPATH": str(CHILDREN)},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text()

    def record(self) -> RunRecord:
        found = await_true(lambda: read_run_record(self.state_dir))
        assert isinstance(found, RunRecord)
        return found

    def lines(self, name: str) -> list[str]:
        log = self.state_dir / f"{name}.log"
        return log.read_text().splitlines() if log.exists() else []

    def pids(self, name: str) -> list[int]:
        return [int(line.split()[1]) for line in self.lines(name) if line.startswith("pid ")]

    def started(self, name: str, times: int = 1) -> int:
        """Wait until the child ran so often; pid of the newest."""
        await_true(lambda: len(self.pids(name)) >= times, self.text)
        return self.pids(name)[-1]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> dict[str, Any]:
        self.process.send_signal(number)
        assert self.process.wait(DEADLINE_S) == 0, self.text()
        summary: dict[str, Any] = json.loads(self.text().splitlines()[-1])
        return summary


def await_true(check: Callable[[], object], tell: Callable[[], str] = lambda: "") -> object:
    deadline = time.monotonic() + DEADLINE_S
    while not (value := check()):
        assert time.monotonic() < deadline, f"nothing came in {DEADLINE_S} s. {tell()}"
        time.sleep(0.01)
    return value


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie of a dead parent counts as gone: it waits only for init to collect it.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., Driven]]:
    running: list[Driven] = []

    def start(children: list[dict[str, Any]], **plan: Any) -> Driven:
        state_dir = tmp_path / "state"
        state_dir.mkdir(exist_ok=True)
        running.append(Driven(state_dir, {"children": children, **plan}))
        return running[-1]

    yield start
    for driven in running:
        driven.process.kill()
        driven.process.wait()
        for log in driven.state_dir.glob("*.log"):
            await_true(lambda name=log.stem, which=driven: all(map(gone, which.pids(name))))


def test_starts_all_and_stops_in_order(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0", "behaviour": "drain"}, {"name": "model", "last": True}])
    edge, model = driven.started("edge-0"), driven.started("model")
    os.kill(driven.process.pid, signal.SIGTERM)
    await_true(lambda: "stopped" in driven.lines("edge-0"))
    assert driven.process.wait(DEADLINE_S) == 0
    assert gone(edge)
    assert gone(model)
    summary = json.loads(driven.text().splitlines()[-1])
    assert summary["killed"] == []
    drained, ended = (os.stat(driven.state_dir / f"{name}.log").st_mtime_ns for name in ("edge-0", "model"))
    assert drained < ended


@pytest.mark.parametrize("victim", ["edge-0", "model", "control"])
def test_a_killed_child_is_started_again_and_the_others_go_on(drive: Callable[..., Driven], victim: str) -> None:
    names = ["edge-0", "edge-1", "model", "control"]
    driven = drive([{"name": name, "last": name == "model"} for name in names])
    pids = {name: driven.started(name) for name in names}
    os.kill(pids[victim], signal.SIGKILL)
    assert driven.started(victim, times=2) != pids[victim]
    assert all(driven.pids(name) == [pids[name]] for name in names if name != victim)
    await_true(lambda: any(child.restarts for child in driven.record().children))
    shown = {child.name: child for child in driven.record().children}
    assert shown[victim].restarts == 1
    assert shown[victim].state == "running"
    assert shown[victim].last_exit == "killed by SIGKILL"
    assert driven.stop()["restarts"][victim] == 1
    assert f"{victim} ended (killed by SIGKILL)" in driven.text()


def test_a_crash_loop_is_told_and_leaves_the_others_alone(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0"}, {"name": "control", "behaviour": "crash"}])
    driven.started("edge-0")
    driven.started("control", times=5)
    await_true(lambda: "control ended 4 times in a row (last: exit code 3, configuration)" in driven.text())
    await_true(lambda: {child.name: child.state for child in driven.record().children}["control"] == "looping")
    assert len(driven.pids("edge-0")) == 1
    driven.stop()


def test_a_child_that_will_not_end_is_killed_after_the_drain_timeout(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0", "behaviour": "stubborn"}, {"name": "model", "last": True}], drain_timeout_s=0.3)
    edge = driven.started("edge-0")
    driven.started("model")
    assert driven.stop()["killed"] == ["edge-0"]
    assert gone(edge)


def test_a_second_interrupt_ends_everything_at_once(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0", "behaviour": "stubborn"}], drain_timeout_s=600.0)
    driven.started("edge-0")

    def interrupted() -> bool:
        driven.process.send_signal(signal.SIGINT)
        return driven.process.poll() is not None

    await_true(interrupted)
    assert json.loads(driven.text().splitlines()[-1])["killed"] == ["edge-0"]
    assert "Interrupted again" in driven.text()


def test_repeated_terminations_are_one_wish(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0", "behaviour": "drain"}])
    driven.started("edge-0")

    def terminated() -> bool:
        driven.process.send_signal(signal.SIGTERM)
        return driven.process.poll() is not None

    await_true(terminated)
    assert driven.process.returncode == 0, driven.text()
    assert json.loads(driven.text().splitlines()[-1])["killed"] == []
    assert driven.lines("edge-0")[-1] == "stopped"


def test_children_end_when_the_supervisor_is_killed(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0"}, {"name": "edge-1", "behaviour": "stubborn"}, {"name": "model", "last": True}])
    pids = [driven.started(name) for name in ("edge-0", "edge-1", "model")]
    driven.process.kill()
    driven.process.wait()
    await_true(lambda: all(map(gone, pids)))
    assert "stopped" in driven.lines("edge-0")


def test_settings_larger_than_a_pipe_arrive_whole_at_every_start(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0", "settings": 300_000}])
    os.kill(driven.started("edge-0"), signal.SIGKILL)
    driven.started("edge-0", times=2)
    assert driven.lines("edge-0").count("settings 300000") == 2
    driven.stop()


def test_a_second_start_on_the_same_state_directory_is_refused(drive: Callable[..., Driven]) -> None:
    first = drive([{"name": "edge-0"}])
    first.started("edge-0")
    second = drive([{"name": "edge-9"}])
    assert second.process.wait(DEADLINE_S) == 3
    error = json.loads(second.text())
    assert error["code"] == "already_running"
    assert str(first.process.pid) in error["why"]
    assert second.pids("edge-9") == []
    first.stop()
    assert read_run_record(first.state_dir) is None


def test_a_killed_supervisor_leaves_no_lock_behind(drive: Callable[..., Driven]) -> None:
    first = drive([{"name": "edge-0"}])
    first.started("edge-0")
    first.process.kill()
    first.process.wait()
    second = drive([{"name": "edge-0"}])
    second.started("edge-0", times=2)
    second.stop()


def test_files_are_for_the_owner_alone(drive: Callable[..., Driven]) -> None:
    driven = drive([{"name": "edge-0"}])
    driven.started("edge-0")
    assert (driven.state_dir.stat().st_mode & 0o777) == 0o700
    assert (driven.state_dir / "run").stat().st_mode & 0o777 == 0o700
    driven.stop()


@pytest.mark.parametrize(("code", "words"), [
    (0, "exit code 0"), (3, "exit code 3, configuration"), (70, "exit code 70, a bug of ours"), (9, "exit code 9"),
    (-9, "killed by SIGKILL"), (-6, "killed by SIGABRT"), (-250, "killed by signal 250"),
])  # fmt: skip
def test_exits_are_told_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
