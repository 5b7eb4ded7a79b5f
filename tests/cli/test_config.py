"""`roadworthy config …` and `roadworthy init`, through the door that every command goes through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roadworthy.cli import init as init_module
from roadworthy.cli.main import run
from roadworthy.runtime.config import template

FAKE = "sk-live-" + "oops-0123456789abcdef"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APP_ENV", raising=False)
    for starter in template.STARTERS.values():
        monkeypatch.delenv(starter.variable, raising=False)


def data(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["data"]


def test_init_then_check_show_get_where(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", FAKE)
    assert run(["init"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "roadworthy.yaml\n"
    assert "openai -> embedded" in shown.err
    assert "Next: roadworthy up" in shown.err
    assert data(capsys, "config", "check")["warnings"] == []
    assert run(["config", "show"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("# roadworthy.yaml, profile development, price table of 20")
    assert "api_key: env:OPENAI_API_KEY" in shown.out
    assert FAKE not in shown.out + shown.err + Path("roadworthy.yaml").read_text()
    assert data(capsys, "config", "get", "gateway.port") == {"key": "gateway.port", "value": 8080}
    assert data(capsys, "config", "where", "gateway.port")[0]["where"] == "roadworthy.yaml:9"
    monkeypatch.setenv("ROADWORTHY_GATEWAY__PORT", "1234")
    assert data(capsys, "config", "where", "gateway.port")[0]["layer"] == "environment"
    assert data(capsys, "config", "get", "gateway.port")["value"] == 1234


def test_init_refuses_and_forces(capsys: pytest.CaptureFixture[str]) -> None:
    Path("roadworthy.yaml").write_text("mine")
    assert run(["init"]) == 3
    assert "error[config_invalid]: roadworthy.yaml is there already." in capsys.readouterr().err
    assert Path("roadworthy.yaml").read_text() == "mine"
    assert run(["init", "--force", "--provider", "anthropic"]) == 0
    assert "Set ANTHROPIC_API_KEY before you start." in capsys.readouterr().err
    assert run(["init", "--provider", "qqq"]) == 2


def test_init_knows_the_providers_of_the_template() -> None:
    assert tuple(template.STARTERS) == init_module.PROVIDERS


def test_check_tells_each_problem_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.yaml").write_text(f"gateway: {{prot: {FAKE}}}\nlog: {{level: {FAKE}}}\n")
    assert run(["config", "check", "--file", "bad.yaml"]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[:3] == [
        "problem: bad.yaml:1: gateway.prot: unknown key; did you mean `port`?",
        "problem: bad.yaml:2: log.level: expected one of debug, info, warning, error",
        "error[config_invalid]: The configuration has 2 problems.",
    ]
    assert run(["config", "check", "--config", "bad.yaml", "--json"]) == 3
    shown = capsys.readouterr()
    assert [problem["line"] for problem in json.loads(shown.out)["error"]["problems"]] == [1, 2]
    assert FAKE not in shown.out + shown.err


def test_check_lists_warnings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORTHY_GATEWAY__PRT", "1")
    assert run(["config", "check"]) == 0
    out = capsys.readouterr().out
    assert "warning: environment variable ROADWORTHY_GATEWAY__PRT: nothing reads this variable; did you mean" in out
    assert out.endswith("built-in defaults: good (development, 1 warning)\n")


def test_schema_is_json_in_both_forms(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == data(capsys, "config", "schema")


@pytest.mark.parametrize("verb", ["get", "where"])
def test_unknown_keys(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", verb, "gateway.prt"]) == 2
    assert "why: Did you mean `port`?" in capsys.readouterr().err


def test_a_secret_in_an_address_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"http://10.1.2.3/{FAKE.replace('-', '_', 2).replace('-', '')}/v1"
    provider = f'{{kind: compatible, base_url: "{address}"}}'
    Path("roadworthy.yaml").write_text(
        f"version: 1\ngateway: {{providers: {{p: {provider}}}, routes: {{chat: {{chain: [p/m]}}}}}}\n"
    )
    key = "gateway.providers.p.base_url"
    assert data(capsys, "config", "get", key) == {"key": key, "value": "http://10.1.2.3/***MASKED***/v1"}
    assert run(["config", "show"]) == 0
    assert "base_url: http://10.1.2.3/***MASKED***/v1\n" in capsys.readouterr().out
