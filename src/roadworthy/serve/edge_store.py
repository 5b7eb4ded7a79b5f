"""What an edge worker knows about the stores that replicas share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from roadworthy.runtime.metrics import Metrics
from roadworthy.runtime.shipping import read_report


def watch_records(
    stores: dict[str, Callable[[], dict[str, object]]], metrics: Metrics, run_dir: Path, *, first: bool
) -> None:
    """Have a worker tell how the shipping of records goes; its report is read when somebody looks.

    Args:
        stores: Gets `records`.
        metrics: Gets the gauges, if this is the first worker: there is one report, not one per worker.
        run_dir: Where the shipping process writes its report.
        first: Whether this is the first worker.
    """

    def told() -> dict[str, object]:
        return read_report(run_dir, time.time())

    def waiting() -> dict[tuple[str, ...], float]:
        found = told()["waiting"]
        return {(): float(found)} if isinstance(found, int) else {}

    stores["records"] = told
    if first:
        metrics.observe("roadworthy_records_waiting", waiting)
        metrics.observe("roadworthy_records_held_back", lambda: {(): 0.0 if told()["ok"] else 1.0})
