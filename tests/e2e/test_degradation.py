"""The full degradation path on a running gateway: creative, balanced, fast, a stale answer, 503, and back up.

Creative and balanced are doubles of a paid API, fast is the embedded model. Nothing in the gateway is told what goes
wrong: the doubles become slow and fail, and the model's process is stopped. Run with `-s` to read the timeline.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import doubles
from doubles import Fault
from rig import Gateway
from rig.gateway import MODEL, needs_model

pytestmark = [pytest.mark.slow, needs_model]

CONFIG = """
version: 1
gateway:
  providers:
    large: {{kind: openai, base_url: "{large}", api_key: "env:DOUBLE_KEY"}}
    small: {{kind: openai, base_url: "{small}", api_key: "env:DOUBLE_KEY"}}
    local: {{kind: embedded}}
  routes:
    chat: {{chain: [large/gpt-4.1]}}
  modes:
    creative:
      roles: {{answer: [large/gpt-4.1]}}
      parameters: {{temperature: 0.9}}
      timeout_s: 10
      objective: null
      downshift: {{p95_s: 1.5, slow_requests: 3, latency_window_s: 10}}
      recovery: {recovery}
    balanced:
      roles: {{answer: [small/gpt-4.1-mini]}}
      parameters: {{temperature: 0.5}}
      timeout_s: 10
      objective: null
      downshift: {{p95_s: null}}
      recovery: {recovery}
    fast:
      roles: {{answer: [local/{model}]}}
      parameters: {{temperature: 0, max_new_tokens: 16}}
      timeout_s: 5
      objective: null
      downshift: {{p95_s: null}}
      recovery: {recovery}
  cache: {{enabled: true, ttl_s: {{start: 1, min: 1, max: 1}}}}
  retry: {{max_tries: 1}}
  breaker: {{open_s: 2}}
"""
RECOVERY = "{climb_after_s: 2, dwell_s: 0.5, probes: 2}"
KNOWN = "Which notes open a citrus perfume?"
LIMIT_S = 180.0


class Drill:
    """Asks for creative until it is served as expected, and remembers how each answer came about."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.asked = 0

    def ask(self, text: str = "") -> httpx2.Response:
        self.asked += 1
        return self.gateway.ask(text or f"Name {self.asked} colours.", model="creative", max_tokens=12)

    def until(self, served: str, text: str = "", resting: bool = False) -> dict[str, Any]:
        """Go on asking until the mode serves; every answer on the way must be whole, or tell when to come back."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            answer = self.ask(text)
            if resting and answer.status_code == 503:  # the breakers stay open for their two seconds
                assert int(answer.headers["retry-after"]) >= 1
                assert time.monotonic() < deadline
                time.sleep(0.2)
                continue
            assert answer.status_code == 200, answer.text
            extra: dict[str, Any] = answer.json()["roadworthy"]
            assert answer.json()["choices"][0]["message"]["content"].strip()
            if extra["mode_served"] == served and extra["cache"] == "miss":
                return extra
            assert time.monotonic() < deadline, extra
            time.sleep(0.05)


@pytest.fixture
def providers() -> Iterator[tuple[Any, Any]]:
    with doubles.openai() as large, doubles.openai() as small:
        yield large, small


def test_down_to_the_last_link_and_back_up(tmp_path: Path, providers: tuple[Any, Any]) -> None:
    large, small = providers
    config = CONFIG.format(large=large.base_url, small=small.base_url, model=MODEL, recovery=RECOVERY)
    with Gateway(tmp_path, config, environ={"DOUBLE_KEY": "test-key"}, workers=1) as gateway:
        drill = Drill(gateway)
        assert drill.until("creative", KNOWN)["mode_reason"] == ""

        large.faults = Fault("delay", seconds=2.0)
        assert drill.until("balanced")["mode_reason"] == "p95_over_limit"

        small.faults = large.faults = Fault("status", status=500)
        drill.until("fast")

        model = gateway.pids["model"]
        os.kill(model, signal.SIGSTOP)
        try:
            stale = _last_link(drill)
            assert stale["roadworthy"]["warning"]
            assert stale["roadworthy"]["age_s"] > 1
            refused = _nobody_left(drill)
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["x-roadworthy-mode"] == "emergency"
        finally:
            os.kill(model, signal.SIGCONT)

        drill.until("fast", resting=True)
        small.faults = None
        drill.until("balanced")
        large.faults = None
        drill.until("creative")
        print("\n" + "\n".join(_timeline(gateway)))
        seen = _steps(gateway)
    order = ["creative", "balanced", "fast", "stale", "llm_unavailable", "fast", "balanced", "creative"]
    rest = iter(seen)
    assert all(step in rest for step in order), seen  # in this order, others may stand between them


def _last_link(drill: Drill) -> dict[str, Any]:
    """The question that was answered before is answered again, marked, now that nobody can."""
    answer = drill.ask(KNOWN)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told["roadworthy"]["cache"] == "stale", told
    assert told["roadworthy"]["mode_served"] == "creative"
    assert answer.headers["x-roadworthy-cache"] == "stale"
    return told


def _nobody_left(drill: Drill) -> httpx2.Response:
    """A new question is refused at once when every breaker is open."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        answer = drill.ask()
        code = answer.json()["error"]["code"]
        if code == "llm_unavailable":
            assert answer.status_code == 503
            return answer
        assert (answer.status_code, code) == (502, "llm_chain_failed"), answer.text
        assert time.monotonic() < deadline


def _steps(gateway: Gateway) -> list[str]:
    """What each request ended with: the mode, `stale`, or the error."""
    return [
        one["code"] if one["code"] != "ok" else "stale" if one["cache"] == "stale" else one["mode_served"]
        for one in _requests(gateway)
    ]


def _requests(gateway: Gateway) -> list[dict[str, Any]]:
    """All but the gateway's own check at the start."""
    return [one for one in gateway.journaled() if one["route"] != "chat"]


def _timeline(gateway: Gateway) -> list[str]:
    """Runs of requests that fared alike, and the changes of modes between them, with seconds since the first."""
    rows = [
        (one["at"] + one["latency_ms"] / 1e3, f"request for creative: {step}")
        for one, step in zip(_requests(gateway), _steps(gateway), strict=True)
    ]
    for entry in gateway.cli("gateway", "journal", "tail", "-n", "10000", "--json").data["entries"]:
        if entry["kind"] == "mode.changed":
            one = entry["payload"]
            told = {"down": f" ({one['cause']})", "ramping": f" ({one['share']:.0%})"}.get(one["new"], "")
            rows.append((entry["at"], f"mode {one['mode']}: {one['old']} -> {one['new']}{told}"))
    rows.sort()
    lines: list[tuple[float, str, int]] = []
    for at, what in rows:
        if lines and lines[-1][1] == what:
            lines[-1] = (*lines[-1][:2], lines[-1][2] + 1)
        else:
            lines.append((at, what, 1))
    return [f"{at - rows[0][0]:7.2f} s  {what}" + (f"  x{times}" if times > 1 else "") for at, what, times in lines]
