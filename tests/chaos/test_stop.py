"""A stop under load loses no request; a supervisor that is killed leaves nothing behind; a start after it works."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import httpx2
import pytest

from doubles import Fault
from rig import DEADLINE_S, Echo, Gateway, await_true, load

pytestmark = pytest.mark.slow
QUESTION = "Will you live to answer this?"


def test_sigterm_under_load_finishes_what_is_in_flight(expendable: Gateway, echo: Echo) -> None:
    pids = expendable.pids
    with load(expendable, "echo") as callers:
        echo.faults = Fault("delay", seconds=0.7)
        try:
            time.sleep(0.3)
            began = {id(caller): caller.requests[-1] for caller in callers}
            moment = time.monotonic()
            code = expendable.stop(signal.SIGTERM)
            took = time.monotonic() - moment
        finally:
            echo.faults = Fault("delay", seconds=0.05)
    assert code == 0
    assert took < 10
    in_flight = [one for one in began.values() if one.began < moment and not one.ended < moment]
    assert len(in_flight) == 8
    assert all(one.right for one in in_flight), in_flight
    requests = [one for caller in callers for one in caller.requests]
    assert all(one.right for one in requests if one.status == 200)
    assert all(one.began >= moment for one in requests if one.failure), "a request from before the stop was dropped"
    assert {one.status for one in requests} <= {200, 503, None}
    found = {one["request_id"] for one in expendable.journaled()}
    assert {one.identity for one in requests if one.status == 200} <= found
    assert expendable.cli("gateway", "journal", "verify").code == 0
    assert "Had to be killed" not in expendable.err
    assert "Traceback" not in expendable.err
    assert not any(map(alive, pids.values()))


def test_a_killed_supervisor_leaves_nothing_and_can_be_started_again(expendable: Gateway) -> None:
    pids = expendable.pids
    assert set(pids) == {"edge-0", "edge-1", "control"}
    asking = threading.Thread(target=ask_in_vain, args=(expendable,))
    asking.start()
    expendable.kill()
    await_true(lambda: not any(map(alive, pids.values())), "a child outlived its supervisor", 10)
    asking.join()
    expendable.start()
    expendable.await_told()
    assert expendable.told["self_test_ok"] is True
    assert expendable.told["admin_key"] is None  # the one of the first start is still valid
    assert expendable.cli("gateway", "journal", "verify").code == 0


def test_what_a_dying_worker_still_answers_does_not_disturb_its_successor(expendable: Gateway, echo: Echo) -> None:
    echo.faults = Fault("delay", seconds=1.5)
    asking = threading.Thread(target=ask_in_vain, args=(expendable,))
    try:
        asking.start()
        await_true(lambda: len(echo.requests) and echo.requests[-1].json["messages"][-1]["content"] == QUESTION)
        expendable.kill()
        expendable.start()
        expendable.await_told()
        asking.join()
    finally:
        echo.faults = Fault("delay", seconds=0.05)
    time.sleep(0.2)  # the dying worker's last step, if it did not come before
    found = expendable.cli("gateway", "status", "--json").data["workers"]
    assert {one["worker"]: one["pid"] for one in found} == {
        0: expendable.pids["edge-0"], 1: expendable.pids["edge-1"],
    }  # fmt: skip


def test_sigterm_lets_a_stream_come_to_its_end(expendable: Gateway, echo: Echo) -> None:
    echo.faults = Fault("drip", seconds=0.1)
    body = {"model": "echo", "stream": True, "messages": [{"role": "user", "content": "one two three four five six"}]}
    try:
        with httpx2.stream("POST", f"{expendable.url}/v1/chat/completions", json=body, trust_env=False) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
            assert expendable.process is not None
            expendable.process.send_signal(signal.SIGTERM)
            rest = list(lines)
    finally:
        echo.faults = Fault("delay", seconds=0.05)
    assert rest[-2:] == ["data: [DONE]", ""]
    assert expendable.process.wait(DEADLINE_S) == 0
    (entry,) = [one for one in expendable.journaled() if one["stream"] and one["route"] == "echo"][-1:]
    assert entry["code"] == "ok"


def ask_in_vain(gateway: Gateway) -> None:
    """A request that is in flight when everything ends; whether it is answered does not matter."""
    with contextlib.suppress(httpx2.HTTPError):
        gateway.ask(QUESTION, model="echo")


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{pid}")
