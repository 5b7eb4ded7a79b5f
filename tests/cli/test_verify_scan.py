"""`roadworthy verify scan`: exit codes, the JSON that scripts read, and what people read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rig.model_bytes import EVIL_4, PLAIN
from roadworthy.cli.main import run


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a.pkl": PLAIN}, 0),
        ({"a.pkl": PLAIN, "b.pkl": EVIL_4, "c.bin": b"\x00\xff" * 40}, 1),
        ({"a.pkl": PLAIN, "c.bin": b"\x00\xff" * 40}, 4),
        ({}, 4),
    ],
)
def test_exit_codes(files: dict[str, bytes], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert run(["verify", "scan", str(tmp_path), "--json"]) == code
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["summary"]["files"] == len(files) == len(data["files"])


def test_json_says_where_and_how_to_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new\nline.pkl"
    path.write_bytes(EVIL_4)
    assert run(["verify", "scan", str(path), "--json"]) == 1
    (file,) = json.loads(capsys.readouterr().out)["data"]["files"]
    assert set(file) == {"path", "verdict", "formats", "reasons", "size"}
    assert (file["path"], file["verdict"], file["formats"]) == (str(path), "unsafe", ["pickle"])
    reason = file["reasons"][0]
    assert set(reason) == {"rule", "verdict", "severity", "what", "member", "offset", "mend"}
    assert reason["rule"] == "pickle.import.dangerous"
    assert reason["offset"] == EVIL_4.index(b"\x93")


def test_text_is_one_line_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new\nline.pkl"
    path.write_bytes(EVIL_4)
    assert run(["verify", "scan", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["unsafe", "critical", "mend:"]
    assert "new\\nline.pkl" in lines[0]
