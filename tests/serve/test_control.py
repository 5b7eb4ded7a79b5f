"""The admin API over real sockets: a real control process, a real key store and journal, workers on unix sockets."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.client.admin import AdminClient
from roadworthy.client.transport import RemoteError
from roadworthy.core.ports import Entry
from roadworthy.gateway.keys import KeyStore
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.serve.rundir import ProcessRecord, RunDirectory, RunRecord, reserve

_spec = importlib.util.spec_from_file_location("stub_worker", Path(__file__).parent / "children" / "stub_worker.py")
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
StubWorker = _module.StubWorker

BREAKER = {"provider": "openai", "model": "gpt", "state": "open", "consecutive_failures": 3, "retry_in_s": 4.5}
MODE = {"mode": "creative", "state": "ramping", "share": 0.25, "p95_s": None}
STATUS = {
    "worker": 0, "pid": 4711, "uptime_s": 9.5, "requests_in_flight": 2, "connections": 5, "breakers": [BREAKER],
    "modes": [MODE], "cache": {"enabled": True, "entries": 5},
}  # fmt: skip


class Control:
    """A running control process."""

    def __init__(self, state_dir: Path, workers: int = 2) -> None:
        self.state_dir = state_dir
        reading, writing = os.pipe()
        with reserve("127.0.0.1", 0, "control.port") as held:
            self.port = held.getsockname()[1]
            settings = {"host": "127.0.0.1", "port": self.port, "state_dir": str(state_dir), "workers": workers}
            with open(writing, "wb") as pipe:
                pipe.write(json.dumps(settings).encode())
            self.process = subprocess.Popen(
                [sys.executable, "-m", "roadworthy.serve.control", "--settings-fd", str(reading)],
                pass_fds=(reading,),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            os.close(reading)
            self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + 15
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, self.process.communicate()[0].decode()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def call(
        self,
        method: str,
        path: str,
        key: str | None = None,
        body: object = None,
        header: str | None = None,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        headers = {"authorization": header or f"Bearer {key}"} if key or header else {}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)) as connection:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            text = answer.read()
            told = json.loads(text) if text else {}
            return answer.status, told, {name.lower(): value for name, value in answer.getheaders()}

    def close(self) -> str:
        self.process.terminate()
        return self.process.communicate(timeout=15)[0].decode()


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("control")


@pytest.fixture(scope="module")
def keys(state_dir: Path) -> dict[str, str]:
    """Secrets by what they are good for, and the journal's first entries."""
    journal = SqliteJournal(state_dir / "state.db", TextMasker())
    store = KeyStore(state_dir / "state.db", journal)
    made = {scope: store.create(scope, [scope])[1] for scope in ("admin", "operate", "use")}
    made["revoked"] = store.create("revoked", ["admin"])[1]
    store.revoke("revoked")
    store.close()
    journal.append([Entry("request.finished", 1.0, b'{"detail":"mail ann@example.com"}')])
    journal.close()
    return made


@pytest.fixture(scope="module")
def control(state_dir: Path, keys: dict[str, str]) -> Iterator[Control]:
    """Worker 0 answers, worker 1 is not there."""
    run_directory = RunDirectory(state_dir)
    run_directory.acquire()
    children = (
        ProcessRecord("edge-0", "running", 4711, 0, "", 1.0),
        ProcessRecord("edge-1", "waiting", None, 3, "x", 1.0),
    )
    run_directory.write(RunRecord(1234, 1.0, children))
    worker = StubWorker(state_dir / "run" / "edge-0.sock", {
        "GET /internal/status": (200, STATUS),
        "POST /internal/breakers/reset": (200, {"reset": 1}),
        "POST /internal/keys/reload": (200, {"keys": 3}),
        "POST /internal/cache/clear": (200, {"cleared": 5}),
    })  # fmt: skip
    running = Control(state_dir)
    running.worker = worker  # type: ignore[attr-defined]
    yield running
    output = running.close()
    worker.close()
    run_directory.release()
    for secret in keys.values():
        assert secret not in output
    assert output == ""


EVERY_PATH = [
    ("GET", "/admin/status"), ("GET", "/admin/breakers"), ("GET", "/admin/modes"),
    ("POST", "/admin/breakers/reset"), ("GET", "/admin/keys"),
    ("POST", "/admin/keys"), ("POST", "/admin/keys/x/revoke"), ("POST", "/admin/keys/x/rotate"),
    ("POST", "/admin/keys/reload"), ("DELETE", "/admin/keys/x"), ("GET", "/admin/journal"),
    ("GET", "/admin/journal/verify"), ("GET", "/admin/cache"), ("POST", "/admin/cache/clear"),
    ("GET", "/"), ("GET", "/admin"), ("GET", "/admin/status/"), ("GET", "/nothing"),
    ("PUT", "/admin/keys"), ("OPTIONS", "/admin/keys"), ("GET", "//admin/status"), ("GET", "/%61dmin/status"),
    ("GET", "/../admin/status"), ("POST", "/docs"), ("TRACE", "/admin/status"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), EVERY_PATH)
@pytest.mark.parametrize(("who", "status", "code"), [
    (None, 401, "unauthorized"), ("nonsense", 401, "unauthorized"), ("revoked", 401, "unauthorized"),
    ("use", 403, "forbidden"), ("operate", 403, "forbidden"),
])  # fmt: skip
def test_only_admins_reach_any_path(
    control: Control,
    keys: dict[str, str],
    method: str,
    path: str,
    who: str | None,
    status: int,
    code: str,
) -> None:
    given, told, headers = control.call(method, path, keys.get(who, who) if who else None)
    assert (given, told["error"]["code"]) == (status, code)
    assert set(told["error"]) >= {"message", "type", "param", "code", "why", "mend", "request_id"}
    assert headers["x-request-id"] == told["error"]["request_id"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic {}", "Bearer  ", "Token {}", "{}", "Bearer \xff\xfe"])
def test_headers_that_are_no_bearer_key_are_refused(control: Control, keys: dict[str, str], header: str) -> None:
    assert control.call("GET", "/admin/status", header=header.format(keys["admin"]))[0] == 401


@pytest.mark.parametrize("scope", [None, "use", "operate"])
def test_without_an_admin_key_every_path_is_off(tmp_path: Path, scope: str | None) -> None:
    secret = "rw_" + "x" * 43
    if scope:
        store = KeyStore(tmp_path / "state.db")
        secret = store.create("other", [scope])[1]
        store.close()
    control = Control(tmp_path)
    try:
        for method, path in EVERY_PATH:
            for key in (None, secret):
                status, told, _ = control.call(method, path, key)
                assert (status, told["error"]["code"]) == (403, "admin_disabled"), (method, path)
        # A key made meanwhile opens the door without a restart.
        store = KeyStore(tmp_path / "state.db")
        admin = store.create("root", ["admin"])[1]
        store.close()
        assert control.call("GET", "/admin/keys", admin)[0] == 200
    finally:
        control.close()


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/nothing", 404, "not_found"), ("GET", "/", 404, "not_found"),
    ("PUT", "/admin/keys", 405, "method_not_allowed"),
    ("POST", "/admin/keys/key_nope/revoke", 404, "not_found"), ("DELETE", "/admin/keys/key_nope", 404, "not_found"),
    ("GET", "/admin/journal?limit=0", 400, "invalid_request"),
    ("GET", "/admin/journal?after=x", 400, "invalid_request"),
    ("GET", "/admin/journal?after=99999999999999999999", 400, "invalid_request"),
    ("GET", "/admin/journal?limit=1001", 400, "invalid_request"),
])  # fmt: skip
def test_what_admins_ask_wrongly_is_told(
    control: Control,
    keys: dict[str, str],
    method: str,
    path: str,
    status: int,
    code: str,
) -> None:
    given, told, _ = control.call(method, path, keys["admin"])
    assert (given, told["error"]["code"]) == (status, code)


@pytest.mark.parametrize(("body", "status"), [
    (b"{", 400), (b"[]", 400), (b"null", 400), (b'{"name":7,"scopes":["use"]}', 400), (b"\xff", 400),
    (b"[" * 40000, 400),
    ({"name": "x"}, 400), ({"name": "x", "scopes": ["root"]}, 400), ({"name": "", "scopes": ["use"]}, 400),
    ({"name": "x", "scopes": ["use"], "extra": 1}, 400), (b'{"name":"' + b"n" * 70_000 + b'"}', 413),
    ({"name": "admin", "scopes": ["use"]}, 400),
])  # fmt: skip
def test_bad_bodies_make_no_key(control: Control, keys: dict[str, str], body: object, status: int) -> None:
    before = control.call("GET", "/admin/keys", keys["admin"])[1]
    given, told, _ = control.call("POST", "/admin/keys", keys["admin"], body)
    assert given == status
    assert told["error"]["mend"]
    assert control.call("GET", "/admin/keys", keys["admin"])[1] == before


def test_status_shows_a_silent_worker_as_unknown(control: Control, keys: dict[str, str]) -> None:
    status, told, headers = control.call("GET", "/admin/status", keys["admin"])
    assert status == 200
    assert headers["cache-control"] == "no-store"
    assert told["supervisor"]["pid"] == 1234
    assert [process["state"] for process in told["processes"]] == ["running", "waiting"]
    known, unknown = told["workers"]
    assert (known["pid"], known["requests_in_flight"], known["error"]) == (4711, 2, None)
    assert (unknown["worker"], unknown["connections"], unknown["uptime_s"]) == (1, None, None)
    assert "does not answer" in unknown["error"]


def test_breakers_are_shown_and_reset(control: Control, keys: dict[str, str]) -> None:
    told = control.call("GET", "/admin/breakers", keys["admin"])[1]
    assert told == {"breakers": [{"worker": 0, **BREAKER}], "unknown_workers": [1]}
    body = {"provider": "openai", "model": "gpt"}
    assert control.call("POST", "/admin/breakers/reset", keys["admin"], body)[1] == {"reset": 1, "unknown_workers": [1]}
    assert ("POST /internal/breakers/reset", body) in control.worker.asked  # type: ignore[attr-defined]
    assert control.call("POST", "/admin/breakers/reset", keys["admin"], {"model": "gpt"})[0] == 400


def test_modes_of_every_worker(control: Control, keys: dict[str, str]) -> None:
    told = control.call("GET", "/admin/modes", keys["admin"])[1]
    assert told == {"modes": [{"worker": 0, **MODE}], "unknown_workers": [1]}
    assert control.call("GET", "/admin/modes")[0] == 401


def test_caches_are_shown_and_cleared(control: Control, keys: dict[str, str]) -> None:
    told = control.call("GET", "/admin/cache", keys["admin"])[1]
    assert told == {"caches": [{"worker": 0, "enabled": True, "entries": 5}], "unknown_workers": [1]}
    assert control.call("POST", "/admin/cache/clear", keys["admin"], {})[1] == {"cleared": 5, "unknown_workers": [1]}
    entries = control.call("GET", "/admin/journal?kind=cache.", keys["admin"])[1]["entries"]
    assert entries[-1]["payload"]["cleared"] == 5


def test_our_own_client_understands_every_answer(control: Control, keys: dict[str, str]) -> None:
    with AdminClient(f"http://127.0.0.1:{control.port}", keys["admin"]) as admin:
        status = admin.status()
        assert [worker.worker for worker in status.workers] == [0, 1]
        assert [breaker.state for breaker in status.breakers] == ["open"]
        assert [breaker.provider for breaker in admin.breakers()] == ["openai"]
        assert [(mode.state, mode.share) for mode in admin.modes()] == [("ramping", 0.25)]
        assert admin.reset_breaker() == 1
        assert admin.reload_keys() == 1
        key, secret = admin.create_key("ci", ["use"])
        assert secret.startswith("rw_")
        assert key.state == "active"
        again, fresh = admin.rotate_key(key.id, 60)
        assert (again.id, fresh != secret) == (key.id, True)
        assert admin.revoke_key(key.id).state == "revoked"
        listed = admin.keys()
        assert {"admin", "ci", "use"} <= {known.name for known in listed}
        entries = admin.journal(limit=50)
        assert "***EMAIL_MASKED***" in json.dumps([dict(entry.payload) for entry in entries])
        assert [entry.kind for entry in admin.journal(limit=1)] == ["key.revoked"]
    with AdminClient(f"http://127.0.0.1:{control.port}", keys["use"]) as guest, pytest.raises(RemoteError) as caught:
        guest.keys()
    assert caught.value.code == "forbidden"


def test_the_journal_is_read_by_place_and_kind_and_verified(control: Control, keys: dict[str, str]) -> None:
    first = control.call("GET", "/admin/journal?after=0&limit=2", keys["admin"])[1]["entries"]
    assert [entry["sequence"] for entry in first] == [1, 2]
    only = control.call("GET", "/admin/journal?after=0&kind=request.", keys["admin"])[1]["entries"]
    assert [entry["payload"] for entry in only] == [{"detail": "mail ***EMAIL_MASKED***"}]
    told = control.call("GET", "/admin/journal/verify", keys["admin"])[1]
    assert told["whole"] is True
    assert told["entries"] >= 3


def test_a_secret_is_shown_once(control: Control, keys: dict[str, str]) -> None:
    secret = control.call("POST", "/admin/keys", keys["admin"], {"name": "once", "scopes": ["use"]})[1]["secret"]
    everything = [control.call("GET", path, keys["admin"])[1] for path in ("/admin/keys", "/admin/journal?limit=1000")]
    assert secret not in json.dumps(everything)


def test_nothing_is_reset_when_no_worker_answers(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "state.db")
    secret = store.create("root", ["admin"])[1]
    store.close()
    control = Control(tmp_path, workers=1)
    try:
        status, told, _ = control.call("POST", "/admin/breakers/reset", secret, {"provider": "openai"})
        assert (status, told["error"]["code"]) == (503, "gateway_unreachable")
        assert control.call("GET", "/admin/status", secret)[1]["processes"] is None
    finally:
        control.close()


def test_a_worker_that_talks_nonsense_is_unknown(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "state.db")
    secret = store.create("root", ["admin"])[1]
    store.close()
    control = Control(tmp_path, workers=1)
    try:
        for answer in ((500, b"<html>"), (200, b"[1]"), (200, b"{"), (200, b"\xff\xfe")):
            worker = StubWorker(tmp_path / "run" / "edge-0.sock", {"GET /internal/status": answer})
            try:
                told = control.call("GET", "/admin/status", secret)[1]
            finally:
                worker.close()
            assert told["workers"][0]["error"], answer
            assert told["breakers"] == [], answer
            (tmp_path / "run" / "edge-0.sock").unlink(missing_ok=True)
    finally:
        control.close()
