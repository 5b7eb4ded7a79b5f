"""Load on a port: what was asked, how fast it was answered, and what the gateway paid for it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import HERE, LOAD_CORE, busy_s, on_core, where

Sample = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """`clients` keep-alive connections, each asking again as soon as it has its answer (closed loop)."""

    name: str
    model: str
    clients: int
    stream: bool = False


SCENARIOS = (
    Scenario("plain-1", "mock-plain", 1),
    Scenario("plain-16", "mock-plain", 16),
    Scenario("plain-64", "mock-plain", 64),
    Scenario("slow-64", "mock-slow", 64),
    Scenario("stream-16", "mock-stream", 16, stream=True),
    Scenario("stream-64", "mock-stream", 64, stream=True),
)

_SYSTEM = (
    "You help the operators of a payment service. Answer in plain sentences, name what you do not know, "
    "and never guess the cause of an incident that is still open. "
)
_QUESTION = (
    "Write the update for the status page from these notes: at 09:12 the new version went to the first pool, "
    "at 09:15 the error rate of card payments rose from 0.2 to 4.1 percent, at 09:16 the rollout stopped by "
    "itself and the pool drained, at 09:19 all traffic was back on the previous version. Support counts 212 "
    "customers whose payment was refused once; none was charged twice. The second pool never had the new version, "
    "and the data team finds no gap in the ledger. "
)


def body(model: str, stream: bool = False) -> bytes:
    """A chat request of about 1 kB, as an ordinary client sends it."""
    request: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": _SYSTEM + _SYSTEM},
            {"role": "user", "content": _QUESTION + "Keep it under eighty words and say what comes next."},
        ],
        "temperature": 0.2,
        "max_tokens": 128,
    }
    if stream:
        request["stream"] = True
    return json.dumps(request, separators=(",", ":")).encode()


def measure(
    scenario: Scenario,
    port: int,
    secs: float,
    home: Path,
    headers: Sequence[str] = (),
    cpu_s: Callable[[], float] = lambda: 0.0,
    mock_cpu_s: Callable[[], float] = lambda: 0.0,
) -> Sample:
    """Put one scenario on a port for `secs` seconds.

    Args:
        cpu_s: Seconds on a core used so far by what listens at the port.
        mock_cpu_s: The same of the mock provider; both are subtracted to see what others burnt meanwhile.

    Returns:
        rps, p50_ms, p99_ms, not_200, failed; for streams also events_s, first_p50_ms, first_p99_ms, cut,
        without_done; and cpu_us (per answer), cpu_us_event, cores (of the gateway), other_cores (of others).

    Raises:
        RuntimeError: The load generator did not give a result.
    """
    request = home / "request.json"
    request.write_bytes(body(scenario.model, scenario.stream))
    before = cpu_s(), mock_cpu_s(), busy_s(), os.times(), time.monotonic()
    done = subprocess.run(
        on_core(LOAD_CORE, _command(scenario, port, secs, home, request, headers)),
        capture_output=True,
        text=True,
        timeout=secs + 60,
    )
    took = time.monotonic() - before[4]
    cpu, mock, busy, times = cpu_s() - before[0], mock_cpu_s() - before[1], busy_s() - before[2], os.times()
    load = times.children_user + times.children_system - before[3].children_user - before[3].children_system
    line = done.stdout.rpartition("RESULT ")[2] or done.stdout
    try:
        sample: Sample = json.loads(line)
    except ValueError as error:
        raise RuntimeError(f"The load generator gave no result: {(done.stdout + done.stderr)[-300:]}") from error
    sample["cpu_us"] = cpu * 1e6 / sample["requests"] if sample["requests"] else None
    if scenario.stream:
        sample["cpu_us_event"] = cpu * 1e6 / sample["events"] if sample["events"] else None
    sample["cores"] = cpu / took
    sample["other_cores"] = max(0.0, busy - cpu - mock - load) / took
    return sample


def _command(
    scenario: Scenario, port: int, secs: float, home: Path, request: Path, headers: Sequence[str]
) -> list[str]:
    if scenario.stream:
        return [str(home / "stream_load"), str(port), str(scenario.clients), str(secs), str(request), *headers]
    return [
        where("wrk"),
        "-t1",
        f"-c{scenario.clients}",
        f"-d{max(1, round(secs))}s",
        "-s",
        str(HERE / "plain_load.lua"),
        f"http://127.0.0.1:{port}/v1/chat/completions",
        "--",
        str(request),
        *headers,
    ]
