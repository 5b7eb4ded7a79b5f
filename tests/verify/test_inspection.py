"""Whole runs: what is left out, evidence by hand, the chain, the subject's identity."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rig.verification import START, Run
from roadworthy.core.errors import RoadworthyError, UsageError
from roadworthy.verify import history
from roadworthy.verify.identity import git_commit
from roadworthy.verify.outcome import Status
from roadworthy.verify.report.files import ENVELOPE, written
from roadworthy.verify.report.record import CheckRecord, Report, encoded

DAY = 86_400


def check(report: Report, id: str) -> CheckRecord:
    return next(each for each in report.checks if each.id == id)


@pytest.fixture(autouse=True)
def something(subject: Path) -> None:
    (subject / "app.py").write_text("answer = 42\n")


def test_only_some_checks_leave_the_others_unmeasured(tmp_path: Path, subject: Path, inspected: Run) -> None:
    report = inspected(subject, tmp_path / "out", only=("QUA-05",))
    measured = [each.id for each in report.checks if each.status is not Status.NOT_MEASURED]
    assert measured == ["QUA-05"]
    assert report.verdict.decision == "INCOMPLETE"
    assert len(report.checks) == 84
    with pytest.raises(UsageError):
        inspected(subject, tmp_path / "out", only=("QUA-5",))


MANUAL = "manual: {{OBS-07: {{file: {file}, by: {by}, on: {on}, says: Everybody on the list answered the call.}}}}"


@pytest.mark.parametrize(
    ("file", "by", "on", "status"),
    [
        ("on-call.md", "Dana", "2027-01-10", "pass"),
        ("on-call.md", "Dana", "2027-01-15", "pass"),
        ("on-call.md", "Dana", "2027-01-16", "not_measured"),  # tomorrow
        ("on-call.md", "' '", "2027-01-10", "not_measured"),
        ("gone.md", "Dana", "2027-01-10", "not_measured"),
        ("empty.md", "Dana", "2027-01-10", "not_measured"),
        ("../outside.md", "Dana", "2027-01-10", "not_measured"),
        ("link.md", "Dana", "2027-01-10", "not_measured"),
        ("folder", "Dana", "2027-01-10", "not_measured"),
    ],
)
def test_evidence_by_hand(
    file: str, by: str, on: str, status: str, tmp_path: Path, subject: Path, inspected: Run
) -> None:
    (subject / "on-call.md").write_text("Dana, then Kim")
    (subject / "empty.md").write_text(" \n")
    (subject / "folder").mkdir()
    (tmp_path / "outside.md").write_text("outside")
    (subject / "link.md").symlink_to(tmp_path / "outside.md")
    report = inspected(subject, tmp_path / "out", content=MANUAL.format(file=file, by=by, on=on).encode())
    found = check(report, "OBS-07")
    assert found.status == status
    assert found.credit == (0.5 if status == "pass" else 0)
    assert found.manual


def test_evidence_by_hand_that_is_too_old(tmp_path: Path, subject: Path, inspected: Run) -> None:
    (subject / "on-call.md").write_text("Dana, then Kim")
    content = MANUAL.format(file="on-call.md", by="Dana", on="2026-10-01").encode()
    report = inspected(subject, tmp_path / "out", content=content)
    assert check(report, "OBS-07").status is Status.NOT_MEASURED
    assert check(report, "GOV-02").status is Status.FAIL
    assert report.verdict.blockers == ("GOV-02",)  # and the sums agree
    assert report.verdict.decision == "NO-GO"


def test_validity_ends_with_the_first_that_ends(tmp_path: Path, subject: Path, inspected: Run) -> None:
    report = inspected(subject, tmp_path / "out")
    assert check(report, "OBS-05").valid_until == report.valid_until == "2027-01-16T10:00:00.000Z"  # 26 hours
    assert check(report, "ART-01").valid_until is None


def test_runs_make_a_chain(tmp_path: Path, subject: Path, inspected: Run) -> None:
    out = tmp_path / "out"
    first = written(inspected(subject, out), out, None)
    second = inspected(subject, out, at=START + DAY)
    assert second.previous is not None
    assert (second.previous.report_sha256, second.number) == (first, 2)
    written(second, out, None)
    assert inspected(subject, out, new_chain=True).number == 1
    (out / "history" / f"{first}.json").write_text("{}")
    assert inspected(subject, out, at=START + 2 * DAY).number == 3  # the gate looks further back
    (out / "history" / f"{hashlib.sha256(encoded(second)).hexdigest()}.json").unlink()
    with pytest.raises(RoadworthyError) as caught:
        inspected(subject, out)
    assert caught.value.code == "integrity_mismatch"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"report": "../../etc/passwd", "number": 1}'])
def test_a_damaged_head_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "head.json").write_bytes(content)
    with pytest.raises(RoadworthyError) as caught:
        history.head(tmp_path)
    assert caught.value.code == "integrity_mismatch"


def test_an_older_signature_does_not_stay_beside_a_new_report(tmp_path: Path, subject: Path, inspected: Run) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ENVELOPE).write_text("of an earlier run")
    written(inspected(subject, out), out, None)
    assert not (out / ENVELOPE).exists()


def test_a_subject_that_cannot_be_read(
    tmp_path: Path, subject: Path, inspected: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadworthy.verify.tree.file_digest", _refuse)
    report = inspected(subject, tmp_path / "out")
    assert report.verdict.decision == "INCOMPLETE"
    assert set(report.verdict.blockers) == {"GOV-06", "SUP-07"}
    assert "1 entries of the subject cannot be read" in check(report, "GOV-06").reason


def _refuse(path: Path) -> str:
    raise PermissionError(13, "Permission denied")


def test_output_inside_of_the_subject_is_not_part_of_it(subject: Path, inspected: Run) -> None:
    out = subject / "reports"
    first = inspected(subject, out, deployed=None)
    written(first, out, None)
    assert inspected(subject, out, deployed=None).subject == first.subject


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({}, None),
        ({".git/HEAD": f"{SHA}\n"}, SHA),
        ({".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": f"{SHA}\n"}, SHA),
        ({".git/HEAD": "ref: refs/heads/main\n", ".git/packed-refs": f"# pack-refs\n{SHA} refs/heads/main\n"}, SHA),
        ({".git/HEAD": "ref: refs/heads/main\n"}, None),  # no commit yet
        ({".git/HEAD": "ref: refs/../../../etc/passwd\n"}, None),
        ({".git/HEAD": "nonsense"}, None),
        (
            {
                ".git": "gitdir: real/worktrees/a\n",
                "real/worktrees/a/HEAD": "ref: refs/heads/b\n",
                "real/worktrees/a/commondir": "../..\n",
                "real/refs/heads/b": f"{SHA}\n",
            },
            SHA,
        ),
    ],
)
def test_the_commit_is_read_without_git(files: dict[str, str], commit: str | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert git_commit(tmp_path) == commit
