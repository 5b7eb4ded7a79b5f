"""`roadworthy doctor`: look at this installation and say how to mend it."""

from __future__ import annotations

import os

import click

from roadworthy.cli import target
from roadworthy.cli.output import Settings, options


@click.command()
@options
@target.url_option
def doctor(url: str | None, out: Settings) -> None:
    """Check this installation and say how to mend it; exit 3 when something is bad, 4 when it is unknown."""
    from roadworthy.cli.diagnosis import examine, exit_code
    from roadworthy.cli.finding import STATES

    found = examine(out.config, url, os.environ)
    code = exit_code(found)
    text = out.table(["check", "state", "evidence", "mend"], [(f.check, f.state, f.evidence, f.mend) for f in found])
    counts = {state: sum(one.state == state for one in found) for state in STATES}
    out.emit({"healthy": not code, "counts": counts, "findings": found}, text)
    out.say(", ".join(f"{count} {state}" for state, count in counts.items()))
    if code:
        raise click.exceptions.Exit(code)
