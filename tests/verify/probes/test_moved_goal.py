"""QUA-06: a goal that moves is told, whichever number it is; a stricter one is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rig.verification import START, Run, Verified
from roadworthy.verify.outcome import Coverage, Status, judged, not_measured
from roadworthy.verify.report.files import written
from roadworthy.verify.signing import key_id

BASE = "thresholds: {category: 80, coverage: 0.95}\nprobes: {QUA-05: {types: [mypy], timeout_s: 60}}\n"


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        (BASE, BASE, set()),
        ("", "", set()),
        (BASE, BASE.replace("80", "85"), set()),
        (BASE, BASE.replace("80", "75"), {"thresholds.category was 80 and is 75."}),
        (BASE, BASE.replace("0.95", "0.9"), {"thresholds.coverage was 0.95 and is 0.9."}),
        (
            BASE,
            "",
            {
                "thresholds.category was 80 and is 70.",
                "thresholds.coverage was 0.95 and is 0.9.",
                'probes.QUA-05.types was ["mypy"] and is [].',
            },
        ),
        (BASE, BASE.replace("60", "90"), set()),
        (
            "thresholds: {max_age_days: 7}",
            "thresholds: {max_age_days: 30}",
            {"thresholds.max_age_days was 7 and is 30."},
        ),
        ("thresholds: {max_age_days: 30}", "thresholds: {max_age_days: 7}", set()),
        (BASE, BASE.replace("[mypy]", "['true']"), {'probes.QUA-05.types was ["mypy"] and is ["true"].'}),
        (
            BASE,
            BASE.replace("60}", "60}, SUP-04: {environment: tiny}"),
            {"probes.SUP-04.environment was .venv and is tiny."},
        ),
        (
            BASE,
            BASE.replace("60}", "60}, SEC-01: {not_secret: {src: all of it is made up}}"),
            {"probes.SEC-01.not_secret was nothing and is src."},
        ),
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


LOW, HIGH = b"thresholds: {category: 75}\n", b"thresholds: {category: 90}\n"
MOVED = judged("It moved.", coverage=Coverage(examined=1, existing=1, how_counted="by hand"), passed=False)


@pytest.mark.parametrize("then", [MOVED, not_measured("It was left out of this run.")])
def test_running_twice_does_not_move_the_goal(
    then: object, tmp_path: Path, subject: Path, inspected: Run, verified: Verified
) -> None:
    """The second run of a lower goal is compared with the higher one again; so is one after a run without the check."""
    out = tmp_path / "out"
    (subject / "app.py").write_text("answer = 42\n")
    written(inspected(subject, out, {"QUA-06": not_measured("The first.")}, HIGH), out, None)
    assert verified("QUA-06", policy=LOW).status is Status.FAIL
    written(inspected(subject, out, {"QUA-06": then}, LOW, at=START + 60), out, None)
    outcome = verified("QUA-06", policy=LOW)
    assert outcome.status is Status.FAIL
    assert "run 1" in outcome.reason
    written(inspected(subject, out, {}, LOW, at=START + 120), out, None)  # it passed: a waiver, say
    assert verified("QUA-06", policy=LOW).status is Status.PASS


def test_with_a_pinned_key_only_signed_runs_count(
    tmp_path: Path, subject: Path, inspected: Run, verified: Verified
) -> None:
    out, key = tmp_path / "out", Ed25519PrivateKey.generate()
    other = Ed25519PrivateKey.generate()
    (subject / "app.py").write_text("answer = 42\n")
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (subject / "readiness.pub").write_bytes(pem)
    pinned = {"key_id": key_id(key.public_key())}
    written(inspected(subject, out, content=LOW), out, None)
    assert verified("QUA-06", policy=LOW).status is Status.PASS
    outcome = verified("QUA-06", policy=LOW, **pinned)
    assert outcome.status is Status.NOT_MEASURED
    assert "that the pinned key signed" in outcome.reason
    written(inspected(subject, out, content=LOW, at=START + 60), out, other)
    assert verified("QUA-06", policy=LOW, **pinned).status is Status.NOT_MEASURED
    written(inspected(subject, out, content=HIGH, at=START + 120), out, key)
    assert verified("QUA-06", policy=HIGH, **pinned).status is Status.PASS
    written(inspected(subject, out, content=LOW, at=START + 180), out, None)  # an unsigned run in between
    assert verified("QUA-06", policy=LOW).status is Status.PASS
    outcome = verified("QUA-06", policy=LOW, **pinned)
    assert (outcome.status, "run 3" in outcome.reason) == (Status.FAIL, True)
    outcome = verified("QUA-06", policy=HIGH, **pinned)  # whether run 4 asked for more, its missing signature hides
    assert (outcome.status, "Run 4" in outcome.reason) == (Status.NOT_MEASURED, True)
    envelopes = sorted((out / "history").glob("*.intoto.jsonl"))
    assert len(envelopes) == 2
    envelopes[0].write_bytes(envelopes[1].read_bytes())  # another report's signature
    envelopes[1].write_bytes(b"{}")
    assert verified("QUA-06", policy=HIGH, **pinned).status is Status.NOT_MEASURED
    assert verified("QUA-06", policy=HIGH, key_id="0" * 64).status is Status.NOT_MEASURED
    (subject / "readiness.pub").unlink()
    assert verified("QUA-06", policy=HIGH, **pinned).status is Status.NOT_MEASURED
