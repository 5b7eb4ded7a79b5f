"""QUA-06: a goal that moves is told, whichever number it is; a stricter one is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.verification import Run, Verified
from roadworthy.verify.outcome import Status
from roadworthy.verify.report.files import written

BASE = "thresholds: {category: 80, coverage: 0.95}\nprobes: {QUA-05: {types: [mypy], timeout_s: 60}}\n"


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        (BASE, BASE, set()),
        ("", "", set()),
        (BASE, BASE.replace("80", "85"), set()),
        (BASE, BASE.replace("80", "75"), {"thresholds.category was 80 and is 75."}),
        (BASE, BASE.replace("0.95", "0.9"), {"thresholds.coverage was 0.95 and is 0.9."}),
        (BASE, "", {"thresholds.category was 80 and is 70.", "thresholds.coverage was 0.95 and is 0.9."}),
        (BASE, BASE.replace("60", "90"), set()),
        (
            "thresholds: {max_age_days: 7}",
            "thresholds: {max_age_days: 30}",
            {"thresholds.max_age_days was 7 and is 30."},
        ),
        ("thresholds: {max_age_days: 30}", "thresholds: {max_age_days: 7}", set()),
    ],
)
def test_moved(
    before: str, now: str, moved: set[str], tmp_path: Path, subject: Path, inspected: Run, verified: Verified
) -> None:
    (subject / "app.py").write_text("answer = 42\n")
    written(inspected(subject, tmp_path / "out", content=before.encode()), tmp_path / "out", None)
    outcome = verified("QUA-06", policy=now.encode())
    assert outcome.status is (Status.FAIL if moved else Status.PASS)
    assert {each.message for each in outcome.findings} == moved


def test_numbers_of_probes_may_not_move_silently() -> None:
    from roadworthy.verify.policy import Policy
    from roadworthy.verify.probes.moved_goal.probe import compared

    def policy(**limits: object) -> Policy:
        return Policy(probes={"QUA-02": {"least": 0.8, **limits}})

    def told(before: Policy, now: Policy) -> list[str]:
        return [each.name for each in compared(before, now) if each.suspect]

    assert told(policy(), policy()) == []
    assert told(policy(), policy(least=0.7)) == ["probes.QUA-02.least"]
    assert told(policy(), policy(deep={"limit": 3})) == ["probes.QUA-02.deep.limit"]
    assert told(policy(deep={"limit": 3}), policy()) == ["probes.QUA-02.deep.limit"]
    assert told(policy(), policy(timeout_s=9)) == []


def test_the_first_run_never_passes(verified: Verified, subject: Path) -> None:
    outcome = verified("QUA-06")
    assert outcome.status is Status.NOT_MEASURED
    assert "no earlier run" in outcome.reason
