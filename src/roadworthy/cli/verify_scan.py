"""`roadworthy verify scan`: model files judged by walking their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

_FEW_FILES = 8
"""So few files are looked at here: starting processes would take longer."""


@click.command()
@options
@click.option("--processes", type=click.IntRange(1), help="How many at the same time (default: one per core).")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def scan(paths: tuple[Path, ...], processes: int | None, out: Settings) -> None:
    """Judge model files and folders of them, by content; nothing is loaded.

    Each file is clean, unsafe or unverifiable, with the reasons. Exit 0 when all are clean, 1 when one is unsafe, 4
    when none is unsafe but one could not be judged, or when there was no file.
    """
    show(paths, processes, out)


def show(paths: Sequence[Path], processes: int | None, out: Settings) -> None:
    """Judge files, show the verdicts, and end with the exit code that says them."""
    from roadworthy.cli.progress import bytes_progress
    from roadworthy.core.errors import Exit
    from roadworthy.runtime.executor import InlineExecutor, ProcessExecutor
    from roadworthy.verify.artifact.record import FileReport, Verdict
    from roadworthy.verify.artifact.tree import find, scan, summary

    named = find(paths)
    few = len(named) <= _FEW_FILES and processes is None
    executor = InlineExecutor() if few or processes == 1 else ProcessExecutor(processes)
    reports: list[FileReport] = []
    with bytes_progress(out, "scanning") as progress:
        progress.total(sum(each.size for each in named))
        for each, report in zip(named, scan(named, executor), strict=True):
            reports.append(report)
            progress.step(each.size)
    counted = summary(reports)
    out.emit({"files": reports, "summary": counted}, _told(reports, out))
    out.say(", ".join(f"{number} {word}" for word, number in counted.items()) + ".")
    if counted[Verdict.UNSAFE]:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)
    if counted[Verdict.UNVERIFIABLE] or not reports:
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)


def _told(reports: Sequence[object], out: Settings) -> str:
    from roadworthy.verify.artifact.record import FileReport, shown

    lines = []
    for report in reports:
        assert isinstance(report, FileReport)
        formats = f" ({', '.join(report.formats)})" if report.formats else ""
        lines.append(f"{report.verdict.value:12}  {shown(report.path, 400)}{formats}")
        for reason in report.reasons:
            place = ":".join(str(part) for part in (reason.member, reason.offset) if part not in ("", None))
            lines.append(f"    {reason.severity.value} {reason.rule}{f' at {place}' if place else ''}: {reason.what}")
        if report.reasons:
            lines.append(f"    mend: {report.reasons[0].mend}")
    return "\n".join(lines)
