"""`roadworthy verify run` and `verify probes`."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

SUBJECT = click.argument("subject", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))


@click.command()
@options
@click.option(
    "--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="Where reports and evidence go."
)
@click.option("--only", multiple=True, metavar="ID", help="Run these checks alone; the others are not measured.")
@click.option("--service", help="URL of the running service.")
@SUBJECT
def run(subject: Path, folder: Path | None, only: tuple[str, ...], service: str | None, out: Settings) -> None:
    """Run the checks on the folder SUBJECT (default: this one)."""
    from roadworthy.cli import verify_text

    verify_text.run(subject, folder, only, service, out)


@click.command()
@options
def probes(out: Settings) -> None:
    """List the checks and what implements each."""
    from roadworthy.verify.registry import checks

    rows = [
        (id, each.definition.weight, "yes" if each.definition.blocker else "", each.definition.automation,
         each.origin if each.module else "none yet", each.definition.title)
        for id, each in checks().items()
    ]  # fmt: skip
    heads = ["id", "weight", "blocker", "needs", "probe", "title"]
    out.emit([dict(zip(heads, row, strict=True)) for row in rows], out.table(heads, rows))
