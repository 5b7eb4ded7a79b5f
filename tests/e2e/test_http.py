"""curl, health and metrics of a real gateway."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rig import DEADLINE_S, Gateway, await_true, needs_model

MODEL = "smollm2-135m-instruct"
pytestmark = needs_model
BODY = '{"model": "chat", "messages": [{"role": "user", "content": "Name three colours."}], "max_tokens": 12%s}'


def curl(*words: str) -> tuple[str, str]:
    """Header and body as curl prints them with `-i`."""
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not installed")
    done = subprocess.run([program, "-s", "-i", "-N", *words], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    return head, body


def test_curl_plain(live: Gateway) -> None:
    head, body = curl(
        f"{live.url}/v1/chat/completions",
        "-H",
        "content-type: application/json",
        "-d",
        BODY % "",
    )
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert f"x-roadworthy-served-by: embedded/{MODEL}\n" in head
    answer = json.loads(body)
    assert answer["model"] == MODEL
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["roadworthy"]["attempts"][-1]["reason"] == "served"
    assert answer["roadworthy"]["stub_used"] is False


def test_curl_stream(live: Gateway) -> None:
    head, body = curl(
        f"{live.url}/v1/chat/completions",
        "-H",
        "content-type: application/json",
        "-d",
        BODY % ', "stream": true',
    )
    assert "content-type: text/event-stream" in head
    assert f"x-roadworthy-served-by: embedded/{MODEL}\n" in head
    events = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert {chunk["model"] for chunk in chunks} == {MODEL}
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]).strip()


def test_live_and_ready(live: Gateway) -> None:
    assert live.get("/livez").json() == {"status": "alive"}
    assert live.get("/readyz").json() == {"status": "ready"}


def test_health(live: Gateway) -> None:
    report = live.get("/health").json()
    assert report["status"] == "ok"
    assert report["journal"]["ok"] is True
    assert report["journal"]["dropped"] == 0
    states = {f"{target['provider']}/{target['model']}": target["state"] for target in report["targets"]}
    assert states[f"embedded/{MODEL}"] == "closed"


def test_live_health_asks_the_real_model(live: Gateway) -> None:
    report = live.get("/health/llm").json()
    assert report["ok"] is True
    assert report["used_stub"] is False
    assert report["served_by"] == f"embedded/{MODEL}"
    assert report["latency_ms"] > 0


def test_metrics_are_prometheus_text_and_count_this_request(live: Gateway) -> None:
    pinned = f"embedded/{MODEL}"  # no test before this one asks for it, so that none is counted late

    def served() -> float:
        families = {family.name: family for family in text_string_to_metric_families(live.get("/metrics").text)}
        return sum(
            sample.value for sample in families["roadworthy_requests"].samples
            if sample.labels["route"] == pinned and sample.labels["code"] == "ok"
        )  # fmt: skip

    before = served()
    assert live.ask(model=pinned, max_tokens=4).status_code == 200
    await_true(lambda: served() == before + 1, "the request was not counted")
    text = live.get("/metrics").text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {
        "http_request_duration_seconds",
        "roadworthy_attempts",
        "stub_served",
        "roadworthy_breaker_state",
        "gen_ai_server_time_to_first_token",
        "roadworthy_journal_dropped",
        "process_resident_memory_bytes",
    } <= names
    workers = {line.partition('worker="')[2][:1] for line in text.splitlines() if "roadworthy_build_info{" in line}
    assert workers == {"0", "1"}


def test_a_request_is_in_log_and_journal_under_its_id(live: Gateway) -> None:
    identity = live.ask(max_tokens=4).headers["x-request-id"]
    await_true(lambda: [one for one in live.events("request") if one["request_id"] == identity])
    entries = [one for one in live.journaled() if one["request_id"] == identity]
    assert len(entries) == 1
    assert entries[0]["served_by"] == f"embedded/{MODEL}"
    assert "Name three colours" not in json.dumps(entries)
