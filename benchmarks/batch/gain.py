"""Gain of a batch over single requests on the embedded model, on this machine.

    nice python benchmarks/batch/gain.py [--lines 24] [--tokens 24] [--parallel 1 4 8 16]

Starts `roadworthy up` in a temporary folder on free ports for each number of lines under way (jobs.batch_parallel),
asks the same prompts one after the other and then as a batch, in turn, and prints both times and their ratio. A batch
is timed from its creation to the status `completed`, with the time to find out (one question every 50 ms).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from openai import OpenAI

ROUNDS = 3


@contextmanager
def gateway(parallel: int) -> Iterator[OpenAI]:
    """A running gateway and the official client for it."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as held:
            ports.append(held.getsockname()[1])
    environ = {
        **os.environ,
        "ROADWORTHY_GATEWAY__PORT": str(ports[0]),
        "ROADWORTHY_CONTROL__PORT": str(ports[1]),
        "ROADWORTHY_GATEWAY__WORKERS": "1",
        "ROADWORTHY_JOBS__BATCH_PARALLEL": str(parallel),
    }
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        with out.open("wb") as told, (Path(folder) / "err").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "roadworthy", "up", "--json"],
                cwd=folder,
                env=environ,
                stdout=told,
                stderr=errors,
            )
        try:
            while not out.read_text().endswith("\n"):
                assert process.poll() is None, (Path(folder) / "err").read_text()
                time.sleep(0.1)
            yield OpenAI(base_url=f"http://127.0.0.1:{ports[0]}/v1", api_key="none", max_retries=0, timeout=300)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def bodies(count: int, tokens: int) -> list[dict[str, object]]:
    """Requests that are alike in size and differ in text."""
    return [
        {
            "model": "chat",
            "messages": [{"role": "user", "content": f"Write one sentence about the number {number}."}],
            "max_tokens": tokens,
        }
        for number in range(count)
    ]


def one_by_one(client: OpenAI, asked: list[dict[str, object]]) -> float:
    """Seconds for all requests, one after the other on one connection."""
    began = time.perf_counter()
    for body in asked:
        client.post("/chat/completions", body=body, cast_to=object)
    return time.perf_counter() - began


def as_batch(client: OpenAI, asked: list[dict[str, object]]) -> float:
    """Seconds for the same requests as a batch."""
    lines = [
        json.dumps({"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": body})
        for number, body in enumerate(asked)
    ]
    file = client.files.create(file=("asked.jsonl", io.BytesIO("\n".join(lines).encode())), purpose="batch")
    began = time.perf_counter()
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    while batch.status not in {"completed", "failed"}:
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    seconds = time.perf_counter() - began
    counts = batch.request_counts
    assert counts is not None
    assert counts.completed == len(asked), batch
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--parallel", type=int, nargs="+", default=[8])
    options = parser.parse_args()
    asked = bodies(options.lines, options.tokens)
    print(f"{options.lines} requests of {options.tokens} tokens, median of {ROUNDS} rounds, {os.cpu_count()} cores")
    print("lines under way   one by one s   batch s   gain")
    for parallel in options.parallel:
        with gateway(parallel) as client:
            as_batch(client, asked[:4])  # the worker loads its store at the first batch
            rounds = [(one_by_one(client, asked), as_batch(client, asked)) for _ in range(ROUNDS)]
        single, batch = (median(times) for times in zip(*rounds, strict=True))
        gain = median(one / many for one, many in rounds)
        print(f"{parallel:15d}   {single:12.2f}   {batch:7.2f}   {gain:.2f} x", flush=True)


if __name__ == "__main__":
    main()
