"""`roadworthy guard` as it is typed."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from roadworthy.cli.main import run

MAIL = "bob@example.com"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.log").write_text(f"mail {MAIL}\nok\n")
    (tmp_path / "clean.log").write_text("took 12 ms\n")
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    return tmp_path


def test_mask_prints(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["guard", "mask", "a.log", "clean.log"]) == 0
    assert capfdbinary.readouterr().out == b"mail ***EMAIL_MASKED***\nok\ntook 12 ms\n"


def test_mask_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MAIL.encode())))
    assert run(["guard", "mask"]) == 0
    assert capfdbinary.readouterr().out == b"***EMAIL_MASKED***"


def test_spans(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (folder / "s.jsonl").write_text(json.dumps({"text": f"메일 {MAIL}"}, ensure_ascii=False) + "\n")
    assert run(["guard", "mask", "--spans", "s.jsonl"]) == 0
    assert json.loads(capfdbinary.readouterr().out) == {"spans": [{"start": 3, "end": 18, "type": "EMAIL"}]}


def test_in_place_masks_what_it_can_and_names_what_it_cannot(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["guard", "mask", "--in-place", "--json", "b.bin", "a.log"]) == 4
    data = json.loads(capsys.readouterr().out)["data"]
    assert [row["file"] for row in data["files"]] == ["a.log"]
    assert [row["file"] for row in data["failed"]] == ["b.bin"]
    assert (folder / "a.log").read_text() == "mail ***EMAIL_MASKED***\nok\n"
    assert (folder / "b.bin").read_bytes() == b"\0\1\2"


def test_out_dir(folder: Path) -> None:
    assert run(["guard", "mask", "--out-dir", "out/deep", "a.log"]) == 0
    assert (folder / "out/deep/a.log").read_text() == "mail ***EMAIL_MASKED***\nok\n"
    assert MAIL in (folder / "a.log").read_text()


def test_what_takes_a_findings_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("HASH_KEY", "0123456789abcdef")
    (folder / "c.log").write_text(f"{MAIL} {MAIL} 4111-1111-1111-1111 010-1234-5678")
    words = ["--hash", "email", "--last4", "CARD", "--keep", "phone", "--key", "env:HASH_KEY"]
    assert run(["guard", "mask", *words, "c.log"]) == 0
    first, second, *rest = capfdbinary.readouterr().out.split()
    assert first == second
    assert first.startswith(b"email_")
    assert rest == [b"***CARD_MASKED:1111***", b"010-1234-5678"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["mask", "--hash", "EMAIL", "a.log"], 2),
        (["mask", "--keep", "NOPE", "a.log"], 2),
        (["mask", "--keep", "IP", "--last4", "IP", "a.log"], 2),
        (["mask", "--hash", "EMAIL", "--key", "env:SHORT_KEY", "a.log"], 3),
        (["mask", "--hash", "EMAIL", "--key", "env:NOT_SET", "a.log"], 3),
        (["mask", "--in-place"], 2),
        (["mask", "missing"], 2),
        (["scan", "missing"], 2),
        (["mask", "--spans", "a.log"], 2),
        (["mask", "b.bin"], 4),
    ],
)
def test_bad_input(words: list[str], code: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT_KEY", "short")
    assert run(["guard", *words]) == code
    assert (folder / "a.log").read_text() == f"mail {MAIL}\nok\n"


def test_scan_finds_and_never_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["guard", "scan", "."]) == 1
    shown = capsys.readouterr()
    assert "a.log:1:6" in shown.out
    assert MAIL not in shown.out + shown.err
    assert "1 binary files" in shown.err


def test_scan_says_what_it_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["guard", "scan", "--json", "clean.log", "b.bin"]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == {
        "files": 2, "findings": [], "unread": [], "binary": ["b.bin"],
    }  # fmt: skip


def test_scan_for_secrets_alone(folder: Path) -> None:
    assert run(["guard", "scan", "--secrets", "a.log"]) == 0
    (folder / "s.env").write_text("DB_PASSWORD=" + "hunter2-" + "hunter2\n")
    assert run(["guard", "scan", "--secrets", "."]) == 1


def test_a_file_that_cannot_be_looked_into_is_not_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "u.txt").write_bytes(b"\xff\xfe\x00\xd8")
    assert run(["guard", "scan", "u.txt", "clean.log"]) == 4
    assert "Not looked into: u.txt" in capsys.readouterr().err


def test_scan_on_several_processes_finds_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(20):
        (folder / f"n{number}.log").write_text(f"user{number}@example.com\n" * number)
    assert run(["guard", "scan", "--json", "--processes", "2", "."]) == 1
    several = json.loads(capsys.readouterr().out)["data"]
    assert run(["guard", "scan", "--json", "--processes", "1", "."]) == 1
    assert json.loads(capsys.readouterr().out)["data"] == several
    assert len(several["findings"]) == sum(range(20)) + 1


@pytest.mark.slow
def test_every_bound_holds_on_held_out_lines_and_the_page_shows_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["guard", "report", "--html", "missing/page.html"]) == 4
    capsys.readouterr()
    code = run(["guard", "report", "--html", "page.html", "--json"])
    data = json.loads(capsys.readouterr().out)["data"]
    assert (code, data["failures"]) == (0, [])
    assert (folder / "page.html").read_text().startswith("<!doctype html>")
