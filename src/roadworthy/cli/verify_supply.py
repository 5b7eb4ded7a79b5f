"""`roadworthy verify sbom` and `verify advisories`: what is installed, and what is known against it."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

PYTHON = click.option(
    "--python", "place", type=click.Path(path_type=Path, exists=True),
    help="Environment: its folder, its interpreter or a site-packages folder (default: SUBJECT/.venv, else our own).",
)  # fmt: skip
SUBJECT = click.argument("subject", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))


@click.command()
@options
@PYTHON
@click.option("-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write it to a file.")
@click.option("--files", is_flag=True, help="List each file of each distribution with its hash.")
@SUBJECT
def sbom(subject: Path, place: Path | None, file: Path | None, files: bool, out: Settings) -> None:
    """Write the bill of materials (CycloneDX 1.6, JSON) of what is installed and of the models below SUBJECT.

    Nothing of the environment is imported or started. Exit 4 when something could not be read.
    """
    from roadworthy.cli import verify_bill

    verify_bill.write(subject, place, file, files, out)


@click.group()
def advisories() -> None:
    """Import advisories, and look installed packages up in them."""


@advisories.command(name="import")
@options
@click.option("-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), default="advisories.json",
              show_default=True, help="The database.")  # fmt: skip
@click.argument("source", type=click.Path(path_type=Path, exists=True))
def import_(source: Path, file: Path, out: Settings) -> None:
    """Read SOURCE, a zip archive or folder of OSV records, and write a dated database of those about PyPI.

    Its date is that of the newest record: an old copy stays old. Exit 4 when records could not be read; the database is
    written, and every check against it says so.
    """
    from roadworthy.cli import verify_advisories

    verify_advisories.import_source(source, file, out)


@advisories.command()
@options
@PYTHON
@click.option("--database", "file", type=click.Path(path_type=Path, dir_okay=False), default="advisories.json",
              show_default=True, help="What `import` wrote.")  # fmt: skip
@SUBJECT
def check(subject: Path, place: Path | None, file: Path, out: Settings) -> None:
    """Look up every package of the environment.

    Exit 0 when the database is of this week, every package was looked up and none has a vulnerability that is high,
    critical or of unknown severity; 1 when one has; 4 when it could not be found out.
    """
    from roadworthy.cli import verify_advisories

    verify_advisories.check(subject, place, file, out)
