"""The gateway of a state directory, asked through real unix sockets."""

import socket
from pathlib import Path

import pytest

from doubles.scripted_server import Say
from doubles.socket_server import workers
from roadworthy.client.local import LocalClient
from roadworthy.client.record import summarize
from roadworthy.core.errors import GatewayError


def breaker(state: str, failures: int, retry: float) -> dict[str, object]:
    return {
        "provider": "a",
        "model": "m",
        "state": state,
        "consecutive_failures": failures,
        "window_failures": 1,
        "window_size": 10,
        "retry_in_s": retry,
        "benched_s": 0.0,
    }


def test_all_workers_are_asked_and_summarised(tmp_path: Path) -> None:
    first = {"worker": 0, "pid": 5, "uptime_s": 1.0, "breakers": [breaker("closed", 0, 0)]}
    script = {"GET /internal/status": Say(first)}
    with workers(tmp_path, 2, script) as (_, second):
        second.script["GET /internal/status"] = Say({"worker": 1, "pid": 6, "breakers": [breaker("open", 3, 4.5)]})
        status = LocalClient(tmp_path).status()
    assert [(one.worker, one.pid, one.requests_in_flight) for one in status.workers] == [(0, 5, None), (1, 6, None)]
    (row,) = summarize(status.breakers)
    assert (row.state, row.open_workers, row.workers) == ("open", 1, 2)
    assert (row.consecutive_failures, row.retry_in_s, row.benched_s) == (3, 4.5, None)


def test_a_dead_worker_is_told_beside_the_living(tmp_path: Path) -> None:
    with workers(tmp_path, 1, {"GET /internal/status": Say({"worker": 0, "pid": 5})}):
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(tmp_path / "run" / "edge-1.sock"))
        status = LocalClient(tmp_path).status()
    assert status.workers[0].error == ""
    assert status.workers[1].worker == 1
    assert "edge-1.sock" in status.workers[1].error


def test_changes_reach_every_worker_and_are_counted(tmp_path: Path) -> None:
    script = {"POST /internal/breakers/reset": Say({"reset": 2}), "POST /internal/keys/reload": Say({"keys": 1})}
    with workers(tmp_path, 3, script) as found:
        assert LocalClient(tmp_path).reset_breaker("a", "m") == 6
        assert [server.last.body for server in found] == [{"provider": "a", "model": "m"}] * 3
        assert LocalClient(tmp_path).reload_keys() == 3


@pytest.mark.parametrize("dead", [0, 2])
def test_nobody_there_is_unreachable(tmp_path: Path, dead: int) -> None:
    (tmp_path / "run").mkdir()
    for number in range(dead):
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(tmp_path / "run" / f"edge-{number}.sock"))
    with pytest.raises(GatewayError, match="No gateway runs") as caught:
        LocalClient(tmp_path).status()
    assert caught.value.code == "gateway_unreachable"
    assert "roadworthy up" in caught.value.mend
