"""`roadworthy gateway simulate`: shows how a campaign goes on, and what it found."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext

import click

from roadworthy.cli.output import Settings
from roadworthy.core.errors import Exit
from roadworthy.gateway.simulation.campaign import Report, run


def play_all(schedules: int, seed: int, processes: int | None, stop_at: int, out: Settings) -> None:
    """Play, print, and exit with 1 when anything is broken."""
    cores = processes or len(os.sched_getaffinity(0))
    shown = not out.quiet and not out.json and sys.stderr.isatty()
    bar = (
        click.progressbar(length=schedules, label="Schedules", file=sys.stderr, show_pos=True)
        if shown
        else nullcontext()
    )
    done, started = 0, time.monotonic()

    def progress(report: Report) -> None:
        nonlocal done
        if bar is not None and not isinstance(bar, nullcontext):
            bar.update(report.schedules - done)
        done = report.schedules

    with bar:
        report = run(schedules, seed, cores, progress, stop_at)
    seconds = time.monotonic() - started
    data = {
        "schedules": report.schedules, "first_seed": seed, "requests": report.requests, "provider_calls": report.calls,
        "answers": dict(report.codes.most_common()), "seen": dict(report.seen.most_common()), "failed": report.failed,
        "failures": report.failures, "processes": cores, "seconds": round(seconds, 1),
    }  # fmt: skip
    out.emit(data, f"{_text(report, seed)}\n{seconds:,.0f} s with {cores} processes.")
    if report.failed:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)


def _text(report: Report, seed: int) -> str:
    answers = ", ".join(f"{code} {number:,}" for code, number in report.codes.most_common())
    rare = ", ".join(f"{name} {number:,}" for name, number in report.seen.most_common())
    lines = [
        f"{report.schedules:,} schedules from seed {seed}: {report.requests:,} requests, "
        f"{report.calls:,} provider calls.",
        f"Answers: {answers}.",
        f"Among them: {rare or 'nothing rare'}.",
    ]
    if not report.failed:
        return "\n".join([*lines, "No invariant was broken."])
    lines.append(f"BROKEN in {report.failed:,} schedules:")
    for failure in report.failures:
        needed = "; ".join(
            f"{f.kind}{f' at p{f.provider}' if f.provider >= 0 else ''} "
            f"from {f.start_s:.1f} s to {f.end_s:.1f} s, share {f.share:g}"
            for f in failure.faults
        )
        lines += [f"  seed {failure.seed}: {failure.invariant}: {failure.detail}", f"    needs {needed or 'no fault'}"]
    return "\n".join(lines)
