"""`roadworthy verify` as somebody types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def verify(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "roadworthy", "verify", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_an_empty_folder_is_incomplete(tmp_path: Path) -> None:
    done = verify("run", "--only", "QUA-05", cwd=tmp_path)
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
    }


def test_from_key_to_gate(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text('"""An app."""\n')
    made = verify("keygen", tmp_path / "key", "--json", cwd=tmp_path)
    assert len(json.loads(made.stdout)["data"]["key_id"]) == 64
    out = tmp_path / "out"
    ran = verify(
        "run", project, "--out", out, "--key", tmp_path / "key", "--only", "QUA-05", "--json", "-q", cwd=tmp_path
    )
    data = json.loads(ran.stdout)["data"]
    assert ran.returncode == 4
    assert ran.stderr == ""
    assert data["verdict"]["decision"] == "INCOMPLETE"
    assert {each["id"]: each["status"] for each in data["checks"]}["QUA-05"] == "pass"
    gate = ("gate", out, "--key", tmp_path / "key.pub", "--subject")
    judged = verify(*gate, project, "--json", cwd=tmp_path)
    assert judged.returncode == 4, judged.stderr
    assert json.loads(judged.stdout)["data"]["reported"] == "INCOMPLETE"
    (project / "app.py").write_text('"""Another app."""\n')
    refused = verify(*gate, project, "--json", cwd=tmp_path)
    assert refused.returncode == 3
    assert json.loads(refused.stdout)["error"]["code"] == "integrity_mismatch"
    again = verify("report", out, "--form", "markdown", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, (out / "report.md").read_text())
    signed = verify("sign", out, "--key", tmp_path / "key", cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr


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
def test_wrong_use_is_told_in_one_shape(words: tuple[str, ...], exit_code: int, said: str, tmp_path: Path) -> None:
    done = verify(*words, cwd=tmp_path)
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    if words != ("rum",):
        assert said in done.stderr
    assert done.stderr.startswith("error[")
    assert not (tmp_path / ".roadworthy").exists()


def test_probes_lists_every_check(tmp_path: Path) -> None:
    rows = json.loads(verify("probes", "--json", cwd=tmp_path).stdout)["data"]
    assert len(rows) == 84
    by_id = {row["id"]: row for row in rows}
    assert by_id["QUA-05"]["probe"] == by_id["GOV-06"]["probe"] == "built-in"
    assert by_id["PER-03"]["probe"] == "none yet"
