"""kill -9 of every process, under load: it is started again, the others go on, and the journal stays whole."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from collections import Counter

import pytest

from rig import DEADLINE_S, Caller, Gateway, await_true, load, needs_model

pytestmark = [needs_model, pytest.mark.slow]
LEDGER_WINDOW_S = 1.0
"""A worker writes its records every 100 ms. What it answered in that last moment before a kill may be missing from the
journal (never double, never damaged); here ten times as much is allowed for a busy machine."""


def kill(gateway: Gateway, name: str) -> float:
    """Kill one process and wait until its successor runs; the moment of the kill."""
    pid = gateway.pids[name]
    moment = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    await_true(lambda: gateway.pids.get(name) not in {None, pid}, f"{name} was not started again")
    return moment


def check_journal(gateway: Gateway, callers: list[Caller], killed: int | None, moment: float) -> None:
    """Every answered request is in the journal exactly once, but for the killed worker's last moment."""
    answered = {one.identity: one for caller in callers for one in caller.requests if one.identity}
    must = {
        identity for identity, one in answered.items()
        if one.worker != killed or not moment - LEDGER_WINDOW_S <= one.ended <= moment + LEDGER_WINDOW_S
    }  # fmt: skip
    await_true(lambda: must <= {one["request_id"] for one in gateway.journaled()}, "requests are missing", 10)
    counts = Counter(one["request_id"] for one in gateway.journaled())
    assert [identity for identity in answered if counts[identity] > 1] == []
    assert gateway.cli("gateway", "journal", "verify").code == 0


def test_an_edge_is_killed_under_load(victim: Gateway) -> None:
    with load(victim, "echo") as callers:
        time.sleep(LEDGER_WINDOW_S + 0.5)
        moment = kill(victim, "edge-0")
        await_true(lambda: all(one.requests[-1].began > moment + 0.5 for one in callers))
    requests = [one for caller in callers for one in caller.requests]
    assert {one.status for one in requests if not one.failure} == {200}
    assert all(one.right for one in requests if one.status == 200), "somebody got the answer to another question"
    failed = [one for one in requests if one.failure]
    assert {one.worker for one in failed} == {0}
    assert len(failed) <= 8, "one for each connection of the killed worker, and one in its queue"
    assert all(one.ended >= moment for one in failed)
    check_journal(victim, callers, 0, moment)
    found = victim.cli("gateway", "status", "--json").data["workers"]
    assert [worker["error"] or None for worker in found] == [None, None]
    assert "edge-0 ended (killed by SIGKILL)" in victim.err


def test_the_control_process_is_killed_and_no_caller_notices(victim: Gateway) -> None:
    with load(victim, "echo") as callers:
        moment = kill(victim, "control")
        await_true(lambda: all(one.requests[-1].began > moment + 0.5 for one in callers))
    requests = [one for caller in callers for one in caller.requests]
    assert all(one.right for one in requests)
    check_journal(victim, callers, None, moment)

    def status() -> int:
        control = f"http://127.0.0.1:{victim.control_port}"
        words = ("gateway", "status", "--control-url", control)
        return victim.cli(*words, ROADWORTHY_ADMIN_KEY=victim.told["admin_key"]).code

    await_true(lambda: status() == 0, "the admin API did not come back")


def test_the_model_is_killed_in_the_middle_of_a_plain_request(victim: Gateway) -> None:
    found = []
    asking = threading.Thread(target=lambda: found.append(victim.ask("Tell a long story.", max_tokens=200)))
    before = len(victim.journaled())
    asking.start()
    await_true(lambda: in_flight(victim) == 1)
    time.sleep(0.2)
    kill(victim, "model")
    asking.join()
    (answer,) = found
    assert answer.status_code == 200, answer.text
    attempts = [one["reason"] for one in answer.json()["roadworthy"]["attempts"]]
    assert attempts[0] == "connection_cut"
    assert attempts[-1] == "served"
    await_true(lambda: len(victim.journaled()) == before + 1)
    assert victim.get("/readyz").status_code == 200


def test_the_model_is_killed_in_the_middle_of_a_stream(victim: Gateway) -> None:
    body = {"model": "chat", "stream": True, "max_tokens": 800,
            "messages": [{"role": "user", "content": "Tell a very long story."}]}  # fmt: skip
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", victim.port, timeout=DEADLINE_S)) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
        with connection.getresponse() as answer:
            assert answer.status == 200
            assert answer.readline().startswith(b"data: ")
            kill(victim, "model")
            with pytest.raises(http.client.IncompleteRead) as cut:
                answer.read()
    rest = cut.value.partial.decode()
    assert "[DONE]" not in rest
    event = json.loads(rest.rpartition("event: error\ndata: ")[2])
    assert event["error"]["code"] == "stream_incomplete"
    assert event["error"]["reason"] == "stream_cut"
    assert event["error"]["mend"]
    assert victim.ask(max_tokens=4).status_code == 200


def test_the_model_is_killed_under_load(victim: Gateway) -> None:
    with load(victim, "chat", per_worker=2, warm=1, max_tokens=16) as callers:
        moment = kill(victim, "model")
        await_true(lambda: all(one.requests[-1].began > moment + 1 for one in callers))
    requests = [one for caller in callers for one in caller.requests]
    assert Counter(one.failure or one.status for one in requests).keys() == {200}, requests
    check_journal(victim, callers, None, moment)


def in_flight(gateway: Gateway) -> int:
    """Requests in flight in all workers."""
    workers = gateway.cli("gateway", "status", "--json").data["workers"]
    return sum(worker["requests_in_flight"] or 0 for worker in workers)
