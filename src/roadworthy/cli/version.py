"""`roadworthy version`."""

from __future__ import annotations

import platform

import click

from roadworthy import __version__
from roadworthy.cli.output import Settings, options


@click.command()
@options
def version(out: Settings) -> None:
    """Print the version."""
    python, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    data = {"version": __version__, "python": python, "system": system}
    out.emit(data, f"roadworthy {__version__} (Python {python}, {system})")
