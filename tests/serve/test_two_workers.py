"""Two real workers on one port: what one finds out about a provider the other knows at once."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import doubles
from doubles import Fault
from roadworthy.client.local import LocalClient
from roadworthy.gateway.settings import EdgeSettings, ProviderSettings, Route, Target


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(settings: EdgeSettings, worker: int) -> subprocess.Popen[bytes]:
    read, write = os.pipe()
    command = [sys.executable, "-m", "roadworthy.serve.edge_process", f"--settings-fd={read}", f"--worker={worker}"]
    process = subprocess.Popen(command, pass_fds=[read], stderr=subprocess.DEVNULL)
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        pipe.write(msgspec.json.encode(settings))
    return process


def ask(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)  # a new one each time: any worker may get it
    body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "Hello"}]})
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def two_workers(free_port: int, tmp_path: Path) -> Iterator[tuple[int, doubles.openai, Path]]:
    with doubles.openai(faults=Fault("status", status=500)) as first, doubles.openai() as second:
        settings = EdgeSettings(
            providers=(
                ProviderSettings("a", "openai", first.base_url, "test-key"),
                ProviderSettings("b", "openai", second.base_url, "test-key"),
            ),
            routes=(Route("chat", (Target("a", "gpt-4.1-mini"), Target("b", "gpt-4.1-mini"))),),
            port=free_port,
            workers=2,
            state_dir=str(tmp_path),
        )
        processes = [start(settings, 0), start(settings, 1)]
        try:
            wait_for(lambda: len(list((tmp_path / "run").glob("edge-*.sock"))) == 2)
            wait_for(lambda: can_connect(free_port))
            yield free_port, first, tmp_path
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(10)


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def states(state_dir: Path) -> set[str]:
    found = LocalClient(state_dir).breakers()
    return {breaker.state for breaker in found if breaker.provider == "a"}


def test_a_breaker_that_one_worker_opened_is_open_in_the_other(two_workers) -> None:
    port, first, state_dir = two_workers
    for _ in range(10):
        assert ask(port) == 200
        if "open" in states(state_dir):
            break
    wait_for(lambda: states(state_dir) == {"open"}, 2.0)
    reached = len(first.requests)
    assert [ask(port) for _ in range(30)] == [200] * 30
    assert len(first.requests) == reached
    assert reached <= 5  # three failures in one worker, at most two in the other before
