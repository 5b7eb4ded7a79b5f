"""How long it takes until a breaker that one replica opens is open in another one: p50, p99, max.

python benchmarks/gateway/replicas/news.py --times 500

Two processes with an edge's own parts (route table, breakers, line to Valkey) and a real Valkey on this machine. The
clock is CLOCK_MONOTONIC, which both share. Add one way of your network to Valkey and one back for replicas elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

import uvloop

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from rig.stores import Valkey  # noqa: E402
from roadworthy.gateway.allowance_store import SqliteAllowances  # noqa: E402
from roadworthy.gateway.edge.service import Service  # noqa: E402
from roadworthy.gateway.ledger import Ledger  # noqa: E402
from roadworthy.gateway.settings import (  # noqa: E402
    Breaker,
    EdgeSettings,
    ProviderSettings,
    Route,
    State,
    Target,
)
from roadworthy.guard.text.masker import TextMasker  # noqa: E402
from roadworthy.runtime.journal import SqliteJournal  # noqa: E402
from roadworthy.runtime.log import Log  # noqa: E402
from roadworthy.runtime.metrics import Metrics  # noqa: E402
from roadworthy.serve.edge_state import SharedState  # noqa: E402


def service(name: str, url: str, folder: str) -> Service:
    """An edge's parts without its sockets."""
    settings = EdgeSettings(
        providers=(ProviderSettings("a", "openai", "http://127.0.0.1:1/v1", "key"),),
        routes=(Route("chat", (Target("a", "m"),)),),
        state=State(url, name, "benchmark"),
        breaker=Breaker(open_s=3_600.0),
    )
    masker = TextMasker()
    log = Path(folder, f"{name}.log").open("w")  # noqa: SIM115 - as long as the process
    journal = SqliteJournal(Path(folder, f"{name}.db"), masker)
    return Service(settings, Ledger(journal, Log(log, masker), Metrics()), masker)


async def listen(url: str, folder: str) -> None:
    """The other replica: prints when its breaker opened."""
    served = service("two", url, folder)
    shared = SharedState(served.settings.state, served, Metrics(), SqliteAllowances(Path(folder, "budget.db")))
    follow = shared.replicas._follow

    def noted(news: object) -> None:
        follow(news)
        (link,) = served.table.links()
        if link.breaker.state == "open":
            print(monotonic(), flush=True)
        elif link.breaker.state == "closed":
            print("closed", flush=True)

    shared.replicas._follow = noted
    while not shared.link.up:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await asyncio.sleep(600)


async def measure(url: str, folder: str, times: int) -> list[float]:
    """Open, wait until the other one has, close, again; milliseconds."""
    served = service("one", url, folder)
    shared = SharedState(served.settings.state, served, Metrics(), SqliteAllowances(Path(folder, "budget.db")))
    other = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--listen", url, folder, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    try:
        while not shared.link.up:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await other.stdout.readline() == b"ready\n"
        (link,) = served.table.links()
        found = []
        for _ in range(times):
            began = monotonic()
            for _ in range(3):
                ticket = link.breaker.admit(monotonic())
                link.breaker.failed(ticket, monotonic())
            found.append((float(await other.stdout.readline()) - began) * 1e3)
            link.breaker.reset()
            assert await other.stdout.readline() == b"closed\n"
            await asyncio.sleep(0.002)
        return found
    finally:
        other.kill()
        await other.wait()
        await shared.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--listen", nargs=2)
    given = parser.parse_args()
    if given.listen:
        uvloop.run(listen(*given.listen))
        return
    with tempfile.TemporaryDirectory() as folder, Valkey() as valkey:
        found = sorted(uvloop.run(measure(valkey.url, folder, given.times)))
    print(
        f"news of a breaker to the other replica, {len(found)} times: p50 {found[len(found) // 2]:.2f} ms, "
        f"p99 {found[int(len(found) * 0.99)]:.2f} ms, max {found[-1]:.2f} ms"
    )


if __name__ == "__main__":
    main()
