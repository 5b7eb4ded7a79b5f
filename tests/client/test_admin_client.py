"""The client of the admin API against a real socket."""

from collections.abc import Iterator

import pytest

from doubles.scripted_server import Say, ScriptedServer, serving
from roadworthy.client.admin import AdminClient
from roadworthy.client.record import JournalEntry
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import GatewayError

KEY = {"id": "key_1", "name": "ci", "scopes": ["use"], "created_at": 1.0, "expires_at": None, "state": "active"}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[AdminClient]:
    with AdminClient(server.url, "rw_admin", timeout_s=5) as client:
        yield client


def test_status_gathers_the_breakers_of_all_workers(server: ScriptedServer, client: AdminClient) -> None:
    breaker = {"provider": "a", "model": "m", "state": "open", "consecutive_failures": 3, "retry_in_s": 4.5}
    server.script["GET /admin/status"] = Say(
        {
            "workers": [
                {
                    "worker": 0,
                    "pid": 7,
                    "uptime_s": 1.5,
                    "requests_in_flight": 0,
                    "connections": 2,
                    "breakers": [breaker],
                },
                {"worker": 1, "error": "does not answer"},
            ]
        }
    )
    status = client.status()
    assert (status.workers[0].pid, status.workers[0].requests_in_flight) == (7, 0)
    assert (status.workers[1].pid, status.workers[1].error) == (None, "does not answer")
    assert (status.breakers[0].worker, status.breakers[0].state, status.breakers[0].window_size) == (0, "open", None)


def test_breakers_are_listed_and_reset(server: ScriptedServer, client: AdminClient) -> None:
    breaker = {"worker": 2, "provider": "a", "model": "m", "state": "closed"}
    server.script["GET /admin/breakers"] = Say({"breakers": [breaker]})
    assert client.breakers()[0].worker == 2
    server.script["POST /admin/breakers/reset"] = Say({"reset": 4})
    assert client.reset_breaker("a") == 4
    assert server.last.body == {"provider": "a", "model": None}
    assert server.last.headers["authorization"] == "Bearer rw_admin"


def test_modes_of_all_workers(server: ScriptedServer, client: AdminClient) -> None:
    server.script["GET /admin/modes"] = Say(
        {
            "modes": [
                {
                    "worker": 1,
                    "mode": "creative",
                    "state": "down",
                    "cause": "p95_over_limit",
                    "p95_s": 7,
                    "window": "x",
                },
            ]
        }
    )
    (mode,) = client.modes()
    assert (mode.worker, mode.mode, mode.state, mode.cause, mode.p95_s) == (1, "creative", "down", "p95_over_limit", 7)
    assert (mode.window, mode.climb_in_s, mode.why) == (None, None, "")


def test_keys(server: ScriptedServer, client: AdminClient) -> None:
    server.script["GET /admin/keys"] = Say({"keys": [KEY]})
    assert client.keys()[0].scopes == ("use",)
    server.script["POST /admin/keys"] = Say({"key": KEY, "secret": "rw_x"}, 201)
    made, secret = client.create_key("ci", ["use"], 60)
    assert (made.id, secret) == ("key_1", "rw_x")
    assert server.last.body == {"name": "ci", "scopes": ["use"], "expires_s": 60}
    server.script["DELETE /admin/keys/a%2Fb"] = Say({"key": {**KEY, "state": "revoked"}})
    assert client.revoke_key("a/b").state == "revoked"
    server.script["POST /admin/keys/ci/rotate"] = Say({"key": KEY, "secret": "rw_y"})
    assert client.rotate_key("ci", 5)[1] == "rw_y"
    assert server.last.body == {"overlap_s": 5}
    server.script["POST /admin/keys/reload"] = Say({"workers": 2})
    assert client.reload_keys() == 2


def test_journal(server: ScriptedServer, client: AdminClient) -> None:
    entry = {"sequence": 3, "kind": "key.created", "at": 1.5, "payload": {"id": "key_1"}}
    server.script["GET /admin/journal?limit=5&after=2"] = Say({"entries": [entry]})
    assert client.journal(5, after=2) == (JournalEntry(3, "key.created", 1.5, {"id": "key_1"}),)


def test_an_answer_without_what_matters_is_no_success(server: ScriptedServer, client: AdminClient) -> None:
    server.script["POST /admin/keys"] = Say({"key": KEY})
    with pytest.raises(GatewayError, match="does not speak") as caught:
        client.create_key("ci", ["use"])
    assert caught.value.code == "gateway_unreachable"
    server.script["POST /admin/breakers/reset"] = Say({"reset": True})
    with pytest.raises(GatewayError, match="does not speak"):
        client.reset_breaker()


def test_a_refusal_keeps_its_code(server: ScriptedServer, client: AdminClient) -> None:
    server.script["GET /admin/status"] = Say({"error": {"code": "admin_disabled", "message": "Off.", "why": ""}}, 403)
    with pytest.raises(RemoteError) as caught:
        client.status()
    assert (caught.value.code, caught.value.what) == ("admin_disabled", "Off.")
