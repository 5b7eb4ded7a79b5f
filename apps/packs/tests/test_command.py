"""`roadworthy pack check|list|show`: what is told, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packs_app import SMALL

from roadworthy.cli.main import cli, run
from roadworthy.runtime.entry_point import Offer
from roadworthy_packs import shelf

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    offer = Offer("pack", "roadworthy_packs.command", "pack", folder="")
    monkeypatch.setattr(cli, "added", lambda: {"pack": offer})
    monkeypatch.chdir(tmp_path)

    def ran(*words: str) -> tuple[int, str, str]:
        code = run(["pack", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return ran


def test_good_files_end_with_0(pack: Run, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    assert pack("check", "small.yaml") == (0, "Good: small.\n", "")
    code, out, _ = pack("check", "--json")
    assert code == 0
    assert json.loads(out)["data"] == {"packs": sorted(shelf.load())}


def test_mistakes_of_all_files_are_told_with_their_lines(pack: Run, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL.replace("min: 5, max: 40", "min: 50, max: 40"))
    (tmp_path / "other.yaml").write_text(SMALL.replace("version", "versoin").replace("key: small", "key: other"))
    code, out, err = pack("check", "small.yaml", "other.yaml", "none.yaml")
    assert (code, out) == (3, "")
    assert "small.yaml:11: sections[0].words: min 50 is more than max 40" in err
    assert "other.yaml:3: versoin: this key is not known; did you mean `version`?" in err
    assert "none.yaml: the file cannot be read: no such file" in err
    code, out, _ = pack("check", "small.yaml", "--json")
    told_: list[dict[str, Any]] = json.loads(out)["error"]["problems"]
    assert (code, [(one["file"], one["line"]) for one in told_]) == (
        3, [("small.yaml", 11), ("small.yaml", 16), ("small.yaml", 20)],
    )  # fmt: skip


def test_the_folder_of_the_configuration_is_checked_too(pack: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "small.yaml").write_text(SMALL)
    (tmp_path / "roadworthy.yaml").write_text("version: 1\napplications: {packs: {folder: mine}}\n")
    code, out, _ = pack("list")
    assert code == 0
    assert "small  " in out
    assert "국내 출시 캠페인 제안서" in out
    code, out, _ = pack("show", "small", "--json")
    assert json.loads(out)["data"]["sections"][1]["required_terms"] == ["measure*"]
    (tmp_path / "mine" / "small.yaml").write_text("key: [")
    assert pack("check")[0] == 3


def test_an_unknown_pack_is_a_misuse(pack: Run) -> None:
    code, _, err = pack("show", "lanch_gtm")
    assert code == 2
    assert "Did you mean launch_gtm?" in err
