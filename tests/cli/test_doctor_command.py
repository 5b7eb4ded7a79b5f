"""`doctor`: each check sees what is wrong, says how to mend it, and shows no secret."""

import json
import os
import socket
import sys
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from doubles.scripted_server import Say, serving
from roadworthy.cli import diagnosis
from roadworthy.cli.diagnosis import exit_code
from roadworthy.cli.finding import Finding
from roadworthy.cli.main import run
from roadworthy.core.errors import Exit
from roadworthy.gateway.keys import KeyStore
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.tree import Config

Shown = pytest.CaptureFixture[str]
CANARY = "sk-canary0123456789abcdef"
REMOTE = """version: 1
gateway:
  port: {port}
  state_dir: st
  providers: {{openai: {{kind: openai, api_key: env:OPENAI_API_KEY}}}}
  routes: {{chat: {{chain: [openai/gpt]}}}}
control: {{enabled: false}}
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Path:
    for name in [*(one for one in os.environ if one.startswith("ROADWORTHY_")), "APP_ENV", "OPENAI_API_KEY"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("roadworthy.yaml").write_text(REMOTE.format(port=port))
    return tmp_path


@pytest.fixture
def config() -> Config:
    return load(environ={}).config


def by_name(capsys: Shown) -> dict[str, dict[str, str]]:
    told = json.loads(capsys.readouterr().out)
    return {one["check"]: one for one in told["data"]["findings"]}


def test_a_good_installation_is_exit_0(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    assert run(["doctor", "--json"]) == Exit.GOOD
    text = capsys.readouterr().out
    assert CANARY not in text
    told = json.loads(text)["data"]
    states = {one["check"]: one["state"] for one in told["findings"]}
    assert told["healthy"] is True
    assert states == {
        "python": "ok",
        "native modules": "ok",
        "configuration": "ok",
        "variables": "ok",
        "secrets": "ok",
        "embedded model": "not checked",
        "state directory": "ok",
        "disk": states["disk"],
        "ports": "ok",
        "journal": "not checked",
        "admin key": "warn",
        "gateway": "not checked",
    }
    assert not Path("st").exists()


def test_a_missing_secret_is_exit_3_with_its_mend(capsys: Shown) -> None:
    assert run(["doctor"]) == Exit.CONFIGURATION
    shown = capsys.readouterr()
    assert "env:OPENAI_API_KEY of provider openai" in shown.out
    assert "Set the environment variable OPENAI_API_KEY." in shown.out
    assert "1 bad" in shown.err


def test_an_invalid_configuration_leaves_what_depends_on_it_unchecked(capsys: Shown) -> None:
    Path("roadworthy.yaml").write_text(f"version: 1\ngateway: {{prot: 1, api_key: {CANARY}}}\n")
    assert run(["doctor", "--json"]) == Exit.CONFIGURATION
    found = by_name(capsys)
    assert found["configuration"]["state"] == "bad"
    assert "port" in found["configuration"]["evidence"]
    assert CANARY not in str(found)
    assert {found[name]["state"] for name in ("secrets", "ports", "journal", "admin key", "gateway")} == {"not checked"}


def test_unknown_variables_are_warned_about(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("ROADWORTHY_GATEWAY__PROT", "1")
    assert run(["doctor", "--json"]) == Exit.GOOD
    assert "ROADWORTHY_GATEWAY__PORT" in by_name(capsys)["variables"]["evidence"]


def test_a_port_that_another_process_holds_is_bad(config: Config) -> None:
    with socket.socket() as other:
        other.bind((config.gateway.host, config.gateway.port))
        other.listen()
        (found,) = diagnosis.check_ports(config)
    assert found.state == "bad"
    assert "gateway.port" in found.evidence + found.mend


def test_a_port_that_our_gateway_holds_is_ok(config: Config) -> None:
    (Path("st") / "run").mkdir(parents=True)
    record = {"pid": os.getpid(), "started_at": 0.0, "children": []}
    (Path("st") / "run" / "processes.json").write_text(json.dumps(record))
    with socket.socket() as ours:
        ours.bind((config.gateway.host, config.gateway.port))
        ours.listen()
        (found,) = diagnosis.check_ports(config)
    assert found.state == "ok"


@pytest.mark.parametrize(
    ("ready", "date", "state", "word"),
    [
        (200, 0, "ok", "is ready"),
        (503, 0, "warn", "is not ready (status 503)"),
        (200, 90, "warn", "clock +"),
        (200, -90, "warn", "clock -"),
    ],
)
def test_a_running_gateway_is_asked(ready: int, date: int, state: str, word: str) -> None:
    import time

    with serving() as server:
        headers = {"date": formatdate(time.time() + date, usegmt=True)}
        server.script["GET /readyz"] = Say({"status": "x"}, ready, headers)
        found = diagnosis.check_gateway(None, server.url, {})
    assert (found.state, word in found.evidence) == (state, True)


def test_a_named_gateway_that_does_not_answer_is_exit_4(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    assert run(["doctor", "--json", "--url", "http://127.0.0.1:1"]) == Exit.COULD_NOT_FIND_OUT
    found = by_name(capsys)["gateway"]
    assert (found["state"], found["unknown"]) == ("not checked", True)


def test_the_model_file_is_looked_into(tmp_path: Path) -> None:
    broken = tmp_path / "model.gguf"
    broken.write_bytes(b"GGUF\x03\x00\x00\x00")
    Path("roadworthy.yaml").write_text(
        f"version: 1\ngateway:\n  providers: {{embedded: {{kind: embedded, file: {broken}}}}}\n"
        "  routes: {chat: {chain: [embedded/m]}}\n"
    )
    pytest.importorskip("xllamacpp")
    found = diagnosis.check_model(load(environ={}).config)
    assert found.state == "bad"
    assert "model.gguf" in found.evidence


def test_journal_and_admin_key(tmp_path: Path) -> None:
    assert diagnosis.check_journal(tmp_path).state == "not checked"
    assert run(["key", "create", "boss", "--scope", "admin", "-q"]) == Exit.GOOD
    assert diagnosis.check_journal(Path("st")) == Finding("journal", "ok", "1 entries, chain whole")
    assert "boss" in diagnosis.check_admin_key(Path("st")).evidence
    store = KeyStore(Path("st/state.db"))
    store.revoke("boss")
    store.close()
    assert diagnosis.check_admin_key(Path("st")).state == "warn"
    Path("st/state.db").write_bytes(b"x" * 4096)
    assert diagnosis.check_journal(Path("st")).state == "bad"
    assert diagnosis.check_admin_key(Path("st")).unknown


def test_the_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "will be made" in diagnosis.check_state_dir(tmp_path / "a" / "b").evidence
    (tmp_path / "open").mkdir(mode=0o755)
    assert diagnosis.check_state_dir(tmp_path / "open").state == "warn"
    (tmp_path / "open").chmod(0o700)
    assert diagnosis.check_state_dir(tmp_path / "open").state == "ok"
    (tmp_path / "file").write_text("")
    assert diagnosis.check_state_dir(tmp_path / "file").state == "bad"


@pytest.mark.parametrize(("free", "state"), [(10**10, "ok"), (10**8, "warn"), (10**6, "bad")])
def test_disk(tmp_path: Path, free: int, state: str) -> None:
    usage: Callable[[Path], tuple[int, int, int]] = lambda path: (0, 0, free)  # noqa: E731
    assert diagnosis.check_disk(tmp_path, usage).state == state


def test_python_and_native_modules() -> None:
    assert diagnosis.check_python((3, 10, 9)).state == "bad"
    found = diagnosis.check_native(("json", "no_such_module_here"))
    assert (found.state, "no_such_module_here" in found.evidence) == ("bad", True)


def test_a_missing_native_module_is_told_before_anything_needs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)  # importing it fails as if it were not installed
    assert run(["doctor", "--json"]) == Exit.CONFIGURATION
    found = by_name(capsys)
    assert found["native modules"]["state"] == "bad"
    assert found["everything else"]["unknown"]


def test_bad_counts_before_unknown() -> None:
    bad, unknown = Finding("x", "bad", "e"), Finding("x", "not checked", "e", unknown=True)
    assert exit_code([bad, unknown]) == Exit.CONFIGURATION
    assert exit_code([unknown]) == Exit.COULD_NOT_FIND_OUT
    assert exit_code([Finding("x", "not checked", "e"), Finding("x", "warn", "e")]) == Exit.GOOD
