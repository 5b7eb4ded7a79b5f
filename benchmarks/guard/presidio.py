"""Presidio as a peer: installed into a folder of its own, run as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PACKAGE = "presidio-analyzer==2.2.366"
WORKER = Path(__file__).with_name("presidio_worker.py")


class Answer(NamedTuple):
    """Spans as (start, end, kind) in code points, and the seconds of CPU that they took."""

    spans: list[tuple[int, int, str]]
    seconds: float


def home() -> Path:
    """Where its virtual environment lives."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roadworthy-bench" / "presidio"


def installed() -> bool:
    """Whether it can be run."""
    return (home() / "bin" / "python").exists()


def install() -> None:
    """Put it into its virtual environment; it never becomes a dependency of ours."""
    subprocess.run([sys.executable, "-m", "venv", str(home())], check=True)
    subprocess.run([str(home() / "bin" / "python"), "-m", "pip", "install", "--quiet", PACKAGE], check=True)


def analyzed(texts: Iterable[str]) -> list[Answer]:
    """What it finds in each text."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [str(home() / "bin" / "python"), str(WORKER)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"Presidio failed: {done.stderr[-2000:]}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [Answer([(start, end, kind) for start, end, kind in row["spans"]], row["s"]) for row in rows]
