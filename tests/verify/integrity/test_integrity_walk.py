"""Every file below a folder is met once, under every name, and nothing outside of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import SubjectError
from roadworthy.verify.integrity.walk import Problem, walk


def _link(path: Path, to: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda root: _link(root / "odd", "../outside.bin"), Problem.LINK_OUTSIDE),
        (lambda root: _link(root / "odd", ".."), Problem.LINK_OUTSIDE),
        (lambda root: _link(root / "odd", "/etc/hostname"), Problem.LINK_OUTSIDE),
        (lambda root: _link(root / "odd", "../nowhere"), Problem.LINK_OUTSIDE),
        (lambda root: _link(root / "odd", "nowhere"), Problem.LINK_BROKEN),
        (lambda root: _link(root / "odd", "."), Problem.LINK_LOOP),
        (lambda root: _link(root / "odd", "odd"), Problem.LINK_BROKEN),
        (lambda root: os.mkfifo(root / "odd"), Problem.SPECIAL),
        (lambda root: _socket(root / "odd"), Problem.SPECIAL),
    ],
)
def test_what_is_no_plain_file_is_told(make: Callable[[Path], None], problem: Problem, tmp_path: Path) -> None:
    root = tmp_path / "models"
    root.mkdir()
    (tmp_path / "outside.bin").write_bytes(b"x")
    (root / "plain.bin").write_bytes(b"y")
    make(root)
    walked = walk(root)
    assert [entry.name for entry in walked.entries] == ["plain.bin"]
    assert [(odd.problem, odd.name) for odd in walked.oddities] == [(problem, "odd")]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ((b"a.bin", b"A.bin"), Problem.CASE_CLASH),
        (("\u00e9.bin".encode(), "e\u0301.bin".encode()), Problem.CASE_CLASH),
        ((b"two\nlines",), Problem.NAME_UNUSUAL),
        ((b"back\\slash",), Problem.NAME_UNUSUAL),
        ((b"no-utf8-\xff",), Problem.NAME_NOT_UTF8),
    ],
)
def test_odd_names_are_told(names: tuple[bytes, ...], problem: Problem, tmp_path: Path) -> None:
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    walked = walk(tmp_path)
    assert len(walked.entries) == len(names)
    assert [odd.problem for odd in walked.oddities] == [problem]


def test_links_inside_are_followed_and_say_so(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1").write_bytes(b"x")
    _link(tmp_path / "snapshot" / "model.bin", "../blobs/1")
    _link(tmp_path / "again", "snapshot")
    walked = walk(tmp_path)
    assert not walked.oddities
    assert {entry.name: entry.link for entry in walked.entries} == {
        "blobs/1": None, "snapshot/model.bin": "../blobs/1", "again/model.bin": "../blobs/1",
    }  # fmt: skip
    assert len({entry.inode for entry in walked.entries}) == 1


def test_loops_over_two_folders_end(tmp_path: Path) -> None:
    for here, there in (("a", "b"), ("b", "a")):
        (tmp_path / here).mkdir()
        (tmp_path / here / "f").write_bytes(here.encode())
        _link(tmp_path / here / "over", f"../{there}")
    walked = walk(tmp_path)
    assert [entry.name for entry in walked.entries] == ["a/f", "a/over/f", "b/f", "b/over/f"]
    assert [(odd.problem, odd.name) for odd in walked.oddities] == [
        (Problem.LINK_LOOP, "a/over/over"), (Problem.LINK_LOOP, "b/over/over"),
    ]  # fmt: skip


def test_links_that_multiply_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadworthy.verify.integrity.walk.MOST_ENTRIES", 500)
    for level in range(12):
        (tmp_path / f"d{level}").mkdir()
        for name in "ab":
            _link(tmp_path / f"d{level}" / name, f"../d{level + 1}")
    (tmp_path / "d12").mkdir()
    with pytest.raises(SubjectError, match="too many names"):
        walk(tmp_path)


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    walked = walk(tmp_path)
    assert [(odd.problem, odd.name, odd.folder) for odd in walked.oddities] == [(Problem.UNREADABLE, "shut", True)]


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SubjectError) as caught:
        walk(tmp_path / "nowhere")
    assert caught.value.code == "subject_unreadable"


def test_a_file_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(b"123")
    (entry,) = walk(tmp_path / "one.bin").entries
    assert (entry.name, entry.size) == ("one.bin", 3)
