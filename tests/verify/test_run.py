"""Probes in processes of their own: whatever happens to one becomes a status, and never a pass."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.verify.definition import Automation, Category, Definition, Expiry, Setting, Weight
from roadworthy.verify.outcome import Outcome, Status
from roadworthy.verify.registry import Check
from roadworthy.verify.run import Result, Subject, run

Played = Callable[..., Result]
PORTS = """
from roadworthy.verify.child import Ports

class Plain:
    def mask(self, text): return text.replace("hunter2", "***MASKED***")
    def mask_bytes(self, text): return text.replace(b"hunter2", b"***MASKED***")

def ports(): return Ports(Plain())
"""
HEAD = """
import os, signal, subprocess, sys, time
from roadworthy.verify.outcome import *
from roadworthy.core.errors import SubjectError
full = Coverage(examined=1, existing=1, how_counted="by hand")

def probe(context):
"""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Runs one probe whose body is given, and says what became of it."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "plain_ports.py").write_text(PORTS)
    (tmp_path / "subject").mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{code}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    def play(body: str, timeout_s: float = 20.0, **options: object) -> Result:
        name = f"probe_{time.monotonic_ns()}"
        (code / f"{name}.py").write_text(HEAD + "\n".join(f"    {line}" for line in body.strip().splitlines()) + "\n")
        definition = Definition(
            id="APP-01", title="A check", category=Category.TESTING, weight=Weight.L, automation=Automation.A,
            expiry=Expiry.SUBJECT, rule="so", source="us", remediation="mend", timeout_s=timeout_s,
            settings={"limit": Setting(type="number", meaning="A limit.", default=3)},
        )  # fmt: skip
        about = Subject(
            root=tmp_path / "subject", out=tmp_path / "out", evidence=tmp_path / "out" / "evidence",
            ports="plain_ports:ports", **options,  # type: ignore[arg-type]
        )  # fmt: skip
        (result,) = run([Check(definition, name, "test")], about)
        return result

    return play


PASS = 'context.evidence.write(b"seen", "output")\nreturn judged("Fine.", coverage=full)'


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (PASS, "pass", "Fine."),
        ('return judged("Fine.", coverage=full)', "not_measured", "without keeping evidence"),
        ('raise NotMeasured("No tool.")', "not_measured", "No tool."),
        ('raise ValueError("hunter2 is wrong")', "error", "ValueError: ***MASKED*** is wrong"),
        ('raise SubjectError("It cannot be read.")', "error", "It cannot be read."),
        ("raise MemoryError", "error", "Memory ran out."),
        ("os.kill(os.getpid(), signal.SIGKILL)", "error", "killed by SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "error", "killed by SIGSEGV"),
        ("os._exit(0)", "error", "without a result"),
        ("os._exit(7)", "error", "exit code 7"),
        ("sys.exit(0)", "error", "without a result"),
        ("return None", "error", "ValidationError"),
        ("return True", "error", "ValidationError"),
        ('return lambda: "pass"', "error", "TypeError"),
        ('return {"status": "pass"}', "error", "ValidationError"),
        ('print(\'{"outcome": {"status": "pass", "reason": "printed"}}\')\nos._exit(0)', "error", "without a result"),
        ('os.write(int(sys.argv[1]), b"not json\\n")\ntime.sleep(9)', "error", "no result"),
        ('return Outcome(status=Status.WAIVED, reason="mine")', "error", "may not waive"),
        ("import a_module_that_nobody_has", "error", "ModuleNotFoundError"),
    ],
)
def test_whatever_happens_is_told(played: Played, body: str, status: str, said: str) -> None:
    result = played(body)
    assert (result.outcome.status, said in result.outcome.reason) == (status, True), result.outcome


def test_another_process_of_the_user_cannot_write_a_result(played: Played) -> None:
    """The tests of a subject could open the pipe of a probe through /proc and say that it passed."""
    body = """
import ctypes
assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0  # PR_GET_DUMPABLE
"""
    assert played(body + PASS).outcome.status is Status.PASS


def test_a_probe_that_prints_without_end_is_killed(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadworthy.verify.run.MOST_PRINTED_BYTES", 1_000_000)
    result = played('while True:\n    os.write(1, b"x" * 65536)', timeout_s=60.0)
    assert result.outcome.status is Status.ERROR
    assert "printed more than" in result.outcome.reason


def test_a_probe_that_hangs_is_killed_with_what_it_started(played: Played, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    body = f"""
child = subprocess.Popen(["sleep", "600"])
open({str(mark)!r}, "w").write(str(child.pid))
time.sleep(600)
"""
    result = played(body, timeout_s=2.0)
    assert result.outcome.status is Status.ERROR
    assert "within 2 s" in result.outcome.reason
    assert _gone(int(mark.read_text()))


def test_what_a_finished_probe_left_running_is_ended(played: Played, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    result = played(
        f'child = subprocess.Popen(["sleep", "600"])\nopen({str(mark)!r}, "w").write(str(child.pid))\n{PASS}'
    )
    assert result.outcome.status is Status.PASS
    assert _gone(int(mark.read_text()))


def _gone(pid: int) -> bool:
    """Whether a process ends soon; it may be a zombie of the machine's first process for a moment."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_texts_and_evidence_are_masked(played: Played, tmp_path: Path) -> None:
    body = """
context.evidence.write(b"password hunter2", "the hunter2 file", argv=["login", "hunter2"])
return judged("Saw hunter2.", coverage=full, findings=[finding("APP-01", "r", "It is hunter2.", key=("k",))])
"""
    result = played(body)
    assert result.outcome.status is Status.FAIL
    told = repr(result) + "".join(path.read_text() for path in (tmp_path / "out" / "evidence").iterdir())
    assert "hunter2" not in told
    assert "***MASKED***" in told


def test_a_tool_that_is_missing_or_slow_is_not_measured(played: Played) -> None:
    missing = played('context.run(["no-such-tool-anywhere"])')
    slow = played('context.run(["sleep", "60"], timeout_s=0.2, version_argv=[])')
    assert (missing.outcome.status, missing.outcome.reason) == (
        "not_measured",
        "no-such-tool-anywhere is not installed.",
    )
    assert slow.outcome.status is Status.NOT_MEASURED
    assert "was killed" in slow.outcome.reason


def test_a_tool_sees_none_of_our_variables(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "value-of-the-key")
    body = """
ran = context.run(["env"], version_argv=[])
return Outcome(status=Status.NOT_MEASURED, reason=str(b"value-of-the-key" in ran.stdout))
"""
    assert played(body).outcome.reason == "False"


def test_a_probe_runs_apart_from_the_subject(played: Played, tmp_path: Path) -> None:
    """A module of the subject that has the name of one of ours must not be imported."""
    (tmp_path / "subject" / "msgspec.py").write_text("raise SystemExit('tripped')")
    body = 'return Outcome(status=Status.NOT_MEASURED, reason=os.getcwd() + " " + " ".join(sys.path))'
    outcome: Outcome = played(body).outcome
    assert outcome.status is Status.NOT_MEASURED
    assert str(tmp_path / "subject") not in outcome.reason


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"limmit": 3}, "limmit, which does not exist"),
        ({"limit": "3"}, "must be a number"),
        ({"limit": True}, "must be"),
    ],
)
def test_wrong_settings_stop_everything(played: Played, section: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        played(PASS, sections={"APP-01": section})


def test_settings_arrive_with_defaults(played: Played) -> None:
    body = 'return Outcome(status=Status.NOT_MEASURED, reason=repr(context.settings["limit"]))'
    assert played(body).outcome.reason == "3"
    assert played(body, sections={"APP-01": {"limit": 4}}).outcome.reason == "4"


RUNNER = """
import sys
from pathlib import Path
from roadworthy.verify.definition import Automation, Category, Definition, Expiry, Weight
from roadworthy.verify.registry import Check
from roadworthy.verify.run import Subject, run

place = Path(sys.argv[1])
definition = Definition(id="APP-01", title="t", category=Category.TESTING, weight=Weight.L, automation=Automation.A,
                        expiry=Expiry.SUBJECT, rule="so", source="us", remediation="mend", timeout_s=60)
about = Subject(root=place / "subject", out=place / "out", evidence=place / "out", ports="plain_ports:ports")
run([Check(definition, "slow_probe", "test")] * 3, about, processes=1)
"""


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGINT])
def test_no_probe_outlives_its_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_signal: signal.Signals
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (tmp_path / "subject").mkdir()
    (code / "plain_ports.py").write_text(PORTS)
    body = f"open({str(tmp_path / 'pid')!r}, 'a').write(str(os.getpid()) + ' ')\n    time.sleep(60)\n"
    (code / "slow_probe.py").write_text(f"{HEAD}    {body}")
    monkeypatch.setenv("PYTHONPATH", f"{code}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path)], stderr=subprocess.DEVNULL)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith(" "):
        assert runner.poll() is None
        time.sleep(0.02)
    runner.send_signal(with_signal)
    assert runner.wait(20) != 0
    pids = (tmp_path / "pid").read_text().split()
    assert len(pids) == 1, "a probe was started after the run had been stopped"
    assert _gone(int(pids[0]))
