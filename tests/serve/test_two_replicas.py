"""Two gateways with a state directory each and one Valkey: what one finds out about a provider the other knows."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

import doubles
from doubles import Fault
from rig.stores import PASSWORD, Valkey, free_port
from roadworthy.client.local import LocalClient
from roadworthy.gateway.settings import Breaker, EdgeSettings, ProviderSettings, Route, State, Target


class Replica:
    """One edge process; ask it and look at it."""

    def __init__(self, name: str, valkey: Valkey, folder: Path, first: str, second: str, prefix: str) -> None:
        self.folder = folder / name
        self.settings = EdgeSettings(
            providers=(
                ProviderSettings("a", "openai", first, "test-key"), ProviderSettings("b", "openai", second, "test-key"),
            ),
            routes=(Route("chat", (Target("a", "gpt-4.1-mini"), Target("b", "gpt-4.1-mini"))),),
            port=free_port(), state_dir=str(self.folder), breaker=Breaker(open_s=60.0),
            state=State(valkey.url, name, prefix),
        )  # fmt: skip

    @contextmanager
    def running(self) -> Iterator[Replica]:
        self.folder.mkdir()
        read, write = os.pipe()
        command = [sys.executable, "-m", "roadworthy.serve.edge_process", f"--settings-fd={read}", "--worker=0"]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, pass_fds=[read], stderr=log)
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            pipe.write(msgspec.json.encode(self.settings))
        try:
            wait_for(lambda: can_connect(self.settings.port))
            yield self
        finally:
            process.terminate()
            process.wait(15)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def ask(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=10)
        body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "Hello"}]})
        connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        status = connection.getresponse().status
        connection.close()
        return status

    def health(self) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=10)
        connection.request("GET", "/health")
        found = json.loads(connection.getresponse().read())
        connection.close()
        return found["stores"]["state"]

    def breaker(self) -> str:
        return next(b.state for b in LocalClient(self.folder).breakers() if b.provider == "a")

    def reset(self) -> None:
        LocalClient(self.folder).reset_breaker("a")


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def make(valkey: Valkey, tmp_path: Path) -> Iterator[Callable[[str], Replica]]:
    """Start a replica by name; its first provider fails, its second one works."""
    with (
        doubles.openai(faults=Fault("status", status=500)) as first, doubles.openai() as second, ExitStack() as started
    ):  # fmt: skip

        def start(name: str) -> Replica:
            replica = Replica(name, valkey, tmp_path, first.base_url, second.base_url, tmp_path.name)
            return started.enter_context(replica.running())

        yield start


def open_breaker(replica: Replica) -> None:
    while replica.breaker() == "closed":
        assert replica.ask() == 200


def test_a_breaker_opened_by_one_is_open_in_the_other_and_in_those_who_come_later(
    make: Callable[[str], Replica],
) -> None:
    one, two = make("one"), make("two")
    wait_for(lambda: one.health()["replicas"] == two.health()["replicas"] == 2)
    assert two.breaker() == "closed"
    open_breaker(one)
    wait_for(lambda: two.breaker() == "open")
    three = make("three")
    wait_for(lambda: three.breaker() == "open")
    two.reset()
    wait_for(lambda: one.breaker() == three.breaker() == "closed")


def test_killing_valkey_costs_no_request_and_sharing_goes_on_when_it_is_back(
    make: Callable[[str], Replica], valkey: Valkey
) -> None:
    replicas = [make("one"), make("two")]
    one, two = replicas
    wait_for(lambda: one.health()["ok"] and two.health()["ok"])
    over, answers = threading.Event(), {0: [], 1: []}

    def call(number: int) -> None:
        while not over.is_set():
            answers[number].append(replicas[number].ask())

    threads = [threading.Thread(target=call, args=(number,)) for number in answers]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: all(len(found) > 5 for found in answers.values()))
        valkey.kill()
        wait_for(lambda: not one.health()["ok"] and not two.health()["ok"])
        assert one.health()["error"] == "store_unavailable"
        one.reset()
        two.reset()
        before = [len(found) for found in answers.values()]
        wait_for(lambda: all(len(found) > count + 5 for found, count in zip(answers.values(), before, strict=True)))
    finally:
        over.set()
        for thread in threads:
            thread.join()
        if valkey.process is None:
            valkey.start()
    assert {status for found in answers.values() for status in found} == {200}
    one.reset()  # while it was away each found out by itself
    two.reset()
    wait_for(lambda: one.health()["ok"] and two.health()["ok"])
    wait_for(lambda: one.health()["replicas"] == 2)
    two.reset()
    wait_for(lambda: one.breaker() == "closed")
    open_breaker(one)
    wait_for(lambda: two.breaker() == "open")
    assert "state.away" in one.log
    assert "state.back" in one.log
    assert PASSWORD not in one.log


def test_what_one_found_out_while_valkey_was_away_is_told_when_it_is_back(
    make: Callable[[str], Replica], valkey: Valkey
) -> None:
    one, two = make("one"), make("two")
    wait_for(lambda: one.health()["ok"] and two.health()["ok"])
    valkey.kill()
    try:
        wait_for(lambda: not one.health()["ok"] and not two.health()["ok"])
        open_breaker(one)
        assert two.breaker() == "closed"
    finally:
        valkey.start()
    wait_for(lambda: two.breaker() == "open")
