"""`guard secret` without any store: files and the environment, what is told, and the exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from roadworthy.cli.main import run

VALUE, NEXT = "canary-cli-" + "1122334455", "canary-cli-next-" + "5544332211"
CONFIG = """\
version: 1
gateway:
  providers:
    a: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: "file:key"}
    b: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: "env:B_KEY"}
  routes: {chat: {chain: [a/m, b/m]}}
secrets: {folder: "."}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("APP_ENV", "ROADWORTHY_CONFIG", "VAULT_ADDR", "AWS_SECRETS_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("B_KEY", VALUE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roadworthy.yaml").write_text(CONFIG)
    (tmp_path / "key").write_text(VALUE)
    (tmp_path / "key").chmod(0o600)
    return tmp_path


class Said:
    """One command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        self.code = run(["guard", "secret", *words])
        self.out, self.err = capsys.readouterr()
        assert VALUE not in self.out + self.err
        assert NEXT not in self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def test_list_asks_nobody_and_makes_no_file(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    said = Said(capsys, "list", "--json")
    assert said.code == 0
    found = [(one["reference"], one["used_by"], one["state"]) for one in said.json["data"]["secrets"]]
    assert found == [("file:key", ["provider a"], "unknown"), ("env:B_KEY", ["provider b"], "unknown")]
    assert not (place / ".roadworthy").exists()


def test_show_says_where_from_and_how_old(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Said(capsys, "show", "a", "--json").json["data"]
    assert (shown["source"], shown["state"], shown["used_by"]) == ("file", "fresh", ["provider a"])
    assert shown["age_s"] is not None
    assert Said(capsys, "show", "env:B_KEY", "--json").json["data"]["age_s"] is None
    assert Said(capsys, "show", "secret:b-key", "--json").json["data"]["source"] == "env"
    assert "age unknown" in Said(capsys, "show", "b").out


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["show", "nobody"], 2, "invalid_request"),
        (["show", "file:nowhere"], 3, "secret_missing"),
        (["show", "secret:nowhere"], 3, "secret_missing"),
        (["show", "vault:secret/a#k"], 3, "secret_missing"),
        (["rollback", "a"], 3, "secret_missing"),
        (["rollback", "b"], 2, "invalid_request"),
    ],
)
def test_what_cannot_be_done(capsys: pytest.CaptureFixture[str], words: list[str], code: int, error: str) -> None:
    said = Said(capsys, *words, "--json")
    assert (said.code, said.json["error"]["code"]) == (code, error)


def test_check_exits_3_where_something_is_at_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    assert Said(capsys, "check").code == 0
    (place / "key").chmod(0o644)
    assert Said(capsys, "check").code == 0  # in development
    monkeypatch.setenv("APP_ENV", "production")
    said = Said(capsys, "check", "--json")
    assert said.code == 3
    bad = [one for one in said.json["data"]["checks"] if not one["ok"]]
    assert [(one["name"], one["code"]) for one in bad] == [("file:key", "secret_file_exposed")]
    assert "chmod 600" in bad[0]["mend"]


def test_check_exits_4_where_a_store_does_not_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hvac")
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    monkeypatch.setenv("VAULT_TOKEN", "t-" + "0123456789")
    said = Said(capsys, "check", "--json")
    assert said.code == 4
    assert said.json["data"]["checks"][0]["code"] == "secret_source_unavailable"


@pytest.mark.parametrize("address", ["vault.example.com:8200", "ftp://x", "https://user:" + VALUE + "@host"])
def test_an_address_that_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("VAULT_ADDR", address)
    said = Said(capsys, "show", "a", "--json")
    assert (said.code, said.json["error"]["code"]) == (3, "config_invalid")


def test_a_file_is_rotated_rolled_back_and_retired(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(NEXT + "\n"))
    done = Said(capsys, "rotate", "a", "--json")
    assert done.code == 0, done.err
    assert done.json["data"]["taken"] is None  # no gateway runs
    assert (place / "key").read_text() == NEXT
    assert (place / "key.previous").read_text() == VALUE
    assert oct((place / "key").stat().st_mode)[-3:] == "600"
    early = Said(capsys, "retire", "a", "--json")
    assert (early.code, early.json["error"]["code"]) == (2, "invalid_request")
    assert Said(capsys, "rollback", "a").code == 0
    assert (place / "key").read_text() == VALUE
    assert Said(capsys, "retire", "a", "--now", "--json").json["data"]["retired"] is True
    assert not (place / "key.previous").exists()
    assert Said(capsys, "rotate", "a", "--generate").code == 0
    assert (place / "key").read_text() not in (VALUE, NEXT)


@pytest.mark.parametrize(
    ("text", "code"), [("", 2), (" \n", 2), (VALUE, 2), ("a\x00b", 3), ("é", 3), ("x" * 70_000, 2)]
)
def test_values_that_are_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path, text: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert Said(capsys, "rotate", "a", "--json").code == code
    assert (place / "key").read_text() == VALUE
    assert sorted(path.name for path in place.glob("*key*")) == ["key"]


def test_a_provider_that_cannot_be_asked_stops_a_trial(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(NEXT))
    said = Said(capsys, "rotate", "a", "--try", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "secret_rotation_failed")
    assert (place / "key").read_text() == VALUE
