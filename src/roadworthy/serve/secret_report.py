"""What the supervisor knows about the secrets in use, for the processes beside it: no values, in a file of its own."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import msgspec

from roadworthy.guard.secrets.chain import SecretStatus
from roadworthy.runtime.metrics import Metrics

REPORT = "secrets.json"
POKE = "secrets.poke"
"""Its change tells a running supervisor to ask for all secrets now."""


class SecretReport(msgspec.Struct, frozen=True):
    """State of every secret in use.

    Attributes:
        at: When it was written, in seconds since the Unix epoch (UTC).
        generation: Changes of keys since the start.
        taken: Whether all workers use the newest.
        secrets: One status per reference.
    """

    at: float
    generation: int
    taken: bool
    secrets: tuple[SecretStatus, ...]


def write_report(run_dir: Path, report: SecretReport) -> None:
    """Replace the report in one step.

    Raises:
        OSError: It cannot be written; the old one stands.
    """
    fresh = run_dir / f"{REPORT}.new"
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(report))
    os.replace(fresh, run_dir / REPORT)


def read_report(run_dir: Path) -> SecretReport | None:
    """The report of the supervisor that runs, None without one."""
    try:
        return msgspec.json.decode((run_dir / REPORT).read_bytes(), type=SecretReport)
    except (OSError, msgspec.MsgspecError):
        return None


def poke(run_dir: Path) -> bool:
    """Tell a running supervisor to look now; False when there is no folder to do so."""
    try:
        (run_dir / POKE).write_bytes(str(time.time_ns()).encode())
    except OSError:
        return False
    return True


def poked(run_dir: Path) -> int:
    """A number that changes with every poke."""
    try:
        return (run_dir / POKE).stat().st_mtime_ns
    except OSError:
        return 0


def watch_secrets(metrics: Metrics, run_dir: Path) -> None:
    """Have a worker show the report as metrics; it is read when somebody looks."""

    def told() -> tuple[float, tuple[SecretStatus, ...]]:
        report = read_report(run_dir)
        return (0.0, ()) if report is None else (max(0.0, time.time() - report.at), report.secrets)

    def ages() -> dict[tuple[str, ...], float]:
        since, secrets = told()
        return {(one.reference,): one.age_s + since for one in secrets if one.age_s is not None}

    def sources() -> dict[tuple[str, ...], float]:
        return {(one.reference, one.source): 1.0 for one in told()[1] if one.source is not None}

    metrics.observe("secret_age_seconds", ages)
    metrics.observe("secret_source", sources)
    metrics.observe("secret_stale", lambda: {(o.reference,): float(o.state != "fresh") for o in told()[1]})
    metrics.observe(
        "secret_refresh_failures_total", lambda: {(one.reference,): float(one.failures) for one in told()[1]}
    )
