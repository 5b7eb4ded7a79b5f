"""What reports of readiness got wrong in practice, fed to a run: each ends NO-GO or INCOMPLETE, or the gate refuses it.

The numbers are those of the list of failure modes that the room was built against. Not here, because they are about
single probes and live in their tests: 4 (masks per kind), 5 (baseline of the same run), 6 (reversed panel thresholds),
7 (licences without their texts), 8 (limits against measurements), 15 (alert rules that do not load), 20 (rollback to
an unverified state), 21 (joblib counts as pickle).
"""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rig.verification import START, Run, Verified, good
from roadworthy.core.errors import ConfigError, RoadworthyError
from roadworthy.verify import history, inspection
from roadworthy.verify.gate import Asked, gate
from roadworthy.verify.outcome import Coverage, Measure, Outcome, Status, error, judged, not_measured
from roadworthy.verify.policy import policy_of
from roadworthy.verify.report import junit
from roadworthy.verify.report.files import sign, written
from roadworthy.verify.report.record import Report, encoded
from roadworthy.verify.signing import Subject

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DAY = 86_400.0


def counted(examined: int, existing: int) -> Coverage:
    return Coverage(examined=examined, existing=existing, how_counted="by hand")


@pytest.fixture(autouse=True)
def something(subject: Path) -> None:
    (subject / "app.py").write_text("answer = 42\n")


PASSED = Outcome(status=Status.PASS, reason="Implemented.")
SITUATIONS: dict[str, tuple[Mapping[str, Outcome], str]] = {
    "1: implemented counted as passed": ({"REL-01": PASSED}, "INCOMPLETE"),
    "1: nobody executed the drills": ({"REL-01": not_measured("Running them is an open action.")}, "INCOMPLETE"),
    "3: 7 of 8 rows": ({"PII-01": judged("7 passed.", coverage=counted(7, 8))}, "INCOMPLETE"),
    "3: 8 rows of 7": ({"PII-01": judged("8 passed.", coverage=counted(8, 7))}, "INCOMPLETE"),
    "10: skipped gracefully": ({"QUA-01": not_measured("No key was there.")}, "INCOMPLETE"),
    "11: an error page is no good news": ({"SEC-08": error("The answer was no JSON.")}, "INCOMPLETE"),
    "12: silence as proof": ({"OBS-01": PASSED, "SEC-01": PASSED}, "INCOMPLETE"),
    "19: exit code 0, nothing collected": ({"QUA-01": judged("Exit 0.", coverage=counted(0, 0))}, "INCOMPLETE"),
    "22: a mean that hides a failure": ({"SEC-05": judged("Open.", coverage=counted(1, 1), passed=False)}, "NO-GO"),
    "23: a file that does not parse": ({"QUA-01": judged("All.", coverage=counted(93, 100))}, "INCOMPLETE"),
    "25: a database that is too old": ({"SUP-02": not_measured("The database is 700 days old.")}, "INCOMPLETE"),
    "28: a tool that looked at nothing": ({"ART-04": judged("No issues.", coverage=counted(0, 0))}, "INCOMPLETE"),
    "28: a tool that looked at some": ({"ART-04": judged("No issues.", coverage=counted(1, 7))}, "INCOMPLETE"),
}  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation(name: str, tmp_path: Path, subject: Path, inspected: Run) -> None:
    said, decision = SITUATIONS[name]
    report = inspected(subject, tmp_path / "out", said)
    assert report.verdict.decision == decision
    assert report.verdict.blockers
    assert (report.score.overall or 0) <= 59


def ruled(out: Path, subject: Path, now: float = START + 60, policy: bytes | None = None) -> str:
    """The gate's decision, or the code of its refusal."""
    try:
        return gate(Asked(out, [KEY.public_key()], subject, policy, None, now)).decision
    except RoadworthyError as problem:
        return problem.code


def forged(report: Report, out: Path, **changes: object) -> None:
    """What a careless or false tool would write, signed with the right key."""
    shutil.rmtree(out / "history", ignore_errors=True)
    false = msgspec.structs.replace(report, **changes)
    (out / "report.json").write_bytes(encoded(false))
    sign(false, history.append(out, encoded(false), false.number), out, KEY)


def test_2_and_22_a_free_hand_score(tmp_path: Path, subject: Path, inspected: Run) -> None:
    out = tmp_path / "out"
    report = inspected(subject, out, {"PII-01": judged("71 %.", coverage=counted(7, 7), passed=False)})
    assert report.verdict.decision == "NO-GO"
    assert (report.score.overall or 0) <= 49
    forged(report, out, score=msgspec.structs.replace(report.score, overall=95.0))
    assert ruled(out, subject) == "integrity_mismatch"


@pytest.mark.parametrize("text", ["{status: pass}", "{passed: true}", "'✅'"])
def test_9_a_tick_is_layout(text: str) -> None:
    """Nobody can write that a check passed; only probes say so."""
    with pytest.raises(ConfigError):
        policy_of(f"probes: {{REL-01: {text}}}".encode())


def test_10_not_measured_is_an_error_in_junit(tmp_path: Path, subject: Path, inspected: Run) -> None:
    report = inspected(subject, tmp_path / "out", {"QUA-01": not_measured("Skipped.")})
    suite = Xml.fromstring(junit.text(report)).find("testsuite")
    assert suite is not None
    assert suite.get("errors") == "1"
    assert suite.get("skipped") == "0"


def test_13_and_25_the_goal_moves_after_the_result(tmp_path: Path, subject: Path, inspected: Run) -> None:
    with pytest.raises(ConfigError, match="may only ask for more"):
        policy_of(b"thresholds: {category: 50}")
    strict, loose = b"thresholds: {coverage: 0.99}\n", b"name: looser\n"
    written(inspected(subject, tmp_path / "out", content=loose), tmp_path / "out", KEY)
    assert ruled(tmp_path / "out", subject, policy=loose) == "GO"
    assert ruled(tmp_path / "out", subject, policy=strict) == "integrity_mismatch"


def test_14_evidence_is_gone(tmp_path: Path, subject: Path, inspected: Run) -> None:
    report = inspected(subject, tmp_path / "out")
    written(report, tmp_path / "out", KEY)
    (tmp_path / "out" / "evidence" / report.checks[-1].evidence[0].sha256).unlink()
    assert ruled(tmp_path / "out", subject) == "integrity_mismatch"


def test_16_a_number_without_evidence(tmp_path: Path, subject: Path, inspected: Run) -> None:
    share = Measure(name="quality", value=0.98, unit="1")
    report = inspected(subject, tmp_path / "out", {"QUA-03": good(measured=[share])}, no_evidence=["QUA-03"])
    assert report.verdict.decision == "INCOMPLETE"
    assert report.verdict.blockers == ("QUA-03",)


def test_17_two_truths(tmp_path: Path, subject: Path, inspected: Run) -> None:
    """A report that shows another outcome than the one that was kept."""
    out = tmp_path / "out"
    report = inspected(subject, out, {"PER-01": judged("5 s.", coverage=counted(1, 1), passed=False)})
    checks = [msgspec.structs.replace(each, status=Status.PASS, credit=1.0, findings=()) for each in report.checks]
    forged(report, out, checks=tuple(checks))
    assert ruled(out, subject) == "integrity_mismatch"


def test_18_and_19_a_tool_told_to_look_away(subject: Path, verified: Verified) -> None:
    (subject / "ruff.toml").write_text('exclude = ["*"]\n')
    assert verified("QUA-05").status is Status.NOT_MEASURED


def test_23_a_check_is_taken_out_of_the_count(tmp_path: Path, subject: Path, inspected: Run) -> None:
    report = inspected(subject, tmp_path / "out", {"QUA-01": judged("8 failed.", coverage=counted(9, 9), passed=False)})
    forged(report, tmp_path / "out", checks=tuple(each for each in report.checks if each.id != "QUA-01"))
    assert ruled(tmp_path / "out", subject) == "integrity_mismatch"


def test_24_something_else_is_shipped(tmp_path: Path, subject: Path, inspected: Run) -> None:
    written(inspected(subject, tmp_path / "out"), tmp_path / "out", KEY)
    assert ruled(tmp_path / "out", subject) == "GO"
    (subject / "app.py").write_text("answer = 41\n")
    assert ruled(tmp_path / "out", subject) == "integrity_mismatch"


def test_24_the_subject_changes_while_it_is_examined(
    tmp_path: Path, subject: Path, inspected: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = inspection.identified

    def identified(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        (subject / "app.py").write_text("answer = 41\n")
        return found

    monkeypatch.setattr(inspection, "identified", identified)
    report = inspected(subject, tmp_path / "out", deployed=None)
    assert report.verdict.decision == "NO-GO"
    assert "GOV-06" in report.verdict.blockers


def test_25_results_that_are_too_old(tmp_path: Path, subject: Path, inspected: Run) -> None:
    written(inspected(subject, tmp_path / "out"), tmp_path / "out", KEY)
    assert ruled(tmp_path / "out", subject, now=START + 8 * DAY) == "INCOMPLETE"


def test_26_owner_and_approver_are_one(tmp_path: Path, subject: Path, inspected: Run) -> None:
    bad = judged("Unknown licence.", coverage=counted(1, 1), passed=False)
    first = inspected(subject, tmp_path / "first", {"SUP-04": bad})
    fingerprint = next(each for each in first.checks if each.id == "SUP-04").findings[0].fingerprint
    for approver, holds in (("Kim", True), ("Dana", False)):
        content = (
            f'waivers: [{{check: SUP-04, fingerprint: "{fingerprint}", owner: Dana, approver: {approver}, '
            "reason: We asked the authors., created: 2027-01-14, expires: 2027-01-20}]"
        ).encode()
        report = inspected(subject, tmp_path / approver, {"SUP-04": bad}, content)
        assert ("GOV-03" not in report.verdict.blockers) is holds
        assert report.verdict.decision == ("INCOMPLETE" if holds else "NO-GO")  # a waiver earns nothing


def test_27_evidence_of_nothing_in_particular(tmp_path: Path, subject: Path, inspected: Run) -> None:
    report = inspected(subject, tmp_path / "out")
    for nothing in ((), (Subject(name="everything", digest={}),)):
        forged(report, tmp_path / "out", subject=nothing)
        assert ruled(tmp_path / "out", subject) == "integrity_mismatch"


def test_28_everything_passes_on_an_empty_folder(tmp_path: Path, inspected: Run) -> None:
    (tmp_path / "empty").mkdir()
    assert inspected(tmp_path / "empty", tmp_path / "out").verdict.decision == "INCOMPLETE"
