"""`roadworthy verify manifest` as it is typed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.cli.main import run
from roadworthy.verify.signing import make_keys


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m" / "deep").mkdir(parents=True)
    (tmp_path / "m" / "a.bin").write_bytes(b"a" * 1000)
    (tmp_path / "m" / "deep" / "b.bin").write_bytes(b"b" * 1000)
    make_keys(Path("key.pem"), Path("key.pub"))
    make_keys(Path("other.pem"), Path("other.pub"))
    assert run(["verify", "manifest", "create", "m", "--key", "key.pem"]) == 0
    return tmp_path


def _data(capsys: pytest.CaptureFixture[str], words: list[str], code: int) -> dict[str, object]:
    capsys.readouterr()
    assert run(["verify", "manifest", *words, "--json"]) == code
    data = json.loads(capsys.readouterr().out)["data"]
    assert isinstance(data, dict)
    return data


def _flip(folder: Path) -> None:
    (folder / "m/a.bin").write_bytes(b"a" * 999 + b"`")


def _rename(folder: Path) -> None:
    (folder / "m/a.bin").rename(folder / "m/z.bin")


@pytest.mark.parametrize(
    ("act", "code", "said"),
    [
        (lambda folder: None, 0, {"status": "pass", "same": 2}),
        (_flip, 1, {"changed": ["a.bin"]}),
        (lambda folder: (folder / "m/new").write_bytes(b""), 1, {"added": ["new"]}),
        (lambda folder: (folder / "m/a.bin").unlink(), 1, {"missing": ["a.bin"]}),
        (_rename, 1, {"renamed": [{"from": "a.bin", "to": "z.bin"}]}),
        (lambda folder: (folder / "m/a\nb").write_bytes(b""), 1, {"added": ["a\\nb"]}),
        (lambda folder: os.mkfifo(folder / "m/pipe"), 1, {"status": "fail", "same": 2}),
    ],
)
def test_check(
    act: Callable[[Path], None], code: int, said: dict[str, object], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    act(folder)
    data = _data(capsys, ["check", "m", "--public-key", "key.pub"], code)
    assert {name: data[name] for name in said} == said
    assert data["signature"] == "pass"


def test_a_manifest_that_nobody_vouches_for_passes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _data(capsys, ["check", "m"], 4)["status"] == "not_measured"
    assert _data(capsys, ["check", "m", "--unsigned"], 0)["signature"] == "not_measured"
    _flip(folder)
    assert _data(capsys, ["check", "m"], 1)["status"] == "fail"


def test_the_check_that_makes_the_baseline_never_passes_by_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "m", "--manifest", "new.json", "--create-missing", "--unsigned"]
    assert _data(capsys, words, 4)["status"] == "not_measured"
    assert _data(capsys, words, 0)["status"] == "pass"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["check", "m", "--public-key", "other.pub"], 3),
        (["check", "m", "--public-key", "key.pem"], 3),
        (["check", "m", "--manifest", "missing.json"], 4),
        (["check", "m", "--manifest", "key.pub"], 4),
        (["check", "m", "--public-key", "key.pub", "--unsigned"], 2),
        (["check", "missing"], 2),
        (["create", "m"], 2),
        (["create", "m", "-o", "new.json", "--key", "missing.pem"], 3),
        (["create", "m", "-o", "missing/new.json"], 4),
        (["create", "m", "--threads", "99", "-o", "new.json"], 2),
        (["diff", "m", "missing"], 2),
    ],
)
def test_bad_input(words: list[str], code: int, folder: Path) -> None:
    assert run(["verify", "manifest", *words]) == code
    assert not (folder / "new.json").exists()


def test_a_tampered_manifest_is_not_trusted(folder: Path) -> None:
    path = folder / "m.manifest.json"
    envelope = json.loads(path.read_text())
    envelope["payload"] = "e30" + envelope["payload"][3:]
    path.write_text(json.dumps(envelope))
    assert run(["verify", "manifest", "check", "m", "--public-key", "key.pub"]) == 3


def test_a_manifest_inside_of_its_root_does_not_count(folder: Path) -> None:
    assert run(["verify", "manifest", "create", "m", "-o", "m/here.json", "--key", "key.pem"]) == 0
    assert run(["verify", "manifest", "check", "m", "--manifest", "m/here.json", "--public-key", "key.pub"]) == 0
    assert run(["verify", "manifest", "check", "m", "--public-key", "key.pub"]) == 1


def test_no_manifest_of_a_folder_with_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "m/pipe")
    assert run(["verify", "manifest", "create", "m", "--replace"]) == 4


def test_diff_of_folders_and_manifests(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _data(capsys, ["diff", "m.manifest.json", "m"], 0)["same"] == 2
    _rename(folder)
    assert _data(capsys, ["diff", "m.manifest.json", "m"], 1)["renamed"] == [{"from": "a.bin", "to": "z.bin"}]
    assert _data(capsys, ["diff", "m", "m.manifest.json"], 1)["renamed"] == [{"from": "z.bin", "to": "a.bin"}]
