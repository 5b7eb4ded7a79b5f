"""`roadworthy backup`: a copy of the state directory that is made while the service runs, and the way back."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli import target
from roadworthy.cli.output import Settings, options

FOLDER = click.argument("folder", type=click.Path(path_type=Path))


@click.group()
def backup() -> None:
    """Copy the state of the service while it runs, and put a copy back."""


@backup.command()
@options
@FOLDER
def create(folder: Path, out: Settings) -> None:
    """Copy journal, keys, jobs and files to the new folder FOLDER; the service may run.

    Each database is copied as of one moment, one after the other. What is kept in PostgreSQL or Valkey is not in it,
    nor is the configuration.
    """
    from roadworthy.runtime.backup import create as make

    done = make(target.state_dir(out), folder)
    data = {"folder": str(folder), "created": done.created, "bytes": done.size, "files": done.digests}
    out.emit(data, f"{len(done.digests)} files, {done.size:,} bytes, in {folder}.")


@backup.command()
@options
@FOLDER
def restore(folder: Path, out: Settings) -> None:
    """Make FOLDER the state of the service, which must have none yet.

    Every file is compared with the digest in the backup before any is used.
    """
    from roadworthy.runtime.backup import restore as put_back

    state = target.state_dir(out)
    done = put_back(folder, state)
    data = {"state_dir": str(state), "created": done.created, "bytes": done.size, "files": done.digests}
    out.emit(data, f"{len(done.digests)} files, {done.size:,} bytes, of {done.created} in {state}.")
