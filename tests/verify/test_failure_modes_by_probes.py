"""The failures of practice once more, now as files: the probe that is about each sees it, and the verdict is no GO.

The numbers are those of test_failure_modes.py, which feeds outcomes; here the outcomes are made by the probes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rig.verification import Run, Verified
from roadworthy.verify.nightly.run import Taken
from roadworthy.verify.outcome import Status

YES = "\u2705"
TESTS = "def test_a():\n    assert True\n\n\ndef test_b():\n    assert True\n"
TABLE = json.dumps({"failed": 1, "passed": 7, "rows": 8})
BASELINE = json.dumps({"form": "roadworthy.tests/v1", "collected": 136, "files": {"test_a.py": 136}})
CONFIG = """version: 1
gateway:
  providers: {ours: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}}
  routes: {chat: {chain: [ours/a], deadline_s: 30}}
  modes: {balanced: {timeout_s: 12, downshift: {p95_s: 4.3}}}
"""
SLOW = json.dumps({"modes": {"balanced": {"p95_s": 6.5, "p99_s": 9.0, "n": 500}},
                   "routes": {"chat": {"p95_s": 6.5, "p99_s": 9.0, "n": 500}}})  # fmt: skip
ALERTS = "groups:\n- name: llm\n  rules:\n" + "".join(
    f"  - alert: {name}\n    expr: llm_{name.lower()} > 1\n    severity: warning\n"
    for name in ("Slow", "Stub", "Errors", "Queue")
)
REAL = 'version: 1\nsets:\n  train: {file: train.csv, role: train, sha256: "%s", rows: 2, origin: "95 %% real data", ' \
    "item: [text], synthetic: by, synthetic_values: [model]}\n" % ("0" * 64)  # fmt: skip
SEEN: dict[str, tuple[dict[str, str], str, dict[str, Any]]] = {
    "1: chaos tests are ticked as implemented": (
        {"REPORT.md": f"| chaos | 12 tests implemented {YES} |\n"}, "GOV-01", {}),
    "2: a score by free hand": ({"REPORT.md": "Readiness: 95/100\n"}, "GOV-01", {}),
    "3: a denominator that its table does not have": (
        {"REPORT.md": f"{YES} 5/7 cases ([table](table.json))\n", "table.json": TABLE}, "GOV-01", {}),
    "7: licences are ticked, their texts are to be added": (
        {"models/a.safetensors": "x"}, "SUP-05",
        {"assets": [{"name": "a", "licence": "Apache-2.0", "text": "licenses/a.txt", "covers": ["models"]}]}),
    "8: an alert below what is normal": ({"roadworthy.yaml": CONFIG, "latency.json": SLOW}, "PER-02", {}),
    "9: ready, with 13 open boxes": ({"LAUNCH.md": "It is production-ready.\n" + "- [ ] box\n" * 13}, "GOV-01", {}),
    "9: a tick decorates a heading": ({"LAUNCH.md": f"## {YES} Criteria\n"}, "GOV-01", {}),
    "10: tests skip themselves without keys": (
        {"test_a.py": "import pytest\ndef test_a():\n    pytest.skip('no key')\n"}, "QUA-01", {"coverage": False}),
    "13: a weak default": (
        {"app.py": 'import os\nPASSWORD = os.environ.get("ADMIN_PASSWORD", "admin123")\n'}, "SEC-02", {}),
    "15: alert rules in a guide do not load": ({"OPS.md": f"# Alerts\n\n```yaml\n{ALERTS}```\n"}, "OBS-02", {}),
    "15: alert rules in a file do not load": ({"alerts.yml": ALERTS}, "OBS-02", {}),
    "15: alert rules that load and were never executed": (
        {"alerts.yml": ALERTS.replace("severity: warning", "labels: {severity: warning}")}, "OBS-02", {}),
    "16: a percentage with a tick and no method": ({"OPS.md": f"| quality | 98 % | 21/21 {YES} |\n"}, "GOV-01", {}),
    "18: hardening complete, 10 of 10 boxes open": (
        {"DONE.md": "Production-ready with hardening complete.\n" + "- [ ] deploy\n" * 10}, "GOV-01", {}),
    "19: modules run as scripts are the tests": ({"app.py": "if __name__ == '__main__':\n    print('self-test ok')\n"},
                                                "QUA-01", {"coverage": False}),
    "21: pickle becomes joblib": ({"app.py": "import joblib\nmodel = joblib.load('m')\n"}, "ART-06", {}),
    "22: tests that do not add up": (
        {"REPORT.md": f"{YES} 228 tests ([run](run.json))\n", "run.json": '{"collected": 136}'}, "GOV-01", {}),
    "23: failures are called edge cases": (
        {"test_a.py": "import pytest\n@pytest.mark.xfail(reason='edge')\ndef test_a():\n    assert 0\n"},
        "QUA-01", {"coverage": False}),
    "23: a test file that does not parse is kept out": (
        {"test_a.py": TESTS, "b/test_b.py": "def test_(:\n", "pytest.ini": "[pytest]\ntestpaths = test_a.py\n"},
        "QUA-01", {"coverage": False}),
    "23: the total shrinks": ({"test_a.py": TESTS, "test-baseline.json": BASELINE}, "QUA-01", {"coverage": False}),
    "24: what was approved is in no revision": ({"app.py": "answer = 42\n"}, "SUP-09", {}),
    "25: 95 % real data": ({"train.csv": "text,by\na,person\nb,model\n", "datasets.yaml": REAL}, "TRN-02", {}),
    "28: advisories of nothing": ({"requirements.txt": "alpha==1.0\n"}, "SUP-02", {}),
    "28: a bill of an environment that is not there": ({"requirements.txt": "alpha==1.0\n"}, "SUP-01", {}),
}  # fmt: skip

TOGETHER = {"SUP-01": ("SUP-02", "SUP-04")}
"""What looks at the same thing, so that the others cannot have passed: here, no environment that is installed."""


@pytest.mark.parametrize("name", SEEN)
def test_situation_as_files(name: str, tmp_path: Path, subject: Path, verified: Verified, inspected: Run) -> None:
    files, check, settings = SEEN[name]
    for place, text in files.items():
        (subject / place).parent.mkdir(parents=True, exist_ok=True)
        (subject / place).write_text(text)
    outcome = verified(check, **settings)
    assert outcome.status in (Status.FAIL, Status.NOT_MEASURED, Status.ERROR), outcome
    others = {each: verified(each) for each in TOGETHER.get(check, ())}
    report = inspected(subject, tmp_path / "run", {check: outcome, **others})
    kept = next(each for each in report.checks if each.id == check)
    assert kept.status is outcome.status
    assert kept.credit == 0
    assert report.verdict.decision in ("NO-GO", "INCOMPLETE"), report.verdict


def test_11_an_answer_that_does_not_say_whether_it_is_a_stub_does_not_count() -> None:
    """A health script that looked for `stub_used == "true"` let null, nothing and an error page pass."""
    from roadworthy.client.record import Answer, Served
    from roadworthy.verify.nightly import run

    for served in (
        None,
        Served(stub_used=None, cache="off"),
        Served(stub_used=True, cache="off"),
        Served(stub_used=False),
    ):
        answer = Answer("text", "m", "p/m", "stop", 1, 1, 1.0, served)
        assert run._refused(answer)
    assert not run._refused(Answer("text", "m", "p/m", "stop", 1, 1, 1.0, Served(stub_used=False, cache="miss")))
    assert Taken(case="a", digest="b").refused == ""


def test_12_checks_that_nobody_executes_are_shown_as_not_measured(
    tmp_path: Path, subject: Path, inspected: Run
) -> None:
    """Silence of a log: what nobody caused and looked for cannot pass by being written down."""
    from roadworthy.verify.outcome import not_measured

    said = {check: not_measured("No probe yet.") for check in ("OBS-01", "OBS-04", "REL-07")}
    report = inspected(subject, tmp_path / "run", said)
    assert {each.id for each in report.checks if each.status is Status.NOT_MEASURED} >= set(said)
    assert report.verdict.decision == "INCOMPLETE"
