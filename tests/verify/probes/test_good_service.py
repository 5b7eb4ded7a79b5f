"""Each probe of a service on one that keeps its promises: the product's own edge beside the doubles of the probe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rig.naive_gateway import Naive
from rig.verify_service import CONFIG, LOCKED, MODES, SHARED
from roadworthy.verify.outcome import Outcome, Status

Verified = Callable[..., Outcome]
KEY = "rw_of_the_test"
long = pytest.mark.long


class Sound(Naive):
    """Answers as it should on what probes ask of the running service itself."""

    stubs = 0
    same = False
    stub_used: object = False
    metric = "stub_served_total"

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path in ("/livez", "/v1/models"):
            return super().do_GET()
        if path == "/metrics":
            return self.say(200, f"# HELP {self.metric} x\n{self.metric} {self.stubs}\n".encode(), "text/plain")
        return self.say(404, b'{"error": {"code": "not_found", "message": "no"}}')

    do_DELETE = do_OPTIONS = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("origin"):
            return self.say(403, b'{"error": {"code": "forbidden", "message": "no"}}')
        text = "The same." if self.same else f"An answer to {len(body)} bytes about {body[-60:].hex()}"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        told = {
            "choices": [choice],
            "model": "m",
            "roadworthy": {"stub_used": self.stub_used, "attempts": [], "quality": "passed"},
        }
        self.say(200, json.dumps(told).encode())
        return None

    def say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Locked(Sound):
    """Asks for a key everywhere but where it need not."""

    def handle_one_request(self) -> None:
        self.open = ("/livez", "/readyz")
        super().handle_one_request()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.path in self.open or self.headers.get("authorization") == f"Bearer {KEY}":
            return True
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.say(401, b'{"error": {"code": "unauthorized", "message": "no"}}')
        return False


@pytest.mark.parametrize(
    ("flaw", "status", "rules"),
    [
        ({}, "pass", set()),
        ({"stubs": 1}, "fail", {"stubs_served"}),
        ({"same": True}, "fail", {"same_answer"}),
        ({"stub_used": True}, "fail", {"stub_used"}),
        ({"stub_used": None}, "not_measured", set()),
        ({"metric": "other_total"}, "not_measured", set()),
    ],
)
def test_switches(
    flaw: dict[str, Any], status: str, rules: set[str], verified: Verified, running: Callable[..., str]
) -> None:
    outcome = verified("SEC-08", service=running(handler=type("Flawed", (Sound,), flaw)))
    assert outcome.status == status, outcome
    assert {each.rule for each in outcome.findings} == rules


def test_a_service_that_answers_on_debug_paths_and_with_placeholders_fails(
    verified: Verified, running: Callable[..., str]
) -> None:
    outcome = verified("SEC-08", service=running(flaw="stub"))
    assert outcome.status is Status.FAIL
    assert {"answers_anything", "debug_path", "stub_text", "same_answer"} <= {each.rule for each in outcome.findings}


@pytest.mark.parametrize(
    ("handler", "config", "settings", "status", "rules"),
    [
        (Sound, CONFIG, {"egress": []}, "pass", set()),
        (Sound, CONFIG, {}, "not_measured", set()),
        (Naive, CONFIG, {"egress": []}, "fail", {"cors"}),
        (
            Sound,
            CONFIG.replace('"http://127.0.0.1:9/v1"', '"https://api.elsewhere.example/v1"', 1),
            {"egress": ["x.example"]},
            "fail",
            {"egress"},
        ),
        (
            Sound,
            CONFIG.replace("gateway:", "gateway:\n  host: 0.0.0.0\n  require_key: true"),
            {"egress": []},
            "fail",
            {"tls"},
        ),
        (
            Sound,
            CONFIG.replace("gateway:", "gateway:\n  host: 0.0.0.0\n  require_key: true"),
            {"egress": [], "tls": "nginx"},
            "pass",
            set(),
        ),
    ],
)
def test_network(
    handler: type[Naive],
    config: str,
    settings: dict[str, Any],
    status: str,
    rules: set[str],
    verified: Verified,
    running: Callable[..., str],
) -> None:
    outcome = verified("SEC-07", service=running(config, handler), **settings)
    assert outcome.status == status, outcome
    assert {each.rule for each in outcome.findings} == rules


@long
def test_an_edge_that_asks_for_keys(
    verified: Verified, running: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADWORTHY_API_KEY", KEY)
    outcome = verified("SEC-05", service=running(LOCKED + "control: {enabled: false}\n", Locked))
    assert outcome.status is Status.PASS, repr(outcome)
    assert outcome.coverage is not None
    assert outcome.coverage.examined > 40


@pytest.mark.slow
def test_hostile_clients_of_an_edge_that_asks_for_keys_have_one(
    verified: Verified, running: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADWORTHY_API_KEY", KEY)
    outcome = verified("SEC-06", service=running(LOCKED + "control: {enabled: false}\n", Locked), timeout_s=150.0)
    assert outcome.status is Status.PASS, outcome


@pytest.mark.parametrize(
    ("check", "config", "settings"),
    [
        pytest.param("LLM-01", CONFIG, {}, marks=pytest.mark.slow),
        ("PII-02", CONFIG, {}),
        pytest.param("REL-04", CONFIG, {"requests": 100}, marks=long),
        pytest.param("LLM-02", MODES, {}, marks=long),
        pytest.param("LLM-07", CONFIG, {}, marks=long),
        pytest.param("LLM-08", CONFIG, {"questions": 50}, marks=long),
        pytest.param("LLM-10", CONFIG, {}, marks=long),
        pytest.param("OBS-01", CONFIG, {}, marks=long),
        pytest.param("PER-01", CONFIG, {"provider_s": 0.02, "p99_s": 5.0, "rate_per_s": 200}, marks=long),
        pytest.param("QUA-04", CONFIG, {}, marks=long),
        pytest.param("REL-01", CONFIG, {"scenarios": ["all_down", "flapping"]}, marks=long),
        pytest.param("REL-01", CONFIG, {"scenarios": ["disk_full", "database_away"]}, marks=pytest.mark.slow),
        pytest.param("REL-01", CONFIG, {"scenarios": ["clock_jump", "full_degradation"]}, marks=long),
        pytest.param("REL-01", MODES, {"scenarios": ["full_degradation", "cache_away"]}, marks=long),
        pytest.param("REL-01", SHARED, {"scenarios": ["cache_away"]}, marks=long),
        pytest.param("REL-02", CONFIG, {"tolerance": 0.5}, marks=long),
        pytest.param("REL-03", MODES, {}, marks=long),
        pytest.param("REL-05", CONFIG, {"goodput": 0.5}, marks=long),
        pytest.param("REL-06", CONFIG, {}, marks=long),
        pytest.param("REL-08", CONFIG, {}, marks=pytest.mark.slow),
        pytest.param("REL-10", CONFIG, {"batches": 3}, marks=pytest.mark.slow),
        pytest.param("REL-10", CONFIG + "jobs: {enabled: false}\n", {}, marks=long),
        pytest.param("SEC-03", CONFIG, {}, marks=long),
    ],
)
def test_the_products_own_edge_passes(
    check: str, config: str, settings: dict[str, Any], verified: Verified, running: Callable[..., str], tmp_path: Path
) -> None:
    outcome = verified(check, service=running(config, Sound), timeout_s=150.0, **settings)
    assert outcome.status is Status.PASS, repr(outcome)
    assert outcome.coverage is not None
    assert outcome.coverage.complete


@pytest.mark.slow
def test_scenarios_that_nothing_can_execute_are_not_measured(verified: Verified, running: Callable[..., str]) -> None:
    outcome = verified("REL-01", service=running(CONFIG, Sound), scenarios=["provider_errors", "earthquake"])
    assert outcome.status is Status.NOT_MEASURED, outcome
    assert "earthquake" in outcome.reason


@pytest.mark.parametrize(
    ("check", "config"), [("LLM-08", CONFIG.replace("enabled: true", "enabled: false")), ("REL-03", CONFIG)]
)
def test_what_the_configuration_does_not_have_does_not_apply(
    check: str, config: str, verified: Verified, running: Callable[..., str]
) -> None:
    outcome = verified(check, service=running(config, Sound))
    assert outcome.status is Status.NOT_APPLICABLE, outcome
