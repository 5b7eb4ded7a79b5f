"""`roadworthy verify` as somebody types it: the first test in a process of its own, the others in this one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.cli.main import run

Done = subprocess.CompletedProcess[str]
Verify = Callable[..., Done]


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Verify:
    """Types a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def typed(*words: str | Path) -> Done:
        told = [*map(str, words)]
        code = run(["verify", *told])
        shown = capsys.readouterr()
        return Done(told, code, shown.out, shown.err)

    return typed


def test_an_empty_folder_is_incomplete(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "roadworthy", "verify", "run", "--only", "QUA-05"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 4, done.stderr
    assert done.stdout.startswith("INCOMPLETE")
    assert "QUA-05: started" in done.stderr
    names = {path.name for path in (tmp_path / ".roadworthy" / "verify").iterdir()}
    assert names == {
        "evidence",
        "history",
        "report.html",
        "report.json",
        "report.junit.xml",
        "report.md",
        "report.sarif",
        "technical-file.md",
    }


def test_from_key_to_gate(tmp_path: Path, verify: Verify) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text('"""An app."""\n')
    made = verify("keygen", tmp_path / "key", "--json")
    assert len(json.loads(made.stdout)["data"]["key_id"]) == 64
    out = tmp_path / "out"
    ran = verify("run", project, "--out", out, "--key", tmp_path / "key", "--only", "QUA-05", "--json", "-q")
    data = json.loads(ran.stdout)["data"]
    assert ran.returncode == 4
    assert ran.stderr == ""
    assert data["verdict"]["decision"] == "INCOMPLETE"
    assert {each["id"]: each["status"] for each in data["checks"]}["QUA-05"] == "pass"
    gate = ("gate", out, "--key", tmp_path / "key.pub", "--subject")
    judged = verify(*gate, project, "--json")
    assert judged.returncode == 4, judged.stderr
    assert json.loads(judged.stdout)["data"]["reported"] == "INCOMPLETE"
    (project / "app.py").write_text('"""Another app."""\n')
    refused = verify(*gate, project, "--json")
    assert refused.returncode == 3
    assert json.loads(refused.stdout)["error"]["code"] == "integrity_mismatch"
    again = verify("report", out, "--form", "markdown")
    assert (again.returncode, again.stdout) == (0, (out / "report.md").read_text())
    signed = verify("sign", out, "--key", tmp_path / "key")
    assert signed.returncode == 0, signed.stderr
    signed = verify("sign", out, "--key", tmp_path / "key", "--earlier", "--json")
    assert json.loads(signed.stdout)["data"]["earlier"] == 0


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("run", "--only", "NONE-01"), 2, "There is no check NONE-01"),
        (("run", "--policy", "gone.yaml"), 3, "gone.yaml cannot be read"),
        (("run", "--key", "gone.key"), 3, "gone.key cannot be read"),
        (("run", "--out", "."), 2, "cannot be the subject itself"),
        (("run", "--deployed", "sha256:12"), 2, "64 hexadecimal digits"),
        (("run", "--deployed", "nowhere"), 2, "is no folder"),
        (("run", "nowhere"), 2, "does not exist"),
        (("report",), 4, "There is no report"),
        (("gate", "--subject", "."), 2, "Missing option"),
        (("gate", "--key", "gone.pub", "--subject", "."), 3, "gone.pub cannot be read"),
        (("rum",), 2, "verify run"),
        (("keygen", "no/such/folder/key"), 3, "cannot be written"),
    ],
)
def test_wrong_use_is_told_in_one_shape(
    words: tuple[str, ...], exit_code: int, said: str, tmp_path: Path, verify: Verify
) -> None:
    done = verify(*words)
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    if words != ("rum",):
        assert said in done.stderr
    assert done.stderr.startswith("error[")
    assert not (tmp_path / ".roadworthy").exists()


def test_probes_lists_every_check(verify: Verify) -> None:
    rows = json.loads(verify("probes", "--json").stdout)["data"]
    assert len(rows) == 84
    by_id = {row["id"]: row for row in rows}
    assert by_id["QUA-05"]["probe"] == by_id["GOV-06"]["probe"] == "built-in"
    assert by_id["OBS-07"]["probe"] == "none yet"
