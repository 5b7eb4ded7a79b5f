"""The output lies in a subject that may be hostile: its links are not followed, its lock is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.verification import Run
from roadworthy.core.errors import ConfigError, StorageError, UsageError
from roadworthy.verify.output import put, taken
from roadworthy.verify.report.files import written


@pytest.mark.parametrize(
    "link", [".roadworthy", ".roadworthy/verify", ".roadworthy/verify/evidence", ".roadworthy/verify/history"]
)
def test_links_that_lead_out_are_refused(link: str, subject: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (subject / link).parent.mkdir(parents=True, exist_ok=True)
    (subject / link).symlink_to(outside)
    with pytest.raises(UsageError, match="symbolic link"), taken(subject / ".roadworthy" / "verify", subject):
        pass
    assert not list(outside.iterdir())


def test_links_in_the_place_of_files_are_replaced(subject: Path, tmp_path: Path, inspected: Run) -> None:
    """Every name that a run writes, placed as a link to somebody's file beforehand."""
    (subject / "app.py").write_text("answer = 42\n")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    first = tmp_path / "first"
    written(inspected(subject, first), first, None)
    out = tmp_path / "out"
    for name in [
        each.relative_to(first) for each in first.rglob("*") if each.is_file() and each.parent.name != "history"
    ]:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).symlink_to(victim)
    written(inspected(subject, out), out, None)
    assert victim.read_text() == "precious"
    assert not [path for path in out.rglob("*") if path.is_symlink() and path.parent.name != "evidence"]


def test_put_replaces_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "report").symlink_to(tmp_path / "victim")
    put(tmp_path / "report", b"mine")
    assert (tmp_path / "victim").read_text() == "precious"
    assert (tmp_path / "report").read_bytes() == b"mine"


def test_one_run_at_a_time(subject: Path, tmp_path: Path) -> None:
    with (
        taken(tmp_path / "out", subject),
        pytest.raises(ConfigError) as caught,
        taken(tmp_path / "out", subject),
    ):
        pass
    assert caught.value.code == "already_running"
    with taken(tmp_path / "out", subject):
        pass


def test_places_that_cannot_be(subject: Path, tmp_path: Path) -> None:
    for place in (subject, subject.parent):
        with pytest.raises(UsageError, match="subject itself"), taken(place, subject):
            pass
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError), taken(tmp_path / "file", subject):
        pass
