"""What commands of applications that write reports have in common: follow one, hand it out, run a smoke test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from roadworthy.cli.output import Settings
from roadworthy.core.errors import CODES, Exit, GatewayError, UsageError

if TYPE_CHECKING:
    from roadworthy.client.report import Report, ReportClient, Run

T = TypeVar("T")

LOOK_S = 1.0
PATIENCE_S = 60.0
"""So long is a gateway asked again that does not answer; the work goes on, or is taken up again, meanwhile."""


def follow(client: ReportClient[Any], report: Report, out: Settings) -> Report:
    """Wait until a report is over; tells on stderr what becomes of each section.

    Raises:
        GatewayError: `gateway_unreachable` for longer than `PATIENCE_S`.
    """
    told: dict[str, str] = {}
    out.say(f"{report.title} ({report.report_id})")
    with _going_on(report.report_id, out):
        while True:
            _tell_sections(report, told, out)
            if report.over:
                return report
            time.sleep(LOOK_S)
            report = _patiently(lambda name=report.report_id: client.report(name))  # type: ignore[misc]


def _tell_sections(report: Report, told: dict[str, str], out: Settings) -> None:
    for one in report.sections:
        if told.get(one.key, "waiting") != one.state:
            told[one.key] = one.state
            by = f" by {one.provider}/{one.model}" if one.model else ""
            why = "" if one.state != "failed" else f": {one.debug_hint or one.error_type}"
            out.say(f"  {one.title}: {one.state}{by}{why}")


@contextmanager
def _going_on(name: str, out: Settings) -> Iterator[None]:
    """Ctrl-C ends the command, not the work: says so, and how to end that."""
    try:
        yield
    except KeyboardInterrupt:
        group = click.get_current_context().command_path.rpartition(" ")[0]
        out.say(f"{name} goes on without this command, which follows it when it is given again.")
        out.say(f"To end it: {group} stop {name}")
        raise


def stop(client: ReportClient[Any], name: str, out: Settings) -> None:
    """End a report or a smoke run that is not over; what is written stays.

    Args:
        client: Of the application.
        name: Id of the one or the other.
        out: How the command speaks.
    """
    ended = client.cancel_smoke(name) if name.startswith("smoke_") else client.cancel(name)
    out.emit(ended, f"{name} is {ended.state}.")


def hand_out(client: ReportClient[Any], report: Report, out: Settings, output: Path | None) -> None:
    """Give a report that passed, on stdout or as a file, and end with the exit code that its end means.

    Args:
        client: Of the application.
        report: One that is over.
        out: How the command speaks.
        output: File; its ending names the format.
    """
    if report.state == "passed" and output is not None:
        from roadworthy.runtime.atomic_file import replacing

        content = client.download(report.report_id, form_of(output))
        try:
            with replacing(output, mode=0o644) as file:
                file.write(content)
        except OSError as error:
            raise UsageError(f"{output} cannot be written.", f"{error.strerror}.") from error
        out.say(f"Written to {output}.")
    out.emit(report, report.markdown or "" if output is None else "")
    if report.state != "passed":
        out.say(f"The report {report.state}. {report.debug_hint or ''}")
    end_with(exit_of(report))


def form_of(output: Path) -> str:
    """The format that a file's ending names.

    Raises:
        UsageError: `invalid_request`: none.
    """
    form = output.suffix.removeprefix(".").lower()
    if form not in {"md", "html", "docx", "pdf"}:
        why = f"It is {form or 'missing'}."
        raise UsageError("The file's ending names no format.", why, "Use .md, .html, .docx or .pdf.")
    return form


def exit_of(report: Report) -> Exit:
    """0 when it passed, 1 when the gate kept it back, 4 when no model could write it or it was stopped."""
    if report.state == "passed":
        return Exit.GOOD
    row = CODES.get(report.error_type or "")
    return Exit.COULD_NOT_FIND_OUT if row is None or report.state == "cancelled" else row.exit_code


def live_check(client: ReportClient[Any], reports: Sequence[Report], out: Settings) -> None:
    """Wait for reports; ends with 0 only when every one passed and none used a stub.

    Args:
        client: Of the application.
        reports: As ordered.
        out: How the command speaks.
    """
    ended = [follow(client, one, out) for one in reports]
    heads = ["report", "stub_used", "quality_passed", "sections", "written by", "cost"]
    rows = [
        (one.title, one.stub_used, one.quality_passed, f"{sum(part.state == 'passed' for part in one.sections)} of "
         f"{len(one.sections)}", ", ".join(one.providers) or None, one.cost)
        for one in ended
    ]  # fmt: skip
    out.emit({"reports": ended}, out.table(heads, rows))
    stub = any(one.stub_used for one in ended)
    end_with(max([Exit.JUDGED_BAD if stub else Exit.GOOD, *map(exit_of, ended)]))


def smoke(client: ReportClient[Any], body: dict[str, Any], out: Settings, yes: bool) -> None:
    """Run everything an application offers, once, after a look at what it will take.

    Args:
        client: Of the application.
        body: What is to be run.
        out: How the command speaks.
        yes: Do not ask before money is spent.
    """
    told = client.smoke_estimate(body)
    cost = "unknown" if told.cost is None else f"${told.cost:.4f}"
    seconds = "unknown" if told.seconds is None else f"{told.seconds:.0f} s"
    out.say(f"{told.reports} reports, {told.requests} requests, time {seconds}, cost {cost}.")
    if told.cost != 0 and not yes:
        click.confirm("It costs money, or nobody knows. Go on?", abort=True, err=True)
    run, done = client.smoke(body), -1
    with _going_on(run.smoke_id, out):
        while not run.over:
            over = sum(row.state in {"passed", "failed", "cancelled"} for row in run.reports)
            if over != done:
                done = over
                out.say(f"  {done} of {len(run.reports)} reports")
            time.sleep(LOOK_S)
            run = _patiently(lambda name=run.smoke_id: client.smoke_run(name))  # type: ignore[misc]
    out.emit(run, _smoke_table(run, out))
    end_with(
        Exit.GOOD if run.state == "passed" else Exit.JUDGED_BAD if run.state == "failed" else Exit.COULD_NOT_FIND_OUT
    )


def end_with(code: Exit) -> None:
    """End the command."""
    click.get_current_context().exit(int(code))


def _smoke_table(run: Run, out: Settings) -> str:
    heads = ["pack", "language", "state", "sections", "stub_used", "cost", "why"]
    rows = [
        (one.name, one.language, one.state, f"{one.sections_passed} of {one.sections}", one.stub_used, one.cost,
         (one.debug_hint or "")[:80])
        for one in run.reports
    ]  # fmt: skip
    return out.table(heads, rows)


def _patiently(ask: Callable[[], T]) -> T:
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except GatewayError as error:
            if error.code not in {"gateway_unreachable", "store_unavailable"} or time.monotonic() > give_up:
                raise
        time.sleep(LOOK_S)
