"""What remembering a request costs: CPU of masker, journal and ledger in microseconds per request.

python benchmarks/runtime/memory_cost.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.ids import request_id
from roadworthy.core.ports import Entry
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.ledger import Ledger
from roadworthy.gateway.request_metrics import fold
from roadworthy.gateway.request_record import RequestWriter
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.runtime.log import Log
from roadworthy.runtime.metrics import Metrics

ROUNDS = 10
HOSTILE = (b"0505-1234-5678-", b"eyJaaaaaaaa.", b"://u:p,010-1234-5678,", b"a%40b.co.", b'password="', b"4111 ", b'\\"')


def requests(count: int, fallback: bool = False) -> list[Finished]:
    """Plain requests as a busy worker sees them, one or two attempts each."""
    served = Attempt("openai", "gpt-4.1-mini", Reason.SERVED, 412.3456789, 200)
    failed = Attempt("local", "mock-1", Reason.CONNECT_FAILED, 1.2345678, None, "connection refused by the provider")
    attempts = (failed, served) if fallback else (served,)
    return [
        Finished(
            request_id(),
            1_760_000_000.123456 + n / 20_000,
            "chat",
            "chat",
            "anonymous",
            False,
            200,
            "ok",
            "openai/gpt-4.1-mini",
            attempts,
            415.2345678 + n / 7,
            None,
            0.0543,
            123,
            45,
            "connect_failed" if fallback else "",
        )
        for n in range(count)
    ]


def cost(work: Callable[[], object], count: int) -> float:
    """Least CPU time of all threads over the rounds, in microseconds per item."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def hostile(masker: TextMasker) -> None:
    """Four times the text must take about four times as long, whatever it is."""
    for unit in HOSTILE:
        short, long = ((unit * size)[:size] for size in (20_000, 80_000))
        first = cost(lambda text=short: masker.mask_bytes(text), 1) / 1e3
        second = cost(lambda text=long: masker.mask_bytes(text), 1) / 1e3
        print(f"hostile {unit!r:28} 20 kB {first:7.1f} ms, 80 kB {second:7.1f} ms, x{second / first:.1f}")


def main() -> None:
    """Print the table."""
    masker = TextMasker()
    batch = requests(2_000)
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as stream:
        journal = SqliteJournal(Path(folder, "state.db"), masker)
        log = Log(stream, masker)
        metrics = Metrics()
        writer = RequestWriter(log)
        written = writer.write(batch)
        small = [Entry("request.finished", e.at, e.payload.ljust(400)) for e in written.entries[:500]]
        joined = b"\n".join(written.lines)
        print(f"log line {len(joined) / 2_000:.0f} bytes, journal payload {len(written.entries[0].payload)} bytes")
        print(f"mask a log line            {cost(lambda: masker.mask_bytes(joined), 2_000):6.2f} us")
        print(f"journal.append, 500 x 400 B {cost(lambda: journal.append(small), 500):5.2f} us per entry")
        print(f"entries and lines          {cost(lambda: writer.write(batch), 2_000):6.2f} us")
        print(f"log.lines                  {cost(lambda: log.lines(written.lines), 2_000):6.2f} us")
        print(f"fold into metrics          {cost(lambda: fold(metrics, batch), 2_000):6.2f} us")
        for name, ledger, load in (
            ("all on", Ledger(journal, log, metrics, start=False), batch),
            ("all on, with fallback", Ledger(journal, log, metrics, start=False), requests(2_000, True)),
            ("without request log", Ledger(journal, log, metrics, log_requests=False, start=False), batch),
        ):
            start = time.process_time()
            for one in load:
                ledger.add(one)
            add = (time.process_time() - start) / len(load) * 1e6
            ledger.flush()

            def one_round(ledger: Ledger = ledger, load: list[Finished] = load) -> None:
                for one in load:
                    ledger.add(one)
                ledger.flush()

            print(f"ledger.add {add:.3f} us; add + flush, {name}: {cost(one_round, 2_000):.2f} us per request")
    hostile(masker)


if __name__ == "__main__":
    main()
