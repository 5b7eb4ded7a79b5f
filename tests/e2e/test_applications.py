"""Applications on a real gateway: their routes, tenants and jobs, and what happens when something is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from doubles import Fault
from raw_http import say
from rig import Echo, Gateway, await_true
from rig.applications import install, on_path

pytestmark = pytest.mark.slow
KEY = "double-key-91ce"
CONFIG = """
version: 1
gateway:
  require_key: true
  retry: {{base_s: 0.01, cap_s: 0.02}}
  providers:
    double: {{kind: openai, base_url: "{double}", api_key: "env:DOUBLE_KEY"}}
  routes:
    chat: {{chain: [double/gpt-4.1-mini], deadline_s: 20, try_timeout_s: 20}}
applications:
  shop: {{colour: red, shelves: [1, 2]}}
  off: {{enabled: false}}
  closed: {{broken: true}}
"""
EXAMPLE = Path(__file__).parents[2] / "examples" / "application" / "roadworthy_haiku.py"
BROKEN = "raise RuntimeError('the text of a bug is not shown')\n"
CLOSED = "from shop import Shop\n\nclass Closed(Shop):\n    name = 'closed'\n\nCLOSED = Closed()\n"
NAMES = {
    "shop": "shop:SHOP", "stall": "shop:STALL", "thief": "shop:THIEF", "off": "nowhere:X", "broken": "broken",
    "closed": "closed:CLOSED", "lost": "nowhere:X", "haiku": "roadworthy_haiku:HAIKU",
}  # fmt: skip
"""Those of this test; others may be installed beside them."""


@pytest.fixture(scope="module")
def double() -> Iterator[Any]:
    with Echo(api_key=KEY) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(double: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("applications")
    modules = {"broken": BROKEN, "closed": CLOSED, "roadworthy_haiku": EXAMPLE.read_text()}
    install(folder / "site", "shops", applications=NAMES, modules=modules)
    environ = {"DOUBLE_KEY": KEY, **on_path(folder / "site")}
    config = CONFIG.format(double=double.base_url)
    with Gateway(folder / "gateway", config, environ=environ, jobs=True, workers=1) as made:
        assert not (made.state / "jobs.db").exists()  # nothing of the jobs is loaded before somebody asks
        yield made


def client(gateway: Gateway, name: str) -> httpx2.Client:
    secret = gateway.cli("key", "create", name, "--scope", "use", "--json").data["secret"]
    headers = {"authorization": f"Bearer {secret}"}
    return httpx2.Client(base_url=gateway.url, headers=headers, trust_env=False, verify=False, timeout=60.0)


@pytest.fixture(scope="module")
def alice(gateway: Gateway) -> Iterator[httpx2.Client]:
    with client(gateway, "alice") as made:
        yield made


@pytest.fixture(scope="module")
def bob(gateway: Gateway) -> Iterator[httpx2.Client]:
    with client(gateway, "bob") as made:
        yield made


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_those_that_cannot_be_started_are_told_and_hurt_nobody(gateway: Gateway, alice: httpx2.Client) -> None:
    told = {one["name"]: one for one in alice.get("/api").json()["applications"] if one["name"] in NAMES}
    states = {name: one["state"] for name, one in told.items()}
    assert states == {
        "shop": "ready", "stall": "ready", "thief": "unavailable", "broken": "unavailable", "closed": "unavailable",
        "lost": "unavailable", "haiku": "ready",
    }  # fmt: skip
    assert told["shop"]["version"] == "1.2.3"
    assert "GET /api/shop/things/{id}" in told["shop"]["routes"]
    assert told["closed"]["error"] == {
        "code": "config_invalid", "what": "The shop is closed.", "why": "Somebody set `broken`.",
        "mend": "Take it out.",
    }  # fmt: skip
    assert "RuntimeError in broken.py:1" in told["broken"]["error"]["why"]
    assert "belongs to the application shop" in told["thief"]["error"]["why"]
    assert alice.get("/api/stall").json()["tenant"].startswith("key_")
    assert alice.get("/api/shop/things").json() == {"things": []}
    for name in ("broken", "closed", "lost", "thief"):
        assert gateway.err.count(f"application {name} is not available") == 1
    assert "the text of a bug" not in gateway.err
    assert code(alice.get("/api/elsewhere")) == (503, "application_unavailable")
    assert code(alice.get("/api/shop/elsewhere")) == (404, "not_found")
    health = alice.get("/health").json()
    assert [name for name in health["applications"] if name in NAMES] == [
        "broken",
        "closed",
        "haiku",
        "lost",
        "shop",
        "stall",
        "thief",
    ]


def test_a_call_carries_what_it_promises_and_no_more(alice: httpx2.Client) -> None:
    headers = {"idempotency-key": "k", "prefer": "respond-async, wait=5", "accept": "text/html", "rw-tenant": "bob",
               "cookie": "a=b", "x-request-id": "mine"}  # fmt: skip
    answer = alice.get("/api/shop/echo/a%20b/%ED%95%9C?x=1&x=%ED%95%9C&empty=", headers=headers)
    told = answer.json()
    assert told["path"] == {"word": "a b", "other": "한"}
    assert told["query"] == {"x": "한", "empty": ""}
    assert told["headers"] == {"idempotency-key": "k", "prefer": "respond-async, wait=5", "accept": "text/html"}
    assert told["tenant"].startswith("key_")
    assert told["request_id"] == answer.headers["x-request-id"] != "mine"
    assert (told["profile"], told["settings"]) == ("development", {"colour": "red", "shelves": [1, 2]})


def test_a_reply_keeps_its_status_and_its_lines(alice: httpx2.Client) -> None:
    made = alice.post("/api/shop/things", json={"id": "ladder", "price": 30})
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, "/api/shop/things/ladder", '"1"')
    again = alice.post("/api/shop/things", json={"id": "ladder", "price": 30})
    assert code(again) == (400, "invalid_request")
    assert again.json()["error"]["param"] == "id"
    file = alice.get("/api/shop/file?size=3000000")
    assert file.content == b"x" * 3_000_000
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["content-disposition"] == 'attachment; filename="a.pdf"'
    assert file.headers["x-content-type-options"] == "nosniff"
    assert alice.get("/api/shop/file?size=70000&status=422").status_code == 422


def test_a_reply_that_breaks_the_contract_is_a_bug_and_is_not_sent(gateway: Gateway, alice: httpx2.Client) -> None:
    for how in ("bug", "header", "unknown-header", "no-json", "status"):
        answer = alice.get(f"/api/shop/wrong/{how}")
        assert code(answer) == (500, "unexpected_error"), how
        assert "set-cookie" not in answer.headers
    assert code(alice.get("/api/shop/file?size=5000000&status=422")) == (500, "unexpected_error")
    assert code(alice.get("/api/shop/file?size=67108865")) == (500, "unexpected_error")
    assert "the caller's text" not in gateway.err


def test_records_of_one_tenant_are_not_there_for_another(alice: httpx2.Client, bob: httpx2.Client) -> None:
    alice.post("/api/shop/things", json={"id": "secret", "price": 1})
    assert code(bob.get("/api/shop/things/secret")) == (404, "not_found")
    assert bob.get("/api/shop/things").json() == {"things": []}
    assert bob.delete("/api/shop/things/secret").json() == {"deleted": False}
    assert bob.post("/api/shop/things", json={"id": "secret", "price": 2}).status_code == 201
    assert alice.get("/api/shop/things/secret").json() == {"price": 1}


def test_requests_are_counted_by_application(gateway: Gateway, alice: httpx2.Client) -> None:
    key = gateway.cli("key", "create", "watcher", "--scope", "operate", "--json").data["secret"]

    def counted() -> dict[tuple[str, str], float]:
        found = re.findall(r"^roadworthy_application_duration_seconds_count\{(.*)\} (\S+)$",
                           gateway.get("/metrics", key).text, re.MULTILINE)  # fmt: skip
        series = [(dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)) for labels, value in found]
        return {(labels["application"], labels["status"]): value for labels, value in series}

    before = counted()
    for path in ("/api/stall", "/api/shop/things", "/api/shop/things/none", "/api/shop/wrong/bug", "/api/shop/nope"):
        alice.get(path)
    after = counted()
    grown = {labels: value - before.get(labels, 0.0) for labels, value in after.items()}
    assert {labels: more for labels, more in grown.items() if more} == {
        ("stall", "2xx"): 1, ("shop", "2xx"): 1, ("shop", "4xx"): 1, ("shop", "5xx"): 1, ("none", "4xx"): 1,
    }  # fmt: skip


def test_without_a_key_nothing_is_served(gateway: Gateway) -> None:
    assert code(gateway.get("/api")) == (401, "unauthorized")
    assert code(gateway.get("/api/shop/things")) == (401, "unauthorized")
    assert code(gateway.get("/api/elsewhere")) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/api/shop/file", (405, "method_not_allowed")),
        ("PUT", "/api/shop/things", (405, "method_not_allowed")),
        ("OPTIONS", "/api/shop/things", (405, "method_not_allowed")),
        ("DELETE", "/api", (405, "method_not_allowed")),
        ("GET", "/apix", (404, "not_found")),
        ("GET", "/api-docs/x", (404, "not_found")),
        ("GET", "//api/shop/things", (404, "not_found")),
        ("GET", "/api/", (404, "not_found")),
        ("GET", "/api//shop/things", (404, "not_found")),
        ("GET", "/api/shop/things/", (404, "not_found")),
        ("GET", "/api/shop/../../internal/jobs", (404, "not_found")),
        ("GET", "/api/../internal/jobs", (404, "not_found")),
        ("GET", "/api/%2e%2e/internal/jobs", (404, "not_found")),
        ("GET", "/api/shop/things/..", (404, "not_found")),
        ("GET", "/api/shop/things/%2e%2e", (404, "not_found")),
        ("GET", "/api/shop/things/a%2fb", (404, "not_found")),
        ("GET", "/api/shop/things/a%5cb", (404, "not_found")),
        ("GET", "/api/shop%2fthings", (404, "not_found")),
        ("GET", "/api/shop/things/%00", (404, "not_found")),
        ("GET", "/api/shop/things/%ff", (404, "not_found")),
        ("GET", "/api/shop/echo/%zz/a%0d%0ab", (404, "not_found")),
        ("GET", "/api/shop/things?prefix=%ff", (400, "invalid_request")),
        ("GET", "/api/shop/things?" + "a=1&" * 101, (400, "invalid_request")),
        ("GET", "/api/shop/things/" + "a" * 3_000, (431, "request_too_large")),
        ("GET", "/api/shop/things/" + "a" * 300, (400, "invalid_request")),  # no id of a record
    ],
)
async def test_hostile_paths(gateway: Gateway, alice: httpx2.Client, method: str, path: str, told: Any) -> None:
    lines = f"host: x\r\nauthorization: {alice.headers['authorization']}\r\nconnection: close"
    heard = await say(gateway.port, f"{method} {path} HTTP/1.1\r\n{lines}\r\n\r\n".encode())
    [answer] = heard.answers
    assert (answer.status, answer.code) == told
    if path == "/api/shop/file":
        assert answer.headers["allow"] == "GET"


def test_a_body_may_have_one_mebibyte(alice: httpx2.Client) -> None:
    assert alice.post("/api/shop/echo", content=b"x" * 1_048_576).json()["body"] == 1_048_576
    assert code(alice.post("/api/shop/echo", content=b"x" * 1_048_577)) == (413, "request_too_large")

    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 65_536] * 17

    assert code(alice.post("/api/shop/echo", content=pieces())) == (413, "request_too_large")
    origin = {"origin": "https://example.com"}
    assert code(alice.post("/api/shop/echo", content=b"{}", headers=origin)) == (403, "forbidden")


def test_models_are_asked_in_the_name_of_the_tenant(gateway: Gateway, alice: httpx2.Client) -> None:
    body = {"model": "chat", "messages": [{"role": "user", "content": "say for-alice"}]}
    answer = alice.post("/api/shop/ask", json=body).json()
    assert "for-alice" in answer["choices"][0]["message"]["content"]
    asked = answer["roadworthy"]["request_id"]
    await_true(lambda: asked in {one["request_id"] for one in gateway.journaled()})
    [record] = [one for one in gateway.journaled() if one["request_id"] == asked]
    assert record["key_id"] == alice.get("/api/stall").json()["tenant"]
    assert code(alice.post("/api/shop/ask", json={**body, "model": "nope"})) == (404, "unknown_model")


def test_a_reply_that_is_not_there_yet_is_waited_for(gateway: Gateway, alice: httpx2.Client, tmp_path: Path) -> None:
    order = {"log": str(tmp_path / "log"), "step_s": 0.2}
    assert alice.post("/api/shop/orders", json={**order, "id": "waits"}).json() == {"state": "done"}
    late = alice.post("/api/shop/orders", json={**order, "id": "late", "step_s": 0.5, "wait_s": 0.3})
    assert (late.status_code, late.json()) == (202, {"state": "late"})
    at_once = alice.post("/api/shop/orders", json={**order, "id": "later"}, headers={"prefer": "respond-async"})
    assert (at_once.status_code, at_once.headers["preference-applied"]) == (202, "respond-async")
    for order_id in ("late", "later"):
        await_true(lambda name=order_id: alice.get(f"/api/shop/orders/{name}").json() == {"job": "done"})
    kinds = {one["kind"] for one in gateway.cli("gateway", "jobs", "list", "--json").data["jobs"]}
    assert "shop.order" in kinds


def test_whoever_hangs_up_does_not_stop_the_job(alice: httpx2.Client, tmp_path: Path) -> None:
    order = {"id": "gone", "log": str(tmp_path / "log"), "step_s": 0.4}
    assert alice.get("/api").status_code == 200  # whoever comes first waits for the worker's start
    with pytest.raises(httpx2.TimeoutException):
        alice.post("/api/shop/orders", json=order, timeout=0.3)
    await_true(lambda: alice.get("/api/shop/orders/gone").json() == {"job": "done"})
    assert _steps(tmp_path / "log") == Counter({"0": 1, "1": 1, "2": 1})


def _steps(log: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def _kill(gateway: Gateway, name: str) -> None:
    pid = gateway.pids[name]
    os.kill(pid, signal.SIGKILL)
    await_true(lambda: gateway.pids.get(name) not in {None, pid})


def test_a_killed_worker_goes_on_where_it_was(gateway: Gateway, alice: httpx2.Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    order = {"id": "killed", "log": str(log), "step_s": 0.6}
    answers: list[httpx2.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(alice.post("/api/shop/orders", json=order)))
    waiting.start()
    await_true(lambda: _steps(log)["1"])
    _kill(gateway, "worker")
    waiting.join(30)
    assert code(answers[0]) == (503, "worker_unavailable")
    assert answers[0].headers["retry-after"]
    await_true(lambda: alice.post("/api/shop/orders", json=order).status_code == 200)
    assert _steps(log) == Counter({"0": 1, "1": 2, "2": 1})
    assert alice.get("/api/shop/orders/killed").json() == {"job": "done"}


def test_a_killed_edge_is_waited_for(gateway: Gateway, alice: httpx2.Client, double: Any, tmp_path: Path) -> None:
    double.faults = Fault("delay", seconds=1.0)
    try:
        before = len(double.requests)
        order = {"id": "edge", "log": str(tmp_path / "log"), "ask": "say still-here"}
        alice.post("/api/shop/orders", json=order, headers={"prefer": "respond-async"})
        await_true(lambda: len(double.requests) > before)
        _kill(gateway, "edge-0")
        await_true(lambda: _job(alice, "edge") == "done")
    finally:
        double.faults = None
    assert len(double.requests) == before + 2  # the one that was lost with the edge, and its repetition


def _job(client: httpx2.Client, name: str) -> str | None:
    try:
        return json.loads(client.get(f"/api/shop/orders/{name}").content).get("job")
    except httpx2.TransportError:
        return None


def test_a_cancelled_job_stops_asking(alice: httpx2.Client, double: Any, tmp_path: Path) -> None:
    double.faults = Fault("delay", seconds=15.0)
    try:
        before, began = len(double.requests), time.monotonic()
        order = {"id": "stopped", "log": str(tmp_path / "log"), "ask": "say never"}
        alice.post("/api/shop/orders", json=order, headers={"prefer": "respond-async"})
        await_true(lambda: len(double.requests) > before)
        assert alice.delete("/api/shop/orders/stopped").json() == {"job": "cancelled"}
        await_true(lambda: alice.get("/health").json()["requests_in_flight"] == 0)
        assert time.monotonic() - began < 15.0
    finally:
        double.faults = None
    assert code(alice.delete("/api/shop/orders/nobodys")) == (404, "not_found")


def test_the_example_of_the_page_works(alice: httpx2.Client, bob: httpx2.Client, double: Any) -> None:
    before = len(double.requests)
    made = alice.post("/api/haiku", json={"word": "frog"})
    assert (made.status_code, made.json()["haiku"]) == (200, "You said: Write a haiku about: frog")
    assert alice.post("/api/haiku", json={"word": "frog"}).json() == made.json()
    assert len(double.requests) == before + 1
    assert alice.get(f"/api/haiku/{made.json()['id']}").json() == made.json()
    assert code(bob.get(f"/api/haiku/{made.json()['id']}")) == (404, "not_found")
    double.faults = Fault("empty_body")
    try:
        failed = alice.post("/api/haiku", json={"word": "toad"})
    finally:
        double.faults = None
    assert code(failed)[0] == 502
    assert "haiku" not in failed.json()
    for body in (b"", b"[]", b'{"word": 3}', b"[" * 100_000):
        assert code(alice.post("/api/haiku", content=body)) == (400, "invalid_request")
