"""`roadworthy backup` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roadworthy.cli.main import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roadworthy.yaml").write_text("version: 1\ngateway: {state_dir: state}\n")
    assert run(["key", "create", "kept", "--scope", "use"]) == 0
    return tmp_path


def _data(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, object]:
    capsys.readouterr()
    assert run([*words, "--json"]) == code
    data = json.loads(capsys.readouterr().out)["data"]
    assert isinstance(data, dict)
    return data


def test_keys_and_journal_come_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys, chain = _data(capsys, "key", "list"), _data(capsys, "gateway", "journal", "verify")
    made = _data(capsys, "backup", "create", "b")
    (folder / "state").rename(folder / "lost")
    back = _data(capsys, "backup", "restore", "b")
    assert made["files"] == back["files"]
    assert _data(capsys, "key", "list") == keys
    assert _data(capsys, "gateway", "journal", "verify") == chain


def test_what_cannot_be_done_is_told_in_one_shape(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backup", "restore", "state"]) != 0
    assert run(["backup", "create", "b"]) == 0
    capsys.readouterr()
    assert run(["backup", "create", "b"]) != 0
    said = capsys.readouterr().err
    assert "b is there already" in said
    assert "Traceback" not in said
    (folder / "b" / "state.db").write_bytes(b"")
    (folder / "state").rename(folder / "lost")
    assert run(["backup", "restore", "b"]) != 0
    assert "is not what was written" in capsys.readouterr().err
    assert not (folder / "state").exists()
