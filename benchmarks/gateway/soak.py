"""A long run under steady load: do memory, files and tasks of an edge grow?

Everything is on: modes, gate, cache, budgets, prices, journal, request log. The rate is a share of what the same edge
bore in a closed loop a moment before. After a warm-up, in which the cache fills, the resident memory is looked at every
few seconds; its slope is fitted by least squares, with a 95 % interval from a moving-block bootstrap (Künsch 1989),
because neighbouring samples are alike. SIGUSR1 lets the load rest, and go on at the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from machine import GATEWAY_CORE, LOAD_CORE, Pinned, compile_tools, default_home, usage, wait_for_port
from target import own_command
from upstream import Upstream

from roadworthy.verify.service.growth import interval, slope

PORT, UPSTREAM_PORT = 9394, 9104
CLIENTS = 24
BLOCK_S = 300.0
CONFIG = """
version: 1
gateway:
  host: 127.0.0.1
  port: {port}
  workers: 1
  state_dir: {state}
  providers:
    mock: {{kind: compatible, base_url: "http://127.0.0.1:{upstream}/v1"}}
  routes:
    plain: {{chain: [mock/mock-plain], cache: "off"}}
    kept: {{chain: [mock/mock-plain], cache: exact, cache_ttl_s: 5}}
    ruled: {{chain: [mock/mock-plain], cache: "off", quality: {{words: {{min: 1}}}}}}
    stream: {{chain: [mock/mock-plain], cache: "off"}}
  modes:
    creative: {{roles: {{answer: [mock/mock-plain]}}, objective: null}}
    fast: {{roles: {{answer: [mock/mock-plain]}}, objective: null}}
  cache: {{enabled: true, max_bytes: 4194304, stale_s: 60}}
  prices: {{models: {{mock/mock-plain: {{input: 1.0, output: 2.0}}}}}}
  budget: {{default: {{requests_per_minute: 10000000, usd_per_day: 1000000}}}}
control: {{enabled: false}}
log: {{level: info, requests: true}}
"""
MIX = (("plain", 60), ("kept", 15), ("ruled", 10), ("creative", 10), ("stream", 5))


@dataclass(frozen=True)
class Look:
    """What an edge holds at a moment."""

    at_s: float
    rss_mb: float
    files: int
    threads: int
    tasks: int
    answered: int


class Load:
    """Keep-alive clients that ask at a steady rate, or as fast as they can."""

    def __init__(self, port: int, rate: float | None, going: asyncio.Event) -> None:
        self._port = port
        self._rate = rate
        self._names = random.Random(1).choices([name for name, _ in MIX], [weight for _, weight in MIX], k=4_096)
        self._number = 0
        self._going = going
        self.outcomes: Counter[str] = Counter()

    async def run(self, seconds: float) -> float:
        """Ask for so long; gives the answers per second."""
        began = time.monotonic()
        await asyncio.gather(*(self._client(at, began, began + seconds) for at in range(CLIENTS)))
        return sum(self.outcomes.values()) / (time.monotonic() - began)

    async def _client(self, at: int, began: float, until: float) -> None:
        pause = 0.0 if self._rate is None else CLIENTS / self._rate
        due = began + pause * at / CLIENTS
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while (now := time.monotonic()) < until:
            if due > now:
                await asyncio.sleep(due - now)
            await self._going.wait()
            due = max(due + pause, time.monotonic() - 1.0)  # what this machine could not do in time is not made up for
            self._number += 1
            name = self._names[self._number % len(self._names)]
            try:
                writer.write(_request(name, self._number))
                self.outcomes[await asyncio.wait_for(_answer(reader), 30)] += 1
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.outcomes[type(error).__name__] += 1
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()


def _request(name: str, number: int) -> bytes:
    text = f"Question {number % 500 if name == 'kept' else number}: which notes open a citrus perfume?"
    asked: dict[str, Any] = {"model": name, "messages": [{"role": "user", "content": text}], "max_tokens": 64}
    if name == "stream":
        asked["stream"] = True
    body = json.dumps(asked).encode()
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


async def _answer(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        while size := int((await reader.readuntil(b"\r\n")), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    else:
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    return head[9:12].decode()


def look(pid: int, began: float, answered: int) -> Look:
    """What the edge holds now; tasks from its own metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as told:
        page = told.read().decode()
    tasks = next(float(line.split()[-1]) for line in page.splitlines() if line.startswith("roadworthy_tasks"))
    found = Path(f"/proc/{pid}")
    threads = len(os.listdir(found / "task"))
    files = len(os.listdir(found / "fd"))
    return Look(time.monotonic() - began, usage(pid).rss_mb, files, threads, int(tasks), answered)


def _toggle(going: asyncio.Event) -> None:
    if going.is_set():
        going.clear()
    else:
        going.set()


async def soak(given: argparse.Namespace, pid: int) -> dict[str, Any]:
    """Warm up, measure what it bears, then run at a share of it and look on."""
    going = asyncio.Event()
    going.set()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _toggle, going)
    most = await Load(PORT, None, going).run(given.calibrate_s)
    rate = given.rate or most * given.share
    print(f"closed loop: {most:.0f} requests a second; now {rate:.0f} for {given.minutes:g} minutes", flush=True)
    # One load for both: what ends with the clients' connections would else begin anew with the measurement.
    warm_s = given.warm_up_min * 60
    load, began, before = Load(PORT, rate, going), time.monotonic() + warm_s, usage(pid).cpu_s
    running = asyncio.create_task(load.run(warm_s + given.minutes * 60))
    looks: list[Look] = []
    while not running.done():
        looks.append(await asyncio.to_thread(look, pid, began, sum(load.outcomes.values())))
        if len(looks) % max(1, round(300 / given.every_s)) == 1:
            print(json.dumps(asdict(looks[-1])), flush=True)
        await asyncio.wait({running}, timeout=given.every_s)
    measured = [one for one in looks if one.at_s >= 0]
    at_s, rss = [one.at_s for one in measured], [one.rss_mb for one in measured]
    low, high = interval(at_s, rss, BLOCK_S)
    return {
        "closed_loop_rps": round(most),
        "rps": round(await running),
        "outcomes": dict(load.outcomes),
        "cores": round((usage(pid).cpu_s - before) / (time.monotonic() - began + warm_s), 3),
        "rss_mb": [round(rss[0], 1), round(max(rss), 1), round(rss[-1], 1)],
        "rss_slope_mb_per_hour": round(slope(at_s, rss), 3),
        "interval_95": [round(low, 3), round(high, 3)],
        "includes_0": low <= 0 <= high,
        "files": sorted({one.files for one in measured}),
        "threads": sorted({one.threads for one in measured}),
        "tasks": sorted({one.tasks for one in measured}),
        "looks": [asdict(one) for one in looks],
    }


def main() -> int:
    """0 when the interval includes 0 and nothing failed, 1 else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--warm-up-min", type=float, default=5.0)
    parser.add_argument("--share", type=float, default=0.5, help="of what it bears in a closed loop")
    parser.add_argument("--rate", type=float, help="requests a second, instead of a share")
    parser.add_argument("--calibrate-s", type=float, default=10.0)
    parser.add_argument("--every-s", type=float, default=10.0)
    given = parser.parse_args()
    home: Path = given.home / "soak"
    home.mkdir(parents=True, exist_ok=True)
    compile_tools(home)
    state = home / f"state-{os.getpid()}"
    (home / "roadworthy.yaml").write_text(CONFIG.format(port=PORT, upstream=UPSTREAM_PORT, state=state))
    command = [own_command() or "roadworthy", "gateway", "serve", "--config", str(home / "roadworthy.yaml")]
    with Upstream(home, UPSTREAM_PORT), Pinned(command, GATEWAY_CORE, home / "edge.log") as edge:
        os.sched_setaffinity(0, {LOAD_CORE})
        if not wait_for_port(PORT, 20):
            print(f"the edge did not start: {edge.last_words()}", file=sys.stderr)
            return 4
        found = asyncio.run(soak(given, edge.pid))
    with sqlite3.connect(f"file:{state / 'state.db'}?mode=ro", uri=True) as journal:
        found["journal_entries"] = journal.execute("select count(*) from journal_entry").fetchone()[0]
    looks = found.pop("looks")
    (home / "soak.json").write_text(json.dumps({**found, "looks": looks}, indent=1))
    print(json.dumps(found, indent=1))
    good = found["includes_0"] and set(found["outcomes"]) == {"200"}
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
