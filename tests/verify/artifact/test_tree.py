"""Folders with traps, order, processes, and the file as it lies on the disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rig.model_bytes import EVIL_4, PLAIN
from roadworthy.runtime.executor import InlineExecutor, ProcessExecutor
from roadworthy.verify.artifact.record import FileReport, Verdict
from roadworthy.verify.artifact.tree import find, scan, summary


def scanned(*paths: Path) -> dict[str, FileReport]:
    return {report.path: report for report in scan(find(paths), InlineExecutor())}


def rules(report: FileReport) -> set[str]:
    return {reason.rule for reason in report.reasons}


def test_traps_of_a_folder_are_findings(tmp_path: Path) -> None:
    root = tmp_path / "models"
    root.mkdir()
    (tmp_path / "outside.pkl").write_bytes(PLAIN)
    (root / "good.pkl").write_bytes(PLAIN)
    (root / "inside").symlink_to("good.pkl")
    (root / "leaves").symlink_to("../outside.pkl")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nothing")
    (root / "folder").symlink_to(root)
    (root / "away").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    (root / "new\nline.pkl").write_bytes(EVIL_4)
    (root / os.fsdecode(b"bad\xff.pkl")).write_bytes(PLAIN)
    found = {os.path.basename(path): report for path, report in scanned(root).items()}
    assert found["good.pkl"].verdict is found["inside"].verdict is Verdict.CLEAN
    for trap in ("leaves", "loop", "dangling", "away"):
        assert rules(found[trap]) == {"file.link"}, trap
    assert rules(found["pipe"]) == {"file.special"}
    assert "folder" not in found
    assert found["new\nline.pkl"].verdict is Verdict.UNSAFE
    assert found[os.fsdecode(b"bad\xff.pkl")].verdict is Verdict.CLEAN


def test_what_cannot_be_read_is_unverifiable(tmp_path: Path) -> None:
    if os.geteuid() == 0:  # who may read everything, but for this
        assert rules(scanned(Path("/proc/self/mem"))["/proc/self/mem"]) == {"file.unreadable"}
        return
    closed = tmp_path / "closed"
    closed.mkdir()
    (tmp_path / "secret.pkl").write_bytes(PLAIN)
    (tmp_path / "secret.pkl").chmod(0)
    closed.chmod(0)
    try:
        found = scanned(tmp_path)
    finally:
        closed.chmod(0o700)
    assert [rules(report) for report in found.values()] == [{"file.unreadable"}] * 2


def test_a_name_that_is_not_there_is_unverifiable(tmp_path: Path) -> None:
    (report,) = scanned(tmp_path / "nothing").values()
    assert report.verdict is Verdict.UNVERIFIABLE


def test_reports_do_not_hang_on_order_or_processes(tmp_path: Path) -> None:
    for index in range(12):
        (tmp_path / f"{index}.pkl").write_bytes(EVIL_4 if index % 3 else PLAIN)
    inline = list(scan(find([tmp_path]), InlineExecutor()))
    assert list(scan(find([tmp_path]), ProcessExecutor(2))) == inline
    named = [tmp_path / f"{index}.pkl" for index in reversed(range(12))]
    assert {report.path: report for report in scan(find(named), InlineExecutor())} == {r.path: r for r in inline}
    assert summary(inline) == {"files": 12, "clean": 4, "unsafe": 8, "unverifiable": 0}


def test_the_verdict_does_not_hang_on_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pkl").write_bytes(EVIL_4)
    before = scanned(tmp_path)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert scanned(tmp_path) == before
