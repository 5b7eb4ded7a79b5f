"""The GitHub action and the GitLab snippet stop a deployment whenever there is anything but a GO."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GO = '{"as_of": "now", "data": {"decision": "GO", "reasons": []}}'
NO_GO = '{"as_of": "now", "data": {"decision": "NO-GO", "reasons": ["A rule failed."]}}'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A runner's folder with a signed report, a key, and a roadworthy that says what it is told to."""
    report = tmp_path / ".roadworthy" / "verify"
    report.mkdir(parents=True)
    for name in ("report.json", "readiness.intoto.jsonl", "report.md"):
        (report / name).write_text(f"{name}\n")
    (tmp_path / "key.pub").write_text("a key\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "runner_output").touch()
    (tmp_path / "runner_summary").touch()
    say(tmp_path, GO, 0)
    return tmp_path


def say(workspace: Path, text: str, code: int) -> None:
    stub = workspace / "bin" / "roadworthy"
    (workspace / "said").write_text(text)
    stub.write_text(f'#!/bin/sh\necho "$@" >> {workspace}/called\ncat {workspace}/said\nexit {code}\n')
    stub.chmod(0o755)


def github(workspace: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's step as the runner does: inputs filled in, outputs and summary in files."""
    action = yaml.safe_load((ROOT / "deploy/github/action.yml").read_text())
    values = {name: each.get("default", "") for name, each in action["inputs"].items()}
    values |= {"key": "key.pub", "subject": ".", **inputs}
    (step,) = action["runs"]["steps"]
    filled = {name: _filled(text, values) for name, text in step["env"].items()}
    assert "${{" not in step["run"]  # nothing is put into the script's text
    return _shell(workspace, step["run"], filled | {"GITHUB_ACTION_PATH": str(ROOT / "deploy/github")})


def gitlab(workspace: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the gate's job as GitLab does: each line of the script, variables in the environment."""
    job = yaml.safe_load((ROOT / "deploy/gitlab/roadworthy.yml").read_text())["roadworthy-gate"]
    named = {name: str(text).replace("$CI_PROJECT_DIR", str(workspace)) for name, text in job["variables"].items()}
    names = {"key": "ROADWORTHY_KEY", "subject": "ROADWORTHY_SUBJECT", "report": "ROADWORTHY_REPORT"}
    given = {"key": "key.pub", "subject": ".", "report": ".roadworthy/verify", **variables}
    assert job["allow_failure"] is False
    (workspace / "deploy").mkdir(exist_ok=True)
    (workspace / "deploy" / "gate.sh").write_text((ROOT / "deploy/gate.sh").read_text())
    return _shell(workspace, "\n".join(job["script"]), named | {names[name]: text for name, text in given.items()})


def _filled(text: str, values: dict[str, Any]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z]+) \}\}", lambda match: str(values[match[1]]), text)


def _shell(workspace: Path, script: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": f"{workspace / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "GITHUB_OUTPUT": str(workspace / "runner_output"),
        "GITHUB_STEP_SUMMARY": str(workspace / "runner_summary"),
        **variables,
    }
    return subprocess.run(
        ["sh", "-e", "-c", script], cwd=workspace, env=env, capture_output=True, text=True, timeout=60
    )


RUNNERS = pytest.mark.parametrize("runner", [github, gitlab], ids=["github", "gitlab"])


@RUNNERS
def test_go_passes(runner: Any, workspace: Path) -> None:
    done = runner(workspace)
    assert done.returncode == 0, done.stderr
    called = (workspace / "called").read_text()
    assert called == "verify gate --json --key key.pub --subject . .roadworthy/verify\n"
    assert "decision=GO" in (workspace / "runner_output").read_text()
    assert "report.md" in (workspace / "runner_summary").read_text()


@RUNNERS
@pytest.mark.parametrize(
    ("text", "code", "exit_code"),
    [
        (NO_GO, 1, 1),
        ('{"data": {"decision": "INCOMPLETE"}}', 4, 4),
        ('{"error": {"code": "integrity_mismatch"}}', 3, 3),
        ("", 70, 70),
        ("", 0, 4),  # a tool that ends well and says nothing
        (NO_GO, 0, 4),  # one that contradicts itself
        (GO, 1, 1),
        ('{"data": {"reasons": ["it is not GO"]}}', 0, 4),
        ("Killed", 137, 137),
    ],
)
def test_anything_else_stops(runner: Any, text: str, code: int, exit_code: int, workspace: Path) -> None:
    say(workspace, text, code)
    done = runner(workspace)
    assert done.returncode == exit_code, done.stderr
    assert "stopped" in done.stderr
    assert "decision=GO" not in (workspace / "runner_output").read_text()


@RUNNERS
@pytest.mark.parametrize("name", ["report.json", "readiness.intoto.jsonl"])
@pytest.mark.parametrize("how", ["gone", "empty"])
def test_no_report_or_signature_stops(runner: Any, name: str, how: str, workspace: Path) -> None:
    file = workspace / ".roadworthy" / "verify" / name
    file.unlink() if how == "gone" else file.write_text("")
    assert runner(workspace).returncode == 4
    assert not (workspace / "called").exists()


@RUNNERS
@pytest.mark.parametrize("inputs", [{"key": ""}, {"key": "gone.pub"}, {"subject": ""}, {"report": "gone"}])
def test_something_that_is_not_named_stops(runner: Any, inputs: dict[str, str], workspace: Path) -> None:
    assert runner(workspace, **inputs).returncode == 4


@RUNNERS
def test_no_tool_stops(runner: Any, workspace: Path) -> None:
    (workspace / "bin" / "roadworthy").unlink()
    assert runner(workspace).returncode == 4


def test_the_action_hands_on_what_it_is_given(workspace: Path) -> None:
    assert github(workspace, seen="seen.json", policy="my policy.yaml; exit 0").returncode == 0
    assert "--seen seen.json --policy my policy.yaml; exit 0" in (workspace / "called").read_text()


@pytest.mark.parametrize(
    ("run", "gate", "report", "exit_code"),
    [
        (0, 0, True, 0),
        (1, 1, True, 0),
        (4, 4, True, 0),
        (70, 1, True, 1),
        (1, 0, True, 1),
        (0, 3, True, 1),
        (1, 1, False, 1),
    ],
)  # fmt: skip
def test_our_own_verdict_is_printed_and_a_broken_tool_is_none(
    run: int, gate: int, report: bool, exit_code: int, workspace: Path
) -> None:
    stub = workspace / "bin" / "roadworthy"
    (workspace / ".roadworthy/verify/report.json").unlink()
    made = "mkdir -p .roadworthy/verify; echo x > .roadworthy/verify/report.json" if report else ":"
    stub.write_text(
        f'#!/bin/sh\ncase "$2" in\nkeygen) echo k > "$3"; echo k > "$3.pub";;\nrun) {made}; exit {run};;\n'
        f"gate) exit {gate};;\nesac\n"
    )
    stub.chmod(0o755)
    script = f"sh {ROOT / 'deploy/verify-self.sh'}"
    done = _shell(workspace, script, {"ROADWORTHY": str(stub), "SERVICE": "no"})
    assert done.returncode == exit_code, done.stderr


@pytest.mark.parametrize(
    ("key", "up", "told"),
    [('echo \'{"data": {"secret": "rw_x"}}\'', "exit 3", "does not start"), ("exit 4", "sleep 60", "does not start")],
)
def test_a_service_that_does_not_start_is_no_verdict(key: str, up: str, told: str, workspace: Path) -> None:
    stub = workspace / "bin" / "roadworthy"
    stub.write_text(f'#!/bin/sh\ncase "$1" in\nkey) {key};;\nup) {up};;\nesac\necho "$@" >>called\n')
    stub.chmod(0o755)
    (workspace / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    (workspace / "bin" / "python").chmod(0o755)
    done = _shell(workspace, f"sh {ROOT / 'deploy/verify-self.sh'}", {"ROADWORTHY": str(stub)})
    assert done.returncode == 1
    assert told in done.stderr
    assert "verify run" not in (workspace / "called").read_text() if (workspace / "called").exists() else True


def test_schedules_run_at_half_past_seven_in_the_evening_of_utc() -> None:
    workflow = (ROOT / "deploy/nightly/github.yml").read_text()
    timer = (ROOT / "deploy/nightly/roadworthy-nightly.timer").read_text()
    assert 'cron: "30 19 * * *"' in workflow
    assert "OnCalendar=*-*-* 19:30:00 UTC" in timer
    assert "retention-days: 7}" in workflow
    assert "retention-days: 30}" in workflow


@pytest.mark.parametrize(
    "file", ["deploy/nightly/github.yml", "deploy/nightly/packs.yml", ".github/workflows/verify.yml"]
)
def test_workflows_are_pinned_and_put_no_expression_into_a_script(file: str) -> None:
    document = yaml.safe_load((ROOT / file).read_text())
    assert document["permissions"]["contents"] == "read"
    for job in document["jobs"].values():
        for step in job["steps"]:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"]) if "uses" in step else "${{" not in step["run"]
