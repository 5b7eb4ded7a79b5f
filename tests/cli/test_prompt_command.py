"""`roadworthy gateway prompts …`, through the door that every command goes through."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from roadworthy.cli.main import run

OWN = "name: brand\nversion: 1\nsystem: {en: 'Speak as a brand. {keywords}', ko: '브랜드로 말하세요. {keywords}'}\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APP_ENV", raising=False)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "brand.yaml").write_text(OWN, "utf-8")
    Path("roadworthy.yaml").write_text("version: 1\ngateway: {prompts: {folder: prompts}}\n")
    return folder


def data(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run(["gateway", "prompts", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["data"]


def test_list_and_show(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    rows = data(capsys, "list")["prompts"]
    assert [row["prompt"] for row in rows] == ["brand@1", "hints@1", "interpreter@1", "validator@1"]
    assert [row["released"] for row in rows] == [False, True, True, True]
    assert rows[3]["values"] == ["answer", "brief"]
    assert run(["gateway", "prompts", "list"]) == 0
    assert "brand@1" in capsys.readouterr().out
    shown = data(capsys, "show", "interpreter@1")["prompts"]
    assert set(shown[0]["system"]) == {"en", "ko"}
    assert run(["gateway", "prompts", "show", "brand"]) == 0
    out = capsys.readouterr().out
    assert "brand@1, for any role, mode and model" in out
    assert "[system, ko]\n브랜드로 말하세요." in out


def test_render(capsys: pytest.CaptureFixture[str]) -> None:
    found = data(capsys, "render", "interpreter", "--var", "brief=상큼한 {{향}} = 좋아요")
    assert found["prompt"] == "interpreter@1"
    assert found["language"] == "ko"
    assert "상큼한 (citrus, fresh)" in found["messages"][0]["content"]
    assert found["messages"][1] == {"role": "user", "content": "브리프:\n상큼한 {{향}} = 좋아요"}
    assert data(capsys, "render", "interpreter@1", "--var", "brief=상큼한", "--lang", "en")["language"] == "en"
    assert run(["gateway", "prompts", "render", "hints", "--var", "brief=a", "--model", "a/b", "--role", "x"]) == 0
    assert capsys.readouterr().out.endswith("[user]\nBrief:\na\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "interpretor"], "Did you mean interpreter?"),
        (["show", "interpreter@2"], "There are: 1."),
        (["show", "Not A Name"], "NAME or NAME@VERSION"),
        (["render", "interpreter"], "It takes brief."),
        (["render", "interpreter", "--var", "brief"], "no `=`"),
        (["render", "interpreter", "--var", "brief=a", "--var", "brief=b"], "twice"),
        (["render", "interpreter", "--var", "brief=a\x1b[2J"], "control character"),
        (["render", "interpreter", "--var", "brief=a", "--lang", "fr"], "--lang"),
    ],
)
def test_misuse_is_told(capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    assert run(["gateway", "prompts", *words]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.out == ""
    assert "\x1b" not in shown.err


def test_keywords(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = data(capsys, "keywords", "상큼한 꽃향기에 우디한 향")
    assert [one["family"] for one in found["keywords"]] == ["citrus", "floral", "woody"]
    assert found["keywords"][0]["descriptors"] == ["citrus", "fresh"]
    assert list(found["families"]) == ["citrus", "floral", "woody"]
    assert run(["gateway", "prompts", "keywords", "nothing here"]) == 0
    assert "No word" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("레몬"))
    assert data(capsys, "keywords", "-")["keywords"][0]["english"] == "lemon"


def test_lock(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    assert data(capsys, "lock") == {"released": ["brand@1"]}
    assert run(["gateway", "prompts", "lock"]) == 0
    assert "released before" in capsys.readouterr().out
    (own / "brand.yaml").write_text(OWN.replace("Speak", "Shout"), "utf-8")
    for words in (["list"], ["lock"], ["render", "brand"]):
        assert run(["gateway", "prompts", *words]) == 3
        assert "put the change into a file with version 2" in capsys.readouterr().err


def test_lock_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gateway", "prompts", "lock"]) == 3
    assert "no folder of prompts" in capsys.readouterr().err
